"""Taking in what a runner wrote that cannot reach the store: its spool, a list of records.

A runner in a container whose file system is not this machine's must not open the store; it writes
records to a file, and its dispatcher brings them here. Each record is one transaction that also
notes its number, so taking in a spool a second time, or from two sides at once, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from store.clock import Clock
from store.connection import Database, Transaction
from store.errors import LeaseLostError, SpoolError
from store.events import Event
from store.jobs import HELD, begin_job, check_held, end_job, get_job, stop_of
from store.records import FinalState, JobState, Result
from store.rows import JobRow
from store.writer import insert_event, insert_rows, rows_of


@dataclass(frozen=True, kw_only=True)
class Begun:
    """The runner has begun its job."""

    seq: int
    """1, 2, 3, … within the spool of an attempt."""
    owner: str
    """``host:pid:starttime`` of the runner."""
    kind: Literal["begun"] = "begun"


@dataclass(frozen=True, kw_only=True)
class Noted:
    """Something happened."""

    seq: int
    event: Event
    kind: Literal["noted"] = "noted"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A case has its row."""

    seq: int
    at: str
    result: Result
    kind: Literal["measured"] = "measured"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The runner has ended its job."""

    seq: int
    state: FinalState
    reason: str | None
    kind: Literal["ended"] = "ended"


SpoolRecord = Begun | Noted | Measured | Ended


def ingest(
    database: Database,
    job_id: int,
    attempt: int,
    records: Iterable[SpoolRecord],
    *,
    lease_s: float,
    clock: Clock,
) -> int:
    """Takes in the records that are new, in their order.

    Args:
        database: The store.
        job_id: The job.
        attempt: The attempt whose spool it is.
        records: The spool, or its end.
        lease_s: How long the job counts as held without a sign of life once it has begun.
        clock: Gives the time of day.

    Returns:
        The number of the last record that is in the store.

    Raises:
        LeaseLostError: The attempt is over and another one has begun.
        SpoolError: A record is missing between those in the store and these.
    """
    last = spooled(database, job_id, attempt)
    for record in records:
        if record.seq <= last:
            continue
        # Checked before the lock is taken, so that others wait only for SQLite.
        rows = rows_of(record.result) if isinstance(record, Measured) else None
        with database.write() as transaction:
            job = get_job(transaction, job_id, database)
            if job.attempt != attempt:
                raise LeaseLostError(f"attempt {attempt} of job {job_id} is over")
            last = _last(transaction, job_id, attempt)
            if record.seq <= last:
                continue
            if record.seq != last + 1:
                raise SpoolError(f"the spool of job {job_id} lacks its record {last + 1}")
            if isinstance(record, Begun):
                check_held(job)
                begin_job(transaction, job, record.owner, lease_s, clock())
            elif isinstance(record, Noted):
                insert_event(transaction, job_id, record.event)
            elif isinstance(record, Measured):
                assert rows is not None
                insert_rows(transaction, job_id, rows, record.at, replace=True)
            elif job.state in HELD:
                _end(transaction, job, record, clock)
            transaction.run(
                "INSERT INTO spools (job_id, attempt, seq) VALUES (?, ?, ?)"
                " ON CONFLICT (job_id, attempt) DO UPDATE SET seq = excluded.seq",
                (job_id, attempt, record.seq),
            )
            last = record.seq
    return last


def spooled(database: Database, job_id: int, attempt: int) -> int:
    """The number of the last record of a spool that is in the store; 0 if none is.

    Args:
        database: The store.
        job_id: The job.
        attempt: Which of its attempts wrote the spool.
    """
    with database.read() as transaction:
        return _last(transaction, job_id, attempt)


def _last(transaction: Transaction, job_id: int, attempt: int) -> int:
    found = transaction.rows(
        "SELECT seq FROM spools WHERE job_id = ? AND attempt = ?", (job_id, attempt)
    )
    return int(found[0]["seq"]) if found else 0


def _end(transaction: Transaction, job: JobRow, ended: Ended, clock: Clock) -> None:
    state: JobState = ended.state
    reason = ended.reason
    stop = None if state == "done" else stop_of(job, clock())
    if stop is not None:
        # The runner only knows that it was told to end; why is in the store.
        state, reason = stop.state, stop.reason
    end_job(transaction, job.id, state, reason, clock())
