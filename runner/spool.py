"""A session without the store: a ticket tells it what it must know, a spool takes what it did.

    <folder>/ticket.json    the job, as the dispatcher found it in the store
    <folder>/spool.jsonl    one record a line, appended and flushed
    <folder>/traces/        profiler traces

The dispatcher takes the records into the store (``runner.dispatch.ingest``). The lines are those
of ``store.spool`` as JSON.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from runner.errors import UserError
from runner.ledger import Ledger
from runner.taken import TakenQuality
from store import (
    Begun,
    Ended,
    Event,
    FinalState,
    Measured,
    Noted,
    Result,
    SpoolError,
    SpoolRecord,
    Stop,
    Store,
    StoreError,
    process_owner,
    timestamp,
    utc_now,
)

TICKET = "ticket.json"
SPOOL = "spool.jsonl"
TRACES = "traces"


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """What a runner must know of its job."""

    job_id: int
    attempt: int
    target: str
    config: str
    """The benchmark, as JSON."""
    settled: tuple[str, ...]
    """Keys of the cases that need not be run again."""
    speech: tuple[tuple[float, str], ...]
    """Fingerprints of the clips of earlier attempts, by their length in seconds."""
    taken: tuple[tuple[str, TakenQuality], ...] = ()
    """Quality records of earlier attempts, by their key."""
    part: str | None = None
    """The share of the cases that is this job's, ``2/4``; all of them when None."""


_TICKET = TypeAdapter(Ticket)
_RECORD: TypeAdapter[SpoolRecord] = TypeAdapter(Annotated[SpoolRecord, Field(discriminator="kind")])


def write_ticket(folder: Path, ticket: Ticket) -> None:
    """Makes the folder of a runner and puts its ticket into it.

    Raises:
        OSError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TICKET).write_bytes(_TICKET.dump_json(ticket))


def read_ticket(folder: Path) -> Ticket:
    """The ticket in a folder.

    Raises:
        UserError: There is none, or it is damaged.
    """
    path = folder / TICKET
    try:
        return _TICKET.validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: no ticket of a dispatcher ({error.strerror})") from error
    except ValidationError as error:
        raise UserError(f"{path}: not a ticket: {error.errors()[0]['msg']}") from error


def read_records(lines: Iterator[bytes]) -> Iterator[SpoolRecord]:
    """Records of a spool; a line that was cut off in the middle of writing ends them.

    Raises:
        SpoolError: A whole line is not a record.
    """
    for line in lines:
        if not line.endswith(b"\n"):
            return
        try:
            yield _RECORD.validate_json(line)
        except ValidationError as error:
            problem = error.errors()[0]
            raise SpoolError(
                f"a line of the spool is no record: {problem['msg']} at {problem['loc']}"
            ) from error


class SpoolLedger(Ledger):
    """Writes records to a file."""

    def __init__(self, folder: Path, ticket: Ticket) -> None:
        """A ledger of the job of ``ticket``, in the folder where that lies."""
        super().__init__(ticket.job_id)
        self._folder = folder
        self._ticket = ticket
        self._seq = 0

    @property
    def place(self) -> str:
        return str(self._folder / SPOOL)

    @property
    def traces(self) -> Path:
        return self._folder / TRACES

    def begin(self, attempt: int) -> None:
        if (self._folder / SPOOL).exists():
            raise UserError(f"{self.place} is there already: this attempt has been run")
        self._append(Begun(seq=self._next(), owner=process_owner()))

    def settled(self) -> set[str]:
        return set(self._ticket.settled)

    def speech(self) -> Mapping[float, str]:
        return dict(self._ticket.speech)

    def taken(self) -> Mapping[str, TakenQuality]:
        return dict(self._ticket.taken)

    def note(self, event: Event) -> None:
        self._append(Noted(seq=self._next(), event=event))

    def write(self, result: Result) -> None:
        Store.check_result(result)
        self._append(Measured(seq=self._next(), at=timestamp(utc_now()), result=result))

    def beat(self) -> Stop | None:
        """Touches the spool: where the engine does not answer, that is the sign of life."""
        with suppress(OSError):
            os.utime(self._folder / SPOOL)
        return None

    def stop(self) -> Stop | None:
        return None

    def finish(self, state: FinalState, reason: str | None) -> None:
        self._append(Ended(seq=self._next(), state=state, reason=reason))

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def _append(self, record: SpoolRecord) -> None:
        line = _RECORD.dump_json(record) + b"\n"
        path = self._folder / SPOOL
        try:
            size = path.stat().st_size if path.exists() else 0
            try:
                with path.open("ab") as file:
                    file.write(line)
            except OSError:
                # Half a line in the middle would make everything after it unreadable.
                with path.open("ab") as file:
                    file.truncate(size)
                self._seq -= 1
                raise
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror or error}") from error
