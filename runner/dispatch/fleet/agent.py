"""What lives on a node for one attempt of a job: it runs the runner and hands out what that wrote.

It is an actor of Ray, which places it where a slot is free and ends it with its node. It does not
know the store: a ticket comes with it, and the spool is fetched from it.
"""

from __future__ import annotations

import io
import shutil
import socket
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

from runner import __version__
from runner.dispatch.fleet.local_runner import LocalRunner, start_runner
from runner.dispatch.fleet.messages import Order, Seen
from runner.dispatch.ingest import FolderSpool
from runner.errors import UserError
from store import owner_is_dead, process_owner
from store.schema import SCHEMA_VERSION

PORTION = 4 * 2**20
"""Bytes of log and of spool in one answer."""
OWNER = "agent"
"""The file in an agent's folder that names its process."""
REFUSED = 2
"""The exit code of a runner that could not be started."""


class Agent:
    """One attempt of a job on this node."""

    def __init__(self, order: Order, files: bytes | None, node_id: str) -> None:
        """Starts the runner.

        Args:
            order: What to run.
            files: An archive of folders that the config names relative to where it was queued.
            node_id: Ray's id of this node.
        """
        self._node = node_id
        _clear_orphans(Path(tempfile.gettempdir()))
        self._folder = Path(tempfile.mkdtemp(prefix=f"{order.name}-"))
        (self._folder / OWNER).write_text(process_owner(), encoding="utf-8")
        self._runner: LocalRunner | None = None
        self._refusal = ""
        try:
            _check_version(order)
            work = self._folder / "work"
            work.mkdir()
            if files is not None:
                with tarfile.open(fileobj=io.BytesIO(files)) as archive:
                    archive.extractall(work, filter="data")
            self._runner = start_runner(order, self._folder, work)
        except (UserError, OSError, tarfile.TarError) as error:
            self._refusal = f"{socket.gethostname()}: {error}"

    def look(self, log_from: int, spool_from: int) -> Seen:
        """How the runner is, and what it wrote from these bytes on."""
        if self._runner is None:
            return Seen(self._node, True, REFUSED, self._refusal, b"", b"", False)
        # Asked first: what an ended runner wrote before its end is then complete.
        end = self._runner.end()
        log = _portion(self._runner.log, log_from)
        spool = FolderSpool(self._runner.spool).read(spool_from, last=True)
        more = len(log) > PORTION or len(spool) > PORTION
        return Seen(
            node=self._node,
            ended=end is not None,
            code=None if end is None else end.code,
            reason="" if end is None else end.reason,
            log=log[:PORTION],
            spool=spool[:PORTION],
            more=more,
        )

    def stop(self) -> None:
        """Asks the runner to end."""
        if self._runner is not None:
            self._runner.ask_to_end()

    def trace(self, name: str) -> bytes:
        """A profiler trace, which is deleted here; nothing if there is none."""
        if self._runner is None:
            return b""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "trace"
            found = FolderSpool(self._runner.spool).trace(name, copy)
            return copy.read_bytes() if found else b""

    def release(self) -> None:
        """Ends the runner at once, and deletes what it left."""
        if self._runner is not None:
            with suppress(OSError):
                self._runner.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class PlacedAgent(Agent):
    """An agent that learns from Ray where it is."""

    def __init__(self, order: Order, files: bytes | None) -> None:
        """Starts the runner."""
        # Here alone: on a node this is a process of Ray's.
        import ray

        super().__init__(order, files, ray.get_runtime_context().get_node_id())


def _clear_orphans(folder: Path) -> None:
    """Deletes what agents left on this node that died with it."""
    for note in folder.glob(f"asrprof-*/{OWNER}"):
        with suppress(OSError):
            if owner_is_dead(note.read_text(encoding="utf-8")):
                shutil.rmtree(note.parent, ignore_errors=True)


def _check_version(order: Order) -> None:
    """Refuses an order of another asrprof, whose rows would not fit.

    Raises:
        UserError: This node has another.
    """
    if (order.version, order.schema) != (__version__, SCHEMA_VERSION):
        raise UserError(
            f"this node has asrprof {__version__} with store schema {SCHEMA_VERSION}, the "
            f"dispatcher {order.version} with {order.schema}: install the same on both"
        )


def _portion(path: Path, start: int) -> bytes:
    """Bytes of a file that grows, one more than an answer holds if there are."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(PORTION + 1)
    except FileNotFoundError:
        return b""
