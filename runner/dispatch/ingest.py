"""Bringing a runner's spool home: from a folder or out of a container, into the store.

What lies there was written by a container: it is taken for data, never for a path or a file of
this machine.
"""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
import stat
import tarfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from runner.docker_engine import Engine, NoSuchThingError
from runner.lease import LEASE_S
from runner.spool import SPOOL, TRACES, read_records
from store import LeaseLostError, Measured, SpoolError, SpoolRecord, Store, StoreError

REMOTE_POLL_S = 3.0
"""Between two looks at a spool that must be fetched whole."""


class Spool(ABC):
    """Where a runner spools to."""

    @abstractmethod
    def read(self, offset: int, *, last: bool) -> bytes:
        """What is in it from a byte on; ``last``: the runner has ended, look now.

        Raises:
            EngineError: It cannot be asked for it.
            OSError: It is no file.
        """

    @abstractmethod
    def trace(self, name: str, to: Path) -> bool:
        """Brings a trace home; False if there is none."""


class FolderSpool(Spool):
    """A folder that the container shares with this machine."""

    def __init__(self, folder: Path) -> None:
        """``folder`` has the same name inside and outside."""
        self._folder = folder

    def read(self, offset: int, *, last: bool) -> bytes:
        try:
            with os.fdopen(_open_file(self._folder, SPOOL), "rb") as file:
                file.seek(offset)
                return file.read()
        except FileNotFoundError:
            return b""

    def trace(self, name: str, to: Path) -> bool:
        folder = self._folder / TRACES
        try:
            source = _open_file(folder, name)
        except OSError:
            return False
        to.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(source, "rb") as file, to.open("wb") as home:
            shutil.copyfileobj(file, home)
        (folder / name).unlink()
        return True


def _open_file(folder: Path, name: str) -> int:
    """A descriptor of a regular file in a folder, neither of which may be a link.

    Raises:
        OSError: It is missing or something else.
    """
    # A pipe or a device would block, and a link would lead out of the folder.
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=inside)
    finally:
        os.close(inside)
    if stat.S_ISREG(os.fstat(found).st_mode):
        return found
    os.close(found)
    raise OSError(f"{name} is no file")


class VolumeSpool(Spool):
    """A volume of a container on another machine, read through its engine."""

    def __init__(self, engine: Engine, container_id: str, folder: Path) -> None:
        """A spool that nobody has looked at yet.

        Args:
            engine: The container's engine.
            container_id: The container's id there.
            folder: Where the volume is inside.
        """
        self._engine = engine
        self._container_id = container_id
        self._folder = folder
        self._looked = -REMOTE_POLL_S

    def read(self, offset: int, *, last: bool) -> bytes:
        now = time.monotonic()
        if not last and now - self._looked < REMOTE_POLL_S:
            return b""
        self._looked = now
        return self._fetch(self._folder / SPOOL, offset)[offset:]

    def trace(self, name: str, to: Path) -> bool:
        content = self._fetch(self._folder / TRACES / name)
        if not content:
            return False
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(content)
        return True

    def _fetch(self, path: Path, known: int = 0) -> bytes:
        """A file of the container; nothing if it is missing, or no longer than is known."""
        try:
            with self._engine.asked() as client:
                stream, status = client.api.get_archive(self._container_id, str(path))
                try:
                    if status["size"] <= known:
                        return b""
                    archive = io.BytesIO(b"".join(stream))
                finally:
                    stream.close()
        except NoSuchThingError:
            return b""
        with tarfile.open(fileobj=archive) as tar:
            for member in tar:
                if member.isreg():
                    file = tar.extractfile(member)
                    return b"" if file is None else file.read()
        raise OSError(f"{path.name} is no file")


class Bringer:
    """Takes one attempt's spool into the store, as far as it has not been yet."""

    def __init__(self, spool: Spool, job_id: int, attempt: int) -> None:
        """Begins at the start: what is in the store already is skipped there.

        Args:
            spool: What the runner writes.
            job_id: The job.
            attempt: The attempt that the runner runs.
        """
        self._spool = spool
        self._job_id = job_id
        self._attempt = attempt
        self._offset = 0

    def bring(self, store: Store, *, last: bool = False) -> None:
        """Takes in what is new.

        Args:
            store: The store.
            last: The runner has ended: nothing more will come.

        Raises:
            EngineError: The spool cannot be read now.
            LeaseLostError: The attempt is over and another one has begun.
            SpoolError: The spool is damaged.
            StoreError: The store cannot be written.
        """
        try:
            content = self._spool.read(self._offset, last=last)
            whole = content[: content.rfind(b"\n") + 1]
            if not whole:
                return
            known = store.spooled(self._job_id, self._attempt)
            records = read_records(iter(whole.splitlines(keepends=True)))
            fresh = (record for record in records if record.seq > known)
            store.ingest(self._job_id, self._attempt, self._moved(fresh, store), lease_s=LEASE_S)
        except (LeaseLostError, StoreError):
            raise
        except (OSError, ValueError, KeyError, tarfile.TarError) as error:
            # Figures that no store takes, a folder where a file should be, half an archive.
            raise SpoolError(f"the spool of job {self._job_id} is damaged: {error}") from error
        # Only now: what could not be taken in is read again.
        self._offset += len(whole)

    def _moved(self, records: Iterator[SpoolRecord], store: Store) -> Iterator[SpoolRecord]:
        """The records with their traces beside the store."""
        for record in records:
            if isinstance(record, Measured) and record.result.trace_path is not None:
                result = dataclasses.replace(
                    record.result, trace_path=self._bring_trace(record.result.trace_path, store)
                )
                yield dataclasses.replace(record, result=result)
            else:
                yield record

    def _bring_trace(self, given: str, store: Store) -> str | None:
        name = Path(given).name
        home = store.path.parent / TRACES / f"job-{self._job_id}" / name
        if not name:
            return None
        # A trace is worth less than the row that names it: a full disk must not cost that.
        with suppress(OSError):
            if self._spool.trace(name, home):
                return str(home)
        # It may have come home before, with a row that could not be stored then.
        return str(home) if home.is_file() else None
