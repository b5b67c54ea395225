"""A job's life: its state, its lease, and whether it can be resumed.

A process that runs a job holds a lease on it and renews it with heartbeats. Whoever finds a lease
that has run out, or whose process is dead, may take the job over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from store.clock import timestamp
from store.connection import Database, Transaction, Value
from store.data_source import NOTE_DATA
from store.errors import JobBusyError, LeaseLostError, StoreError
from store.events import PROGRESS
from store.owner import machine_of, owner_is_dead
from store.records import JobState
from store.rows import JobRow, Stop
from store.sql import limit_of, one_of

FINAL: tuple[JobState, ...] = ("done", "failed", "cancelled", "lost")
HELD: tuple[JobState, ...] = ("starting", "running")

_COLUMNS = ", ".join(
    "benchmarks.name AS benchmark" if field.name == "benchmark" else f"jobs.{field.name}"
    for field in fields(JobRow)
)
SELECT_JOBS = f"SELECT {_COLUMNS} FROM jobs JOIN benchmarks ON benchmarks.id = jobs.benchmark_id"


def find_jobs(
    source: Database | Transaction,
    condition: str = "1",
    parameters: Sequence[Value] = (),
    last: int | None = None,
) -> list[JobRow]:
    """The jobs that meet an SQL condition, in the order they were created.

    Args:
        source: The store.
        condition: SQL over ``jobs``.
        parameters: Of the condition.
        last: Only the last so many.
    """
    rows = source.rows(
        f"{SELECT_JOBS} WHERE {condition} ORDER BY jobs.id DESC LIMIT ?",
        (*parameters, limit_of(last)),
    )
    return [JobRow(**dict(row)) for row in reversed(rows)]


def choose_jobs(
    database: Database,
    *,
    states: Iterable[JobState] | None,
    ids: Iterable[int] | None,
    last: int | None,
) -> list[JobRow]:
    """Some of the jobs; see ``Store.jobs``.

    Args:
        database: The store.
        states: Only those in one of these; None for any.
        ids: Only these; None for all.
        last: Of these, only the last so many; None for all.
    """
    chosen = [
        one_of(column, values)
        for column, values in (("jobs.state", states), ("jobs.id", ids))
        if values is not None
    ]
    condition = " AND ".join(condition for condition, _ in chosen) or "1"
    return find_jobs(database, condition, [parameter for _, parameter in chosen], last)


def get_job(source: Database | Transaction, job_id: int, database: Database) -> JobRow:
    """One job.

    Args:
        source: What the job is read by: the database, or a transaction that is open in it.
        job_id: The job.
        database: The store, for its path in the message.

    Raises:
        StoreError: There is no such job.
    """
    found = find_jobs(source, "jobs.id = ?", (job_id,))
    if not found:
        raise StoreError(f"{database.path}: no job {job_id} in this store")
    return found[0]


def start_job(
    database: Database,
    benchmark_id: int,
    *,
    target: str,
    cases_total: int,
    folder: str | None,
    owner: str,
    lease_s: float,
    now: datetime,
) -> int:
    """Creates a job that its creator runs, and returns its id.

    Args:
        database: The store.
        benchmark_id: What is run.
        target: Where it runs.
        cases_total: Number of cases of the benchmark.
        folder: What relative paths in the benchmark start from.
        owner: The process that runs it.
        lease_s: How long it holds the job unless it renews the lease, in seconds.
        now: The time of day.

    Raises:
        StoreError: There is no such benchmark.
    """
    at = timestamp(now)
    with database.write() as transaction:
        if not transaction.rows("SELECT 1 FROM benchmarks WHERE id = ?", (benchmark_id,)):
            raise StoreError(f"{database.path}: no benchmark {benchmark_id} in this store")
        job_id = transaction.insert(
            "INSERT INTO jobs (benchmark_id, target, state, cases_total, created_at, started_at,"
            " attempt_started_at, folder, lease_owner, lease_expires_at, heartbeat_at, machine)"
            " VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(benchmark_id, target, cases_total, at, at, at, folder),
                *(owner, lease_end(now, lease_s), at, machine_of(owner)),
            ),
        )
        transaction.run(NOTE_DATA, (job_id,))
        return job_id


def heartbeat(
    database: Database, job_id: int, lease_s: float, *, owner: str | None, now: datetime
) -> Stop | None:
    """Renews a job's lease.

    Args:
        database: The store.
        job_id: The job.
        lease_s: How long the lease lasts from now, in seconds.
        owner: The process that must hold the job; None if any may.
        now: The time of day.

    Returns:
        Why the job must end, or None if it may go on.

    Raises:
        LeaseLostError: The job is not running any more, or ``owner`` does not hold it.
    """
    with database.write() as transaction:
        job = get_job(transaction, job_id, database)
        check_held(job)
        _check_owner(job, owner)
        transaction.run(
            "UPDATE jobs SET heartbeat_at = ?, lease_expires_at = ? WHERE id = ?",
            (timestamp(now), lease_end(now, lease_s), job_id),
        )
    return stop_of(job, now)


def stop_of(job: JobRow, now: datetime) -> Stop | None:
    """Why a job must end: someone asked for it, or its time is over. None if it may go on."""
    if job.cancel_requested_at is not None:
        return Stop(state="cancelled", reason="cancelled on request")
    if job.state != "running" or job.time_limit_s is None or job.attempt_started_at is None:
        return None
    ran_s = (now - datetime.fromisoformat(job.attempt_started_at)).total_seconds()
    if ran_s < job.time_limit_s:
        return None
    return Stop(state="failed", reason=f"stopped after {job.time_limit_s:g} s (its time limit)")


def finish_job(
    database: Database,
    job_id: int,
    state: JobState,
    reason: str | None,
    *,
    owner: str | None,
    now: datetime,
) -> None:
    """Ends a job and its lease.

    Args:
        database: The store.
        job_id: The job.
        state: The state that it ends in.
        reason: Why it ended so, in words, if there is something to say.
        owner: The process that must hold the job; None if nobody need hold it.
        now: The time of day.

    Raises:
        LeaseLostError: It is not ``owner`` that holds it, or nobody does any more.
        ValueError: ``state`` is not one in which a job ends.
    """
    if state not in FINAL:
        raise ValueError(f"a job ends as one of {', '.join(FINAL)}, not as {state!r}")
    with database.write() as transaction:
        job = get_job(transaction, job_id, database)
        if owner is not None:
            check_held(job)
            if job.lease_owner != owner:
                raise LeaseLostError(f"job {job_id} was taken over by {job.lease_owner}")
        end_job(transaction, job_id, state, reason, now)


def resumable_job(
    database: Database, benchmark_id: int, *, target: str | None, now: datetime
) -> JobRow | None:
    """The latest started job of a benchmark, if there is something left of it to run.

    Args:
        database: The store.
        benchmark_id: The benchmark.
        target: Only jobs of this target; None for any.
        now: The time of day, which tells whether a lease still holds.

    Raises:
        JobBusyError: A live process runs it.
    """
    found = find_jobs(
        database,
        "jobs.benchmark_id = ? AND jobs.state != 'queued' AND (? IS NULL OR jobs.target = ?)",
        (benchmark_id, target, target),
        last=1,
    )
    if not found:
        return None
    (latest,) = found
    _refuse_if_held(latest, now)
    return None if latest.state == "done" and is_complete(database, latest) else latest


def reopen_job(
    database: Database, job_id: int, owner: str, lease_s: float, *, now: datetime
) -> None:
    """Takes a job that nobody runs and sets it running again, as its next attempt.

    Args:
        database: The store.
        job_id: The job.
        owner: The process that takes it.
        lease_s: How long it holds the job unless it renews the lease, in seconds.
        now: The time of day.

    Raises:
        JobBusyError: A live process runs it; it may have been faster to resume it.
    """
    with database.write() as transaction:
        _refuse_if_held(get_job(transaction, job_id, database), now)
        at = timestamp(now)
        transaction.run(
            "UPDATE jobs SET state = 'running', reason = NULL, attempt = attempt + 1,"
            " started_at = coalesce(started_at, ?), attempt_started_at = ?, finished_at = NULL,"
            " cancel_requested_at = NULL, dispatcher = NULL, handle = NULL, log_path = NULL,"
            " lease_owner = ?, lease_expires_at = ?, heartbeat_at = ?, machine = ? WHERE id = ?",
            (at, at, owner, lease_end(now, lease_s), at, machine_of(owner), job_id),
        )


def mark_lost_jobs(database: Database, *, now: datetime) -> list[int]:
    """Ends as ``lost`` every job whose runner has vanished, and returns their ids."""
    lost = []
    with database.write() as transaction:
        for job in find_jobs(transaction, "jobs.state IN ('starting', 'running')"):
            reason = vanished(job, now)
            if reason is not None:
                end_job(transaction, job.id, "lost", reason, now)
                lost.append(job.id)
    return lost


def vanished(job: JobRow, now: datetime) -> str | None:
    """Why a starting or running job has no live runner any more, or None if it has."""
    if job.lease_owner is None or job.lease_expires_at is None:
        return "nobody holds a lease on it"
    if owner_is_dead(job.lease_owner):
        return f"its process {job.lease_owner} is gone"
    if job.lease_expires_at <= timestamp(now):
        return f"no heartbeat of {job.lease_owner} since {job.heartbeat_at}"
    return None


def is_gone(job: JobRow) -> bool:
    """Whether a starting or running job's process is known to be gone, as it is on this machine."""
    held = job.state in HELD and job.lease_owner is not None
    return held and owner_is_dead(job.lease_owner or "")


def check_held(job: JobRow) -> None:
    """Refuses a job that has ended, or that waits in the queue.

    Raises:
        LeaseLostError: It is neither starting nor running.
    """
    if job.state not in HELD:
        reason = f": {job.reason}" if job.reason else ""
        raise LeaseLostError(f"job {job.id} is {job.state}{reason}")


def _refuse_if_held(job: JobRow, now: datetime) -> None:
    if job.state in HELD and vanished(job, now) is None:
        raise JobBusyError(
            f"job {job.id} is being run by {job.lease_owner} (last heartbeat {job.heartbeat_at}): "
            "wait until it ends, or stop that process first"
        )


def _check_owner(job: JobRow, owner: str | None) -> None:
    if owner is not None and job.lease_owner not in (None, owner):
        raise LeaseLostError(f"job {job.id} was taken over by {job.lease_owner}")


def is_complete(source: Database | Transaction, job: JobRow) -> bool:
    """Whether every case of a job has a row that another attempt would keep."""
    ((open_cases,),) = source.rows(
        "SELECT count(*) FROM results WHERE job_id = ? AND state IN ('failed', 'refused')",
        (job.id,),
    )
    return int(open_cases) == 0 and job.cases_done >= job.cases_total


def current_attempt(
    transaction: Transaction, job_id: int, attempt: int, database: Database
) -> JobRow:
    """A job that is starting or running in this very attempt.

    Args:
        transaction: The transaction that the job is read in.
        job_id: The job.
        attempt: Which of its attempts is expected.
        database: The store, for its path in messages.

    Raises:
        LeaseLostError: The attempt is over.
    """
    job = get_job(transaction, job_id, database)
    check_held(job)
    if job.attempt != attempt:
        raise LeaseLostError(f"attempt {attempt} of job {job_id} is over")
    return job


def begin_job(
    transaction: Transaction, job: JobRow, owner: str, lease_s: float, now: datetime
) -> None:
    """Sets a claimed job running, within a transaction; its runner holds the lease from here on.

    Args:
        transaction: The transaction.
        job: The job as it is now.
        owner: The runner's process.
        lease_s: How long it holds the job unless it renews the lease, in seconds.
        now: The time of day.

    Raises:
        LeaseLostError: Another runner has begun it.
    """
    if job.state != "starting":
        raise LeaseLostError(f"job {job.id} is being run by {job.lease_owner}")
    at = timestamp(now)
    transaction.run(
        "UPDATE jobs SET state = 'running', started_at = coalesce(started_at, ?),"
        " attempt_started_at = ?, lease_owner = ?, lease_expires_at = ?, heartbeat_at = ?"
        " WHERE id = ?",
        (at, at, owner, lease_end(now, lease_s), at, job.id),
    )


def end_job(
    transaction: Transaction, job_id: int, state: JobState, reason: str | None, now: datetime
) -> None:
    """Ends a job and its lease, within a transaction.

    Args:
        transaction: The transaction.
        job_id: The job.
        state: The state that it ends in.
        reason: Why it ended so, in words, if there is something to say.
        now: The time of day.
    """
    forget_progress(transaction, job_id)
    transaction.run(
        "UPDATE jobs SET state = ?, reason = ?, finished_at = ?,"
        " lease_owner = NULL, lease_expires_at = NULL WHERE id = ?",
        (state, reason, timestamp(now), job_id),
    )


def forget_progress(transaction: Transaction, job_id: int) -> None:
    """Drops the notes on how far a case is: they matter only until it has its row."""
    transaction.run("DELETE FROM events WHERE job_id = ? AND kind = ?", (job_id, PROGRESS))


def lease_end(now: datetime, lease_s: float) -> str:
    """When a lease that is given now runs out."""
    return timestamp(now + timedelta(seconds=lease_s))
