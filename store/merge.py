"""Taking the results of another store in: of another machine, another clone, a backup.

What is the same is known by what it is, never by its number: a benchmark by its config, a machine
by its fingerprint, a job by its benchmark and the microsecond in which it was made, a result by
its job and its case. So a store that is merged twice, or from both sides, changes nothing. Each job
is one transaction: it is here wholly or not at all, and merging again goes on where it was ended.
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from store.clock import Clock, utc_now
from store.connection import Database, Transaction, open_database
from store.errors import OldStoreError, StoreError, explain
from store.jobs import HELD, find_jobs, forget_progress, vanished
from store.merged_rows import (
    columns_without,
    take_benchmark,
    take_environments,
    take_events,
    take_qualities,
    take_results,
)
from store.rows import JobRow

_AT_ONCE = 500
"""Results that are copied between two signs of life."""

# What speaks of this store's processes, queue and folders is no matter of another one's.
_OF_ITS_STORE = (
    *("id", "benchmark_id", "state", "reason", "position", "cases_done", "finished_at"),
    *("lease_owner", "lease_expires_at", "heartbeat_at", "handle", "log_path", "dispatcher"),
    "cancel_requested_at",
)

Progress = Callable[[int, int], None]
"""Told how many results have been looked at, and of how many."""


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A job that was not taken in."""

    job_id: int
    """Its number in the other store."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What came of a merge."""

    jobs: int = 0
    """That are new here."""
    known_jobs: int = 0
    """That were here already."""
    results: int = 0
    """That are new here."""
    replaced: int = 0
    """That took the place of one which had failed here."""
    left_out: tuple[LeftOut, ...] = ()


def merge(
    into: Database,
    path: Path,
    *,
    progress: Progress = lambda done, total: None,
    clock: Clock = utc_now,
) -> Merged:
    """Takes the jobs of another store in, with all that belongs to them.

    The other store is only read; one of an older schema is brought up to date in a copy. Jobs that
    wait or run there are left out.

    Args:
        into: The store that grows, open for writing.
        path: The other store.
        progress: Told how far it is.
        clock: Gives the time of day, which tells whether a lease still holds.

    Raises:
        StoreError: One of them cannot be used, or they are one file.
    """
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(opened_for_merge(path))
        if other.file == into.file:
            raise StoreError(f"{path}: the store itself: name another one to merge into it")
        stack.enter_context(into.attached(other.file, "other"))
        into.rows("CREATE TEMP TABLE taken (theirs INTEGER PRIMARY KEY, ours INTEGER NOT NULL)")
        stack.callback(into.rows, "DROP TABLE temp.taken")
        return _Merge(into, path, find_jobs(other), progress, clock).run()


@contextlib.contextmanager
def opened_for_merge(path: Path) -> Iterator[Database]:
    """A store to read, or a copy of it with the present schema.

    Raises:
        StoreError: There is none, or it is of no schema that can be brought to the present one.
    """
    with contextlib.ExitStack() as stack:
        try:
            found = open_database(path, readonly=True)
        except OldStoreError:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="asrprof-merge-")))
            found = _up_to_date(path, folder / "copy.db")
        yield stack.enter_context(found)


def _up_to_date(path: Path, copy: Path) -> Database:
    try:
        source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        with contextlib.closing(source), contextlib.closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    open_database(copy).close()
    return open_database(copy, readonly=True)


_Key = tuple[str, str, str, str | None]


class _Merge:
    """One merge, job by job."""

    def __init__(
        self, into: Database, path: Path, jobs: list[JobRow], progress: Progress, clock: Clock
    ) -> None:
        """Reads which jobs are here.

        Args:
            into: The store that grows, to which the other one is attached.
            path: The other store, for messages.
            jobs: The jobs of the other store.
            progress: Told how far it is.
            clock: Gives the time of day.
        """
        self._into = into
        self._path = path
        self._jobs = jobs
        self._progress = progress
        self._now = clock()
        self._known: dict[_Key, list[int]] = {}
        self._read_to = 0
        self._met: dict[_Key, int] = {}
        self._done = 0
        self._total = into.number("SELECT count(*) FROM other.results")
        self._merged = Merged()

    def run(self) -> Merged:
        """Takes every job in that has ended."""
        self._progress(0, self._total)
        for job, key in zip(self._jobs, self._keys(), strict=True):
            # Of several that one microsecond made of one config, the first is the first.
            place = self._met.get(key, 0)
            self._met[key] = place + 1
            reason = self._not_ended(job)
            if reason is not None:
                left_out = LeftOut(job_id=job.id, reason=reason)
                self._merged = replace(self._merged, left_out=(*self._merged.left_out, left_out))
                continue
            with self._into.write() as transaction:
                self._take(transaction, job, key, place)
        self._progress(self._total, self._total)
        return self._merged

    def _keys(self) -> Iterable[_Key]:
        rows = self._into.rows(_KEYS.format(schema="other"), (0,))
        by_id = {row["id"]: _key(row) for row in rows}
        return (by_id[job.id] for job in self._jobs)

    def _not_ended(self, job: JobRow) -> str | None:
        if job.state == "queued":
            return "it waits in the queue"
        if job.state in HELD and vanished(job, self._now) is None:
            return f"it is {job.state}: merge again when it has ended"
        return None

    def _take(self, transaction: Transaction, job: JobRow, key: _Key, place: int) -> None:
        # Another process may have merged the same store since.
        for row in transaction.rows(_KEYS.format(schema="main"), (self._read_to,)):
            self._known.setdefault(_key(row), []).append(row["id"])
            self._read_to = row["id"]
        same = self._known.get(key, [])
        if place >= len(same):
            own = self._insert_job(transaction, job)
            self._merged = replace(self._merged, jobs=self._merged.jobs + 1)
        else:
            own = same[place]
            (present,) = find_jobs(transaction, "jobs.id = ?", (own,))
            if present.state in HELD or present.state == "queued":
                state = "waits" if present.state == "queued" else f"is {present.state}"
                reason = f"it is job {own} here, which {state}: merge again when it has ended"
                left_out = LeftOut(job_id=job.id, reason=reason)
                self._merged = replace(self._merged, left_out=(*self._merged.left_out, left_out))
                return
            self._update_job(transaction, present, job)
            self._merged = replace(self._merged, known_jobs=self._merged.known_jobs + 1)
        self._take_results(transaction, job, own)
        take_events(transaction, job.id, own)

    def _ended_as(self, job: JobRow) -> tuple[str, str | None, str | None]:
        """State, reason and end of a job, of which nobody may have noted that its runner died."""
        if job.state not in HELD:
            return job.state, job.reason, job.finished_at
        return "lost", vanished(job, self._now), job.heartbeat_at

    def _insert_job(self, transaction: Transaction, job: JobRow) -> int:
        take_benchmark(transaction, job.benchmark_id)
        columns = columns_without("jobs", *_OF_ITS_STORE)
        return transaction.insert(
            "INSERT INTO main.jobs (benchmark_id, state, reason, finished_at, "
            f"{', '.join(columns)}) SELECT (SELECT own.id FROM main.benchmarks AS own"
            " JOIN other.benchmarks AS theirs USING (config_hash) WHERE theirs.id = benchmark_id),"
            f" ?2, ?3, ?4, {', '.join(columns)} FROM other.jobs WHERE id = ?1",
            (job.id, *self._ended_as(job)),
        )

    def _update_job(self, transaction: Transaction, present: JobRow, job: JobRow) -> None:
        """Follows a job that has gone on in the other store."""
        if (job.attempt, job.state == "done") <= (present.attempt, present.state == "done"):
            return
        transaction.run(
            "UPDATE main.jobs SET attempt = ?, started_at = ?, attempt_started_at = ?,"
            " cases_total = ?, state = ?, reason = ?, finished_at = ? WHERE id = ?",
            (
                *(job.attempt, job.started_at, job.attempt_started_at, job.cases_total),
                *(*self._ended_as(job), present.id),
            ),
        )

    def _take_results(self, transaction: Transaction, job: JobRow, own: int) -> None:
        wanted, replaced = _wanted(transaction, job.id, own)
        total = self._done + len(wanted)
        if wanted:
            take_environments(transaction, job.id)
            take_qualities(transaction, job.id, own)
        for start in range(0, len(wanted), _AT_ONCE):
            portion = wanted[start : start + _AT_ONCE]
            take_results(transaction, portion, own)
            self._progress(self._done + start + len(portion), self._total)
        if wanted:
            forget_progress(transaction, own)
            transaction.run(
                "UPDATE main.jobs SET cases_done = (SELECT count(*) FROM main.results"
                " WHERE job_id = jobs.id) WHERE id = ?",
                (own,),
            )
        self._done = total
        added = len(wanted) - replaced
        self._merged = replace(
            self._merged,
            results=self._merged.results + added,
            replaced=self._merged.replaced + replaced,
        )


_KEYS = (
    "SELECT jobs.id, config_hash, jobs.created_at, target, part FROM {schema}.jobs AS jobs"
    " JOIN {schema}.benchmarks AS benchmarks ON benchmarks.id = jobs.benchmark_id"
    " WHERE jobs.id > ? ORDER BY jobs.id"
)


def _key(row: sqlite3.Row) -> _Key:
    return row["config_hash"], row["created_at"], row["target"], row["part"]


def _wanted(transaction: Transaction, theirs: int, own: int) -> tuple[list[int], int]:
    """The results that are to be taken; those whose place they take are deleted.

    A row in any state but ``ok`` gives way to one that is, or that was measured later.

    Returns:
        Their ids, and how many rows gave way.
    """
    select = "SELECT id, case_key, state, started_at FROM {}.results WHERE job_id = ? ORDER BY id"
    present = {row["case_key"]: row for row in transaction.rows(select.format("main"), (own,))}
    wanted, gone = [], []
    for row in transaction.rows(select.format("other"), (theirs,)):
        here = present.get(row["case_key"])
        if here is not None:
            later = row["started_at"] > here["started_at"]
            if here["state"] == "ok" or not (row["state"] == "ok" or later):
                continue
            gone.append(here["id"])
        wanted.append(row["id"])
    transaction.run_many("DELETE FROM main.results WHERE id = ?", [(one,) for one in gone])
    return wanted, len(gone)
