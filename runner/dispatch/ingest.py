"""Bringing a runner's spool home: from a file or out of a container, into the store."""

from __future__ import annotations

import dataclasses
import io
import shutil
import tarfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from runner.dispatch.engine import Engine, NoSuchThingError
from runner.lease import LEASE_S
from runner.spool import SPOOL, TRACES, read_records
from store import Measured, SpoolRecord, Store

REMOTE_POLL_S = 3.0
"""Between two looks at a spool that must be fetched whole."""


class Spool(ABC):
    """Where a runner spools to."""

    @abstractmethod
    def read(self, *, last: bool) -> bytes:
        """All that is in it, or nothing if it has not grown; ``last``: the runner has ended."""

    @abstractmethod
    def trace(self, path: str, to: Path) -> bool:
        """Brings a trace home; False if there is none."""


class FolderSpool(Spool):
    """A folder that the container shares with this machine."""

    def __init__(self, folder: Path) -> None:
        """``folder`` has the same name inside and outside."""
        self._folder = folder
        self._size = 0

    def read(self, *, last: bool) -> bytes:
        try:
            content = (self._folder / SPOOL).read_bytes()
        except FileNotFoundError:
            return b""
        if len(content) == self._size:
            return b""
        self._size = len(content)
        return content

    def trace(self, path: str, to: Path) -> bool:
        # The name alone: what the container says is not taken for a path of this machine.
        source = self._folder / TRACES / Path(path).name
        if not source.is_file() or source.is_symlink():
            return False
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source, to)
        return True


class VolumeSpool(Spool):
    """A volume of a container on another machine, read through its engine."""

    def __init__(self, engine: Engine, container_id: str, folder: Path) -> None:
        """``folder`` is the volume's place inside."""
        self._engine = engine
        self._container_id = container_id
        self._folder = folder
        self._size = 0
        self._looked = -REMOTE_POLL_S

    def read(self, *, last: bool) -> bytes:
        now = time.monotonic()
        if not last and now - self._looked < REMOTE_POLL_S:
            return b""
        self._looked = now
        content = self._fetch(str(self._folder / SPOOL), known=self._size)
        self._size = max(self._size, len(content))
        return content

    def trace(self, path: str, to: Path) -> bool:
        content = self._fetch(str(self._folder / TRACES / Path(path).name))
        if not content:
            return False
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(content)
        return True

    def _fetch(self, path: str, known: int = 0) -> bytes:
        """A file of the container; nothing if it is missing or has the known size."""
        try:
            with self._engine.asked() as client:
                stream, status = client.api.get_archive(self._container_id, path)
                try:
                    if status["size"] == known:
                        return b""
                    archive = io.BytesIO(b"".join(stream))
                finally:
                    stream.close()
        except NoSuchThingError:
            return b""
        with tarfile.open(fileobj=archive) as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is not None:
                    return file.read()
        return b""


class Bringer:
    """Takes one attempt's spool into the store, as far as it has not been yet."""

    def __init__(self, spool: Spool, job_id: int, attempt: int) -> None:
        """Begins at the start: what is in the store already is skipped there."""
        self._spool = spool
        self._job_id = job_id
        self._attempt = attempt

    def bring(self, store: Store, *, last: bool = False) -> None:
        """Takes in what is new.

        Args:
            store: The store.
            last: The runner has ended: nothing more will come.

        Raises:
            LeaseLostError: The attempt is over and another one has begun.
            SpoolError: The spool is damaged.
            StoreError: The store cannot be written.
        """
        content = self._spool.read(last=last)
        if not content:
            return
        known = store.spooled(self._job_id, self._attempt)
        records = read_records(line for line in io.BytesIO(content))
        fresh = (record for record in records if record.seq > known)
        store.ingest(self._job_id, self._attempt, self._moved(fresh, store), lease_s=LEASE_S)

    def _moved(self, records: Iterator[SpoolRecord], store: Store) -> Iterator[SpoolRecord]:
        """The records with their traces beside the store."""
        for record in records:
            if isinstance(record, Measured) and record.result.trace_path is not None:
                given = record.result.trace_path
                home = store.path.parent / TRACES / f"job-{self._job_id}" / Path(given).name
                path = str(home) if self._spool.trace(given, home) else None
                result = dataclasses.replace(record.result, trace_path=path)
                yield dataclasses.replace(record, result=result)
            else:
                yield record
