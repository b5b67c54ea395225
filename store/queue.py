"""The queue: jobs that wait for a dispatcher, and what people ask of any job.

    queued -> starting -> running -> done | failed | cancelled | lost

A dispatcher claims a job (``starting``), a launcher starts a runner for it, and the runner begins
it (``running``). Every change is one ``BEGIN IMMEDIATE`` transaction that looks at the job's state
first. What becomes of jobs that are started is in ``store.attempts``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from store.attempts import BACK_TO_QUEUE, is_free
from store.clock import Clock, timestamp
from store.connection import Database, Transaction
from store.data_source import NOTE_DATA
from store.errors import StoreError
from store.jobs import (
    FINAL,
    HELD,
    end_job,
    find_jobs,
    get_job,
    is_complete,
    vanished,
)
from store.pools import next_job
from store.records import JobState
from store.rows import JobRow
from store.sql import one_of

Place = Literal["top", "bottom", "before", "after"]


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """Where, when and how a benchmark is to be run."""

    target: str
    """For example ``local``."""
    priority: int = 0
    """A higher one starts first."""
    time_limit_s: float | None = None
    """Longest that one attempt may take."""
    folder: str | None = None
    """Where relative paths of the config start."""
    needs: str | None = None
    """What it needs of a fleet's node, as a JSON object."""
    part: str | None = None
    """Its share of the cases, ``2/4``."""
    retries: int | None = None
    """How often it is queued again by itself when it is lost; as its target has it when None."""


class Queue:
    """The queue of one store; reach it as ``Store.queue``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, benchmark_id: int, request: JobRequest, *, cases_total: int) -> int:
        """Puts a job at the end of its priority, and returns its id.

        Args:
            benchmark_id: What to run.
            request: Where and how.
            cases_total: Number of cases of the benchmark, or of its part.

        Raises:
            StoreError: There is no such benchmark.
        """
        with self._database.write() as transaction:
            if not transaction.rows("SELECT 1 FROM benchmarks WHERE id = ?", (benchmark_id,)):
                raise StoreError(
                    f"{self._database.path}: no benchmark {benchmark_id} in this store"
                )
            job_id = transaction.insert(
                "INSERT INTO jobs (benchmark_id, target, state, priority, position, cases_total,"
                " created_at, time_limit_s, folder, needs, part, retries)"
                " VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(benchmark_id, request.target, request.priority),
                    *(_last_position(transaction) + 1, cases_total, timestamp(self._clock())),
                    *(request.time_limit_s, request.folder, request.needs, request.part),
                    request.retries or 0,
                ),
            )
            transaction.run(NOTE_DATA, (job_id,))
            return job_id

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

    def count_ended(self) -> int:
        """How many jobs have ended."""
        condition, states = one_of("state", FINAL)
        return self._database.number(f"SELECT count(*) FROM jobs WHERE {condition}", (states,))

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

        It takes on the priority that this position needs.

        Args:
            job_id: The job to move.
            place: Where it goes.
            other: The job that it goes before or after; None for the top or the bottom.

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
                f"UPDATE jobs SET {BACK_TO_QUEUE}, position = ? WHERE id = ?",
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

    def _queued(self, transaction: Transaction, job_id: int) -> JobRow:
        job = get_job(transaction, job_id, self._database)
        if job.state != "queued":
            raise StoreError(f"job {job_id} is {job.state}: only a queued job has a position")
        return job


def _waiting(transaction: Transaction) -> list[JobRow]:
    found = find_jobs(transaction, "jobs.state = 'queued'")
    return sorted(found, key=lambda job: (-job.priority, job.position, job.id))


def _last_position(transaction: Transaction) -> int:
    ((last,),) = transaction.rows(
        "SELECT coalesce(max(position), 0) FROM jobs INDEXED BY jobs_waiting_last"
        " WHERE state = 'queued'"
    )
    return int(last)


def _is_abandoned(job: JobRow, now: datetime) -> bool:
    """Whether neither a runner nor a dispatcher will ever speak of a held job again."""
    return vanished(job, now) is not None and (job.dispatcher is None or is_free(job, now))
