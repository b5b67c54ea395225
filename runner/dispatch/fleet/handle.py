"""One attempt on a node of the fleet, as the dispatcher sees it."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from runner.dispatch.fleet.link import Link, LinkError
from runner.dispatch.fleet.messages import Look, Release, Sight, Stop, Trace
from runner.dispatch.ingest import Bringer, Spool
from runner.dispatch.launcher import Exited, Handle, Running, Unreachable, UnreachableError
from store import Store

POLL_S = 0.1


class FleetHandle(Handle):
    """An agent in the cluster."""

    def __init__(self, link: Link, cluster: str, name: str, log: Path, job_id: int, attempt: int):
        """A handle of an agent that is there.

        Args:
            link: To the cluster.
            cluster: The cluster's address, as it names itself.
            name: The agent's.
            log: The file on this machine that takes its output.
            job_id: The job.
            attempt: Which of its attempts.
        """
        self._link = link
        self._cluster = cluster
        self._name = name
        self._log = log
        # What this machine has of the log already, a dispatcher before has fetched.
        self._log_at = log.stat().st_size if log.exists() else 0
        self._node: str | None = None
        self._end: Exited | None = None
        self._spool = _FetchedSpool(link, name)
        self._bringer = Bringer(self._spool, job_id, attempt)

    @property
    def ref(self) -> str:
        """``cluster/agent``: another cluster does not have it, and cannot say that it is gone."""
        return f"{self._cluster}/{self._name}"

    @property
    def log(self) -> Path:
        return self._log

    def poll(self) -> Running | Exited | Unreachable:
        if self._end is not None:
            return self._end
        try:
            sight = self._link.ask(Look(self._name, self._log_at, self._spool.end), Sight)
        except LinkError as error:
            return Unreachable(str(error))
        if sight.state == "silent":
            return Unreachable(sight.words)
        if sight.state == "gone":
            where = f" on {self._node.partition('/')[0]}" if self._node else ""
            self._end = Exited(None, f"its runner{where} is gone: {sight.words}", self._node)
            return self._end
        seen = sight.seen
        if seen is not None:
            self._node = seen.node
            self._keep(seen.log)
            self._spool.take(seen.spool)
            if seen.ended and not seen.more:
                self._end = Exited(seen.code, seen.reason, self._node)
                return self._end
        return Running(placed=sight.state == "there", node=self._node)

    def bring(self, store: Store, *, last: bool) -> None:
        """Takes in what the runner has spooled on its node.

        Raises:
            UnreachableError: The cluster does not give it.
        """
        try:
            self._bringer.bring(store, last=last)
        except LinkError as error:
            raise UnreachableError(str(error)) from error

    def stop(self, grace_s: float) -> None:
        with suppress(LinkError):
            self._link.ask(Stop(self._name), bool)
            deadline = time.monotonic() + grace_s
            while isinstance(found := self.poll(), Running):
                # Without a place there is nothing to wait for.
                if time.monotonic() > deadline or not found.placed:
                    self._link.ask(Release(self._name), bool)
                    self._end = Exited(None, "it was ended", self._node)
                    return
                time.sleep(POLL_S)

    def release(self) -> bool:
        try:
            return self._link.ask(Release(self._name), bool)
        except LinkError:
            return False

    def _keep(self, lines: bytes) -> None:
        if not lines:
            return
        # A full disk costs lines of the log, never the job.
        with suppress(OSError):
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("ab") as file:
                file.write(lines)
        self._log_at += len(lines)


class _FetchedSpool(Spool):
    """What has come of a spool so far; what was read is dropped."""

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self._name = name
        self._content = b""
        self._start = 0

    @property
    def end(self) -> int:
        """How many bytes have come."""
        return self._start + len(self._content)

    def take(self, content: bytes) -> None:
        """Adds what came."""
        self._content += content

    def read(self, offset: int, *, last: bool) -> bytes:
        self._content = self._content[offset - self._start :]
        self._start = offset
        return self._content

    def trace(self, name: str, to: Path) -> bool:
        content = self._link.ask(Trace(self._name, name), bytes)
        if not content:
            return False
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(content)
        return True
