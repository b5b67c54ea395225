"""The queue: jobs that wait for a dispatcher, and what becomes of those that it starts.

    queued -> starting -> running -> done | failed | cancelled | lost

A dispatcher claims a job (``starting``), a launcher starts a runner for it, and the runner begins
it (``running``). Every change is one ``BEGIN IMMEDIATE`` transaction that looks at the job's state
first. An attempt's number fences it: a runner that turns up after its attempt was given up is
refused, so a job never runs twice at once.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from store.clock import Clock, timestamp
from store.connection import Database, Transaction
from store.errors import LeaseLostError, StoreError
from store.jobs import (
    FINAL,
    HELD,
    begin_job,
    current_attempt,
    end_job,
    find_jobs,
    get_job,
    is_complete,
    lease_end,
    vanished,
)
from store.lanes import Lane, next_job, occupied
from store.owner import machine_of, owner_is_dead
from store.records import Event, JobState
from store.rows import JobRow
from store.writer import insert_event

Place = Literal["top", "bottom", "before", "after"]
_BACK_TO_QUEUE = (
    "state = 'queued', attempt = attempt + 1, reason = NULL, finished_at = NULL,"
    " cancel_requested_at = NULL, lease_owner = NULL, lease_expires_at = NULL,"
    " heartbeat_at = NULL, machine = NULL, dispatcher = NULL, handle = NULL, log_path = NULL,"
    " node = NULL"
)


class Queue:
    """The queue of one store; reach it as ``Store.queue``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    # What people ask of it

    def add(
        self,
        benchmark_id: int,
        *,
        target: str,
        cases_total: int,
        priority: int = 0,
        time_limit_s: float | None = None,
        folder: str | None = None,
        needs: str | None = None,
        part: str | None = None,
        retries: int = 0,
    ) -> int:
        """Puts a job at the end of its priority, and returns its id.

        Args:
            benchmark_id: What to run.
            target: Where, e.g. ``local``.
            cases_total: Number of cases of the benchmark, or of its part.
            priority: A higher one starts first.
            time_limit_s: Longest that one attempt may take.
            folder: Where relative paths of the config start.
            needs: What it needs of a node, as a JSON object.
            part: Its share of the cases, ``2/4``.
            retries: How often it is queued again by itself when it is lost.
        """
        with self._database.write() as transaction:
            if not transaction.rows("SELECT 1 FROM benchmarks WHERE id = ?", (benchmark_id,)):
                raise StoreError(
                    f"{self._database.path}: no benchmark {benchmark_id} in this store"
                )
            return transaction.insert(
                "INSERT INTO jobs (benchmark_id, target, state, priority, position, cases_total,"
                " created_at, time_limit_s, folder, needs, part, retries)"
                " VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(benchmark_id, target, priority, _last_position(transaction) + 1),
                    *(cases_total, timestamp(self._clock()), time_limit_s, folder),
                    *(needs, part, retries),
                ),
            )

    def waiting(self) -> list[JobRow]:
        """The queued jobs in the order in which they will start."""
        with self._database.read() as transaction:
            return _waiting(transaction)

    def is_waited_for(self, targets: Collection[str], only: int | None = None) -> bool:
        """Whether a job waits that one of these targets could run, or this very job does."""
        with self._database.read() as transaction:
            return next_job(transaction, targets, only=only) is not None

    def targets(self) -> list[str]:
        """Every target that a job of this store has or had."""
        with self._database.read() as transaction:
            return [row["target"] for row in transaction.rows("SELECT DISTINCT target FROM jobs")]

    def count(self, target: str) -> int:
        """How many jobs wait for a target."""
        with self._database.read() as transaction:
            ((count,),) = transaction.rows(
                "SELECT count(*) FROM jobs WHERE state = 'queued' AND target = ?", (target,)
            )
            return int(count)

    def needs(self, target: str) -> list[str | None]:
        """The different needs of the jobs that wait for a target."""
        with self._database.read() as transaction:
            return [
                row["needs"]
                for row in transaction.rows(
                    "SELECT DISTINCT needs FROM jobs WHERE state = 'queued' AND target = ?",
                    (target,),
                )
            ]

    def move(self, job_id: int, place: Place, other: int | None = None) -> None:
        """Moves a queued job to the top or bottom of the queue, or before or after another.

        It takes on the priority that this place needs.

        Raises:
            StoreError: It, or the other job, does not wait in the queue.
        """
        with self._database.write() as transaction:
            order = _waiting(transaction)
            job = self._queued(transaction, job_id)
            order.remove(job)
            index, priority = 0, job.priority
            if place in ("before", "after"):
                if other is None or other == job_id:
                    raise StoreError(f"job {job_id} cannot be moved {place} itself")
                beside = self._queued(transaction, other)
                index = order.index(beside) + (place == "after")
                priority = beside.priority
            elif place == "bottom":
                index = len(order)
                priority = min(priority, order[-1].priority) if order else priority
            elif order:
                priority = max(priority, order[0].priority)
            order.insert(index, job)
            transaction.run("UPDATE jobs SET priority = ? WHERE id = ?", (priority, job_id))
            transaction.run_many(
                "UPDATE jobs SET position = ? WHERE id = ?",
                [(position, row.id) for position, row in enumerate(order, start=1)],
            )

    def cancel(self, job_id: int) -> JobState:
        """Cancels a queued job, or asks for the end of one that starts or runs.

        Returns:
            The job's state; unless that is ``cancelled``, whoever runs it ends it soon.

        Raises:
            StoreError: It has ended already.
        """
        now = self._clock()
        with self._database.write() as transaction:
            job = get_job(transaction, job_id, self._database)
            if job.state in FINAL:
                raise StoreError(f"job {job_id} is {job.state} already")
            transaction.run(
                "UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, ?)"
                " WHERE id = ?",
                (timestamp(now), job_id),
            )
            if job.state != "queued":
                return job.state
            end_job(transaction, job_id, "cancelled", "cancelled before it started", now)
            return "cancelled"

    def retry(self, job_id: int) -> None:
        """Puts a job that ended back into the queue, last of its priority, as its next attempt.

        Cases that have a row are not run again, except those that failed or were refused.

        Raises:
            StoreError: It has not ended, or there is nothing left of it to run.
        """
        with self._database.write() as transaction:
            job = get_job(transaction, job_id, self._database)
            if job.state not in FINAL:
                raise StoreError(
                    f"job {job_id} is {job.state}: only a job that has ended can retry"
                )
            if job.state == "done" and is_complete(transaction, job):
                raise StoreError(f"job {job_id} is done: there is nothing left of it to run")
            transaction.run(
                f"UPDATE jobs SET {_BACK_TO_QUEUE}, position = ? WHERE id = ?",
                (_last_position(transaction) + 1, job_id),
            )

    def remove(self, job_id: int, *, with_results: bool = False) -> None:
        """Deletes a job with its events and, if allowed, its results.

        Raises:
            StoreError: It runs, or it has results and ``with_results`` is not given.
        """
        with self._database.write() as transaction:
            job = get_job(transaction, job_id, self._database)
            if job.state in HELD and not _is_abandoned(job, self._clock()):
                raise StoreError(f"job {job_id} is {job.state}: cancel it first")
            if job.cases_done and not with_results:
                raise StoreError(
                    f"job {job_id} has {job.cases_done} results: say that they may be deleted too"
                )
            transaction.run("DELETE FROM jobs WHERE id = ?", (job_id,))

    # What dispatchers and runners do

    def claim(
        self,
        owner: str,
        lease_s: float,
        *,
        targets: Collection[str] = (),
        lane: Lane | None = None,
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
            lane: Where else to look, and for which jobs, instead of the two above.
            only: Take this job or none.

        Returns:
            The job, now ``starting``; None if none waits or no place is free.
        """
        lane = lane or Lane(machine_of(owner), tuple(targets), parallel)
        now = self._clock()
        with self._database.write() as transaction:
            if occupied(transaction, lane) >= lane.places:
                return None
            first = next_job(transaction, lane.targets, only=only, needs=lane.needs)
            if first is None:
                return None
            transaction.run(
                "UPDATE jobs SET state = 'starting', lease_owner = ?, lease_expires_at = ?,"
                " heartbeat_at = ?, machine = ?, dispatcher = ? WHERE id = ?",
                (
                    *(owner, lease_end(now, lease_s), timestamp(now)),
                    *(lane.machine, owner, first),
                ),
            )
            return get_job(transaction, first, self._database)

    def launched(self, job_id: int, attempt: int, handle: str, log_path: str | None) -> None:
        """Notes what the launcher started, so that another dispatcher can find it.

        A quick runner may have ended its attempt by then. An attempt that was given up stays so.
        """
        with self._database.write() as transaction:
            transaction.run(
                "UPDATE jobs SET handle = ?, log_path = ? WHERE id = ? AND attempt = ?",
                (handle, log_path, job_id, attempt),
            )

    def placed(self, job_id: int, attempt: int, node: str) -> None:
        """Notes the node of a fleet that an attempt is on, ``name/id``."""
        with self._database.write() as transaction:
            transaction.run(
                "UPDATE jobs SET node = ? WHERE id = ? AND attempt = ?", (node, job_id, attempt)
            )

    def begin(self, job_id: int, attempt: int, owner: str, lease_s: float) -> JobRow:
        """Sets a claimed job running; its runner holds the lease from here on.

        Raises:
            LeaseLostError: The attempt is over, or another runner has begun it.
        """
        with self._database.write() as transaction:
            job = current_attempt(transaction, job_id, attempt, self._database)
            begin_job(transaction, job, owner, lease_s, self._clock())
            return get_job(transaction, job_id, self._database)

    def renew(self, job_id: int, attempt: int, dispatcher: str, lease_s: float) -> JobRow:
        """Renews the lease of a job that a dispatcher follows, and returns the job.

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
        """Lets a dispatcher follow a job whose own has gone; False if it is not free."""
        now = self._clock()
        with self._database.write() as transaction:
            job = self._attempt(transaction, job_id, attempt)
            if job is None or job.dispatcher is None or not _is_free(job, now):
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
            job = self._attempt(transaction, job_id, attempt)
            if job is None or job.state != "starting" or vanished(job, now) is None:
                return False
            if job.cancel_requested_at is not None:
                end_job(transaction, job_id, "cancelled", "cancelled before it started", now)
            else:
                transaction.run(f"UPDATE jobs SET {_BACK_TO_QUEUE} WHERE id = ?", (job_id,))
            return True

    def settle(self, job_id: int, attempt: int, state: JobState, reason: str | None) -> bool:
        """Ends an attempt that its runner has not ended; False if it has, or it is another's.

        One that is lost and may be tried again keeps its place in the queue, as its next attempt,
        for another node than the one that lost it.
        """
        with self._database.write() as transaction:
            job = self._attempt(transaction, job_id, attempt)
            if job is None:
                return False
            if state == "lost" and job.retries and job.cancel_requested_at is None:
                transaction.run(
                    f"UPDATE jobs SET {_BACK_TO_QUEUE}, retries = retries - 1, avoid = ?"
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

    def _queued(self, transaction: Transaction, job_id: int) -> JobRow:
        job = get_job(transaction, job_id, self._database)
        if job.state != "queued":
            raise StoreError(f"job {job_id} is {job.state}: only a queued job has a place")
        return job

    @staticmethod
    def _attempt(transaction: Transaction, job_id: int, attempt: int) -> JobRow | None:
        found = find_jobs(transaction, "jobs.id = ? AND jobs.attempt = ?", (job_id, attempt))
        return found[0] if found and found[0].state in HELD else None


def _waiting(transaction: Transaction) -> list[JobRow]:
    found = find_jobs(transaction, "jobs.state = 'queued'")
    return sorted(found, key=lambda job: (-job.priority, job.position, job.id))


def _avoided(job: JobRow) -> str | None:
    """Ids of the nodes on which a job was lost, this time's included."""
    known = (job.avoid or "").split(",")
    node = (job.node or "").rpartition("/")[2]
    return ",".join(dict.fromkeys(filter(None, (*known, node)))) or None


def _last_position(transaction: Transaction) -> int:
    ((last,),) = transaction.rows(
        "SELECT coalesce(max(position), 0) FROM jobs INDEXED BY jobs_waiting_last"
        " WHERE state = 'queued'"
    )
    return int(last)


def _is_abandoned(job: JobRow, now: datetime) -> bool:
    """Whether neither a runner nor a dispatcher will ever speak of a held job again."""
    return vanished(job, now) is not None and (job.dispatcher is None or _is_free(job, now))


def _is_free(job: JobRow, now: datetime) -> bool:
    """Whether a job's dispatcher has gone, or neither it nor the runner renews the lease."""
    if job.dispatcher is not None and owner_is_dead(job.dispatcher):
        return True
    return job.lease_expires_at is None or job.lease_expires_at <= timestamp(now)
