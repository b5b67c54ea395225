"""Attempts at jobs: claimed by a dispatcher, begun by a runner, followed, given up or ended.

Every change is one ``BEGIN IMMEDIATE`` transaction that looks at the job's state first. The number
of an attempt fences it: a runner that turns up after its attempt was given up is refused, so a job
never runs twice at once.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from store.clock import Clock, timestamp
from store.connection import Database, Transaction
from store.errors import LeaseLostError
from store.events import Event
from store.jobs import (
    HELD,
    begin_job,
    current_attempt,
    end_job,
    find_jobs,
    get_job,
    lease_end,
    vanished,
)
from store.owner import machine_of, owner_is_dead
from store.pools import Pool, next_job, occupied
from store.records import JobState
from store.rows import JobRow
from store.writer import insert_event

BACK_TO_QUEUE = (
    "state = 'queued', attempt = attempt + 1, reason = NULL, finished_at = NULL,"
    " cancel_requested_at = NULL, lease_owner = NULL, lease_expires_at = NULL,"
    " heartbeat_at = NULL, machine = NULL, dispatcher = NULL, handle = NULL, log_path = NULL,"
    " node = NULL"
)
"""What a job forgets of its attempt when it waits again, as its next."""


class Attempts:
    """The attempts at the jobs of one store; reach them as ``Store.attempts``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim(
        self,
        owner: str,
        lease_s: float,
        *,
        targets: Collection[str] = (),
        pool: Pool | None = None,
        parallel: int = 1,
        only: int | None = None,
    ) -> JobRow | None:
        """Takes the first queued job, for a dispatcher to start.

        Args:
            owner: The dispatcher; see ``process_owner``.
            lease_s: The claim counts as abandoned so long after the last renewal.
            targets: What the dispatcher can start on this machine.
            parallel: How many jobs may be starting or running on this machine, this one included,
                whoever started them.
            pool: Where else to look, and for which jobs, instead of the two above.
            only: Take this job or none.

        Returns:
            The job, now ``starting``; None if none waits or no slot is free.
        """
        pool = pool or Pool(machine_of(owner), tuple(targets), parallel)
        now = self._clock()
        with self._database.write() as transaction:
            if occupied(transaction, pool) >= pool.slots:
                return None
            first = next_job(transaction, pool.targets, only=only, needs=pool.needs)
            if first is None:
                return None
            transaction.run(
                "UPDATE jobs SET state = 'starting', lease_owner = ?, lease_expires_at = ?,"
                " heartbeat_at = ?, machine = ?, dispatcher = ? WHERE id = ?",
                (
                    *(owner, lease_end(now, lease_s), timestamp(now)),
                    *(pool.machine, owner, first),
                ),
            )
            return get_job(transaction, first, self._database)

    def launched(self, job_id: int, attempt: int, handle: str, log_path: str | None) -> None:
        """Notes what the launcher started, so that another dispatcher can find it.

        A quick runner may have ended its attempt by then. An attempt that was given up stays so.

        Args:
            job_id: The job.
            attempt: Which of its attempts was started.
            handle: What the launcher knows the runner by.
            log_path: The file that the runner writes its log to, if there is one.
        """
        with self._database.write() as transaction:
            transaction.run(
                "UPDATE jobs SET handle = ?, log_path = ? WHERE id = ? AND attempt = ?",
                (handle, log_path, job_id, attempt),
            )

    def placed(self, job_id: int, attempt: int, node: str) -> None:
        """Notes the node of a fleet that an attempt is on, ``name/id``.

        Args:
            job_id: The job.
            attempt: Which of its attempts.
            node: Name and id of the node, with a slash between them.
        """
        with self._database.write() as transaction:
            transaction.run(
                "UPDATE jobs SET node = ? WHERE id = ? AND attempt = ?", (node, job_id, attempt)
            )

    def begin(self, job_id: int, attempt: int, owner: str, lease_s: float) -> JobRow:
        """Sets a claimed job running; its runner holds the lease from here on.

        Args:
            job_id: The job.
            attempt: Which of its attempts.
            owner: The runner's process.
            lease_s: How long it holds the job unless it renews the lease, in seconds.

        Raises:
            LeaseLostError: The attempt is over, or another runner has begun it.
        """
        with self._database.write() as transaction:
            job = current_attempt(transaction, job_id, attempt, self._database)
            begin_job(transaction, job, owner, lease_s, self._clock())
            return get_job(transaction, job_id, self._database)

    def renew(self, job_id: int, attempt: int, dispatcher: str, lease_s: float) -> JobRow:
        """Renews the lease of a job that a dispatcher follows, and returns the job.

        Args:
            job_id: The job.
            attempt: Which of its attempts.
            dispatcher: The one that renews.
            lease_s: How long the lease lasts from now, in seconds.

        Raises:
            LeaseLostError: The attempt is over, or another dispatcher follows it.
        """
        now = self._clock()
        with self._database.write() as transaction:
            job = current_attempt(transaction, job_id, attempt, self._database)
            if job.dispatcher != dispatcher:
                raise LeaseLostError(f"job {job_id} is followed by {job.dispatcher}")
            transaction.run(
                "UPDATE jobs SET heartbeat_at = ?, lease_expires_at = ? WHERE id = ?",
                (timestamp(now), lease_end(now, lease_s), job_id),
            )
            return job

    def adopt(self, job_id: int, attempt: int, dispatcher: str, lease_s: float) -> bool:
        """Lets a dispatcher follow a job whose own has gone; False if it is not free.

        Args:
            job_id: The job.
            attempt: Which of its attempts.
            dispatcher: The one that wants to follow it.
            lease_s: How long the lease lasts from now, in seconds.
        """
        now = self._clock()
        with self._database.write() as transaction:
            job = _attempt(transaction, job_id, attempt)
            if job is None or job.dispatcher is None or not is_free(job, now):
                return False
            owner = dispatcher if job.state == "starting" else job.lease_owner
            transaction.run(
                "UPDATE jobs SET dispatcher = ?, lease_owner = ?, lease_expires_at = ?,"
                " heartbeat_at = ? WHERE id = ?",
                (dispatcher, owner, lease_end(now, lease_s), timestamp(now), job_id),
            )
            return True

    def give_back(self, job_id: int, attempt: int) -> bool:
        """Puts a job back whose dispatcher went before a runner began, as its next attempt.

        It keeps its place. One that was to be cancelled is cancelled.

        Returns:
            False if it is not so any more.
        """
        now = self._clock()
        with self._database.write() as transaction:
            job = _attempt(transaction, job_id, attempt)
            if job is None or job.state != "starting" or vanished(job, now) is None:
                return False
            if job.cancel_requested_at is not None:
                end_job(transaction, job_id, "cancelled", "cancelled before it started", now)
            else:
                transaction.run(f"UPDATE jobs SET {BACK_TO_QUEUE} WHERE id = ?", (job_id,))
            return True

    def settle(self, job_id: int, attempt: int, state: JobState, reason: str | None) -> bool:
        """Ends an attempt that its runner has not ended; False if it has, or it is another's.

        One that is lost and may be tried again keeps its place in the queue, as its next attempt,
        for another node than the one that lost it.

        Args:
            job_id: The job.
            attempt: Which of its attempts.
            state: The state that the attempt ends in.
            reason: Why it ended so, in words, if there is something to say.
        """
        with self._database.write() as transaction:
            job = _attempt(transaction, job_id, attempt)
            if job is None:
                return False
            if state == "lost" and job.retries and job.cancel_requested_at is None:
                transaction.run(
                    f"UPDATE jobs SET {BACK_TO_QUEUE}, retries = retries - 1, avoid = ?"
                    " WHERE id = ?",
                    (_avoided(job), job_id),
                )
                words = f"attempt {attempt} lost: {reason}; queued again"
                event = Event(kind="job-retried", at=timestamp(self._clock()), message=words)
                insert_event(transaction, job_id, event)
            else:
                end_job(transaction, job_id, state, reason, self._clock())
            return True

    def held(self) -> list[JobRow]:
        """The jobs that are starting or running, on any machine."""
        with self._database.read() as transaction:
            return find_jobs(transaction, "jobs.state IN ('starting', 'running')")


def _attempt(transaction: Transaction, job_id: int, attempt: int) -> JobRow | None:
    found = find_jobs(transaction, "jobs.id = ? AND jobs.attempt = ?", (job_id, attempt))
    return found[0] if found and found[0].state in HELD else None


def _avoided(job: JobRow) -> str | None:
    """Ids of the nodes on which a job was lost, this time's included."""
    known = (job.avoid or "").split(",")
    node = (job.node or "").rpartition("/")[2]
    return ",".join(dict.fromkeys(filter(None, (*known, node)))) or None


def is_free(job: JobRow, now: datetime) -> bool:
    """Whether a job's dispatcher has gone, or neither it nor the runner renews the lease."""
    if job.dispatcher is not None and owner_is_dead(job.dispatcher):
        return True
    return job.lease_expires_at is None or job.lease_expires_at <= timestamp(now)
