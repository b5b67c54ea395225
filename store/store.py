"""The store as the other packages use it: one class over one SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType

from store import jobs, merge, qualities, reader, spool, writer
from store.attempts import Attempts
from store.browse import Browser
from store.clock import Clock, timestamp, utc_now
from store.connection import BUSY_TIMEOUT_S, Database, open_database
from store.errors import OldStoreError
from store.events import Event, EventRow
from store.leaderboard import LeaderboardRow
from store.load_board import LoadRow
from store.merge import Merged
from store.mounts import MOUNTINFO
from store.noise_board import NoiseRow
from store.queue import Queue
from store.records import JobState, Result, ResultState
from store.rows import BenchmarkRow, Counts, JobRow, Stop, StoredQuality, StoredResult
from store.spool import SpoolRecord
from store.study import StudyReader
from store.word_records import Quality, Transcript
from store.writer import rows_of


class Store:
    """One open store. A context manager; use it in the thread that opened it.

    Several processes, and several ``Store`` objects of one process, may use a file at once. What
    the user or the machine can get wrong raises ``StoreError``; a record that cannot be stored as
    it is raises ``ValueError`` with the field's name, and nothing of it is stored.
    """

    def __init__(self, database: Database, *, clock: Clock, mountinfo: Path) -> None:
        """Takes over an open database; see ``open``.

        Args:
            database: The connection.
            clock: Gives the time of day, with a time zone.
            mountinfo: The mount table, which tells whether the file system is a local one.
        """
        self._database = database
        self._clock = clock
        self._mountinfo = mountinfo
        self._filter_database: Database | None = database if database.readonly else None
        self.queue = Queue(database, clock)
        """The jobs that wait, and what people ask of jobs."""
        self.attempts = Attempts(database, clock)
        """What becomes of jobs that a dispatcher starts."""
        self.study = StudyReader(database)
        """Many results at once, for a study."""

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        readonly: bool = False,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        clock: Clock = utc_now,
        mountinfo: Path = MOUNTINFO,
    ) -> Store:
        """Opens a store, and unless ``readonly`` creates or migrates it first.

        Args:
            path: The file; see ``default_path``. Its folder is created when missing.
            readonly: Never write; the file must exist.
            busy_timeout_s: How long to wait for other processes' write transactions.
            clock: Gives the time of day, with a time zone.
            mountinfo: The mount table, which tells whether the file system is a local one.

        Raises:
            StoreError: It cannot be opened; the message says why and what to change.
        """
        database = open_database(
            Path(path), readonly=readonly, busy_timeout_s=busy_timeout_s, mountinfo=mountinfo
        )
        return cls(database, clock=clock, mountinfo=mountinfo)

    @classmethod
    def open_to_read(cls, path: str | Path) -> Store:
        """Opens a store read-only; one of an older asrprof is brought up to date first.

        Raises:
            StoreError: There is none, or it cannot be read or brought up to date.
        """
        try:
            return cls.open(path, readonly=True)
        except OldStoreError:
            cls.open(path).close()
            return cls.open(path, readonly=True)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the store; closing twice is fine."""
        if self._filter_database is not None:
            self._filter_database.close()
        self._database.close()

    @property
    def path(self) -> Path:
        """The file, as it was given to ``open``."""
        return self._database.path

    @property
    def id(self) -> str:
        """32 hexadecimal digits that tell this store from every other one."""
        ((found,),) = self._database.rows("SELECT id FROM identity")
        return str(found)

    # Benchmarks and jobs

    def add_benchmark(self, name: str, config_json: str) -> int:
        """Stores a benchmark and returns its id; a config that is there already keeps its id.

        Two configs are equal when their JSON is, whatever its spacing and the order of its keys.

        Raises:
            ValueError: ``config_json`` is not JSON.
        """
        return writer.add_benchmark(self._database, name, config_json, self._now())

    def benchmarks(self) -> list[BenchmarkRow]:
        """All benchmarks, in the order they were added."""
        return reader.find_benchmarks(self._database)

    def benchmark(self, benchmark_id: int) -> BenchmarkRow:
        """One benchmark.

        Raises:
            StoreError: There is no such benchmark.
        """
        return reader.get_benchmark(self._database, benchmark_id)

    def start_job(
        self,
        benchmark_id: int,
        *,
        target: str,
        cases_total: int,
        owner: str,
        lease_s: float,
        folder: str | None = None,
    ) -> int:
        """Creates a job in state ``running``, held by ``owner``, and returns its id.

        Args:
            benchmark_id: What to run.
            target: Where, e.g. ``local``.
            cases_total: Number of cases of the benchmark.
            owner: The process that runs it; see ``process_owner``.
            lease_s: The job counts as abandoned this long after its last heartbeat.
            folder: What relative paths in the benchmark start from.
        """
        return jobs.start_job(
            self._database,
            benchmark_id,
            target=target,
            cases_total=cases_total,
            folder=folder,
            owner=owner,
            lease_s=lease_s,
            now=self._clock(),
        )

    def heartbeat(self, job_id: int, lease_s: float, *, owner: str | None = None) -> Stop | None:
        """Renews the lease on a job.

        Args:
            job_id: The job.
            lease_s: How long the lease lasts from now, in seconds.
            owner: The process that must still hold the job; None for no check.

        Returns:
            Why the job must end (someone asked for it, or its time is over), or None.

        Raises:
            LeaseLostError: The job has ended, or another process took it over.
        """
        return jobs.heartbeat(self._database, job_id, lease_s, owner=owner, now=self._clock())

    def finish_job(
        self, job_id: int, state: JobState, reason: str | None = None, *, owner: str | None = None
    ) -> None:
        """Ends a job as ``done``, ``failed``, ``cancelled`` or ``lost`` and frees its lease.

        Args:
            job_id: The job.
            state: The state that it ends in.
            reason: Why it ended so, in words, if there is something to say.
            owner: The process that must still hold the job; None for no check.

        Raises:
            LeaseLostError: Another process than ``owner`` holds the job.
            ValueError: ``state`` is not one in which a job ends.
        """
        jobs.finish_job(self._database, job_id, state, reason, owner=owner, now=self._clock())

    def resumable_job(self, benchmark_id: int, *, target: str | None = None) -> JobRow | None:
        """The latest started job of a benchmark if it is not wholly done, else None.

        That is one that failed, was cancelled or lost, or whose runner is dead or silent for
        longer than its lease; or one that is done but has a case that failed or was
        refused, or one without a row.

        Args:
            benchmark_id: The benchmark.
            target: Look only at jobs of this target.

        Raises:
            JobBusyError: A live process runs that job.
        """
        return jobs.resumable_job(self._database, benchmark_id, target=target, now=self._clock())

    def reopen_job(self, job_id: int, owner: str, lease_s: float) -> None:
        """Takes a job that nobody runs and sets it running again, as its next attempt.

        Args:
            job_id: The job.
            owner: The process that takes it.
            lease_s: How long it holds the job unless it renews the lease, in seconds.

        Raises:
            JobBusyError: A live process runs it.
        """
        jobs.reopen_job(self._database, job_id, owner, lease_s, now=self._clock())

    def mark_lost_jobs(self) -> list[int]:
        """Ends as ``lost`` every running job whose process is dead or silent; gives their ids."""
        return jobs.mark_lost_jobs(self._database, now=self._clock())

    def jobs(
        self,
        *,
        states: Iterable[JobState] | None = None,
        ids: Iterable[int] | None = None,
        last: int | None = None,
    ) -> list[JobRow]:
        """Jobs in the order they were created, by default all.

        Args:
            states: Only those in one of these.
            ids: Only these; one that is not there is left out.
            last: Of these, only the last so many.
        """
        return jobs.choose_jobs(self._database, states=states, ids=ids, last=last)

    def job(self, job_id: int) -> JobRow:
        """One job.

        Raises:
            StoreError: There is no such job.
        """
        return jobs.get_job(self._database, job_id, self._database)

    # Events

    def add_event(self, job_id: int, event: Event) -> int:
        """Stores an event of a job and returns its id."""
        return writer.add_event(self._database, job_id, event)

    def events(
        self, job_id: int, *, after: int = 0, last: int | None = None, progress: bool = True
    ) -> list[EventRow]:
        """A job's events, oldest first.

        Args:
            job_id: The job.
            after: Only those with a higher id.
            last: Only the last so many.
            progress: Whether those that say how far the case in hand is are among them.
        """
        return reader.find_events(self._database, job_id, after, last, progress=progress)

    # Results

    def write_result(self, job_id: int, result: Result, *, replace: bool = False) -> int:
        """Stores a result with all its children in one transaction, and returns its id.

        A case that has a row keeps it: writing it again changes nothing and gives the old id.
        With ``replace``, a row in any state but ``ok`` gives way to the new one, which gets a new
        id.

        Its error rates and transcripts become the quality record of the job and its
        ``quality_key``, unless that is there: then the result shares it and shows its figures.

        Args:
            job_id: The job that the case belongs to.
            result: The result with all its children.
            replace: Whether it takes the place of a row that is not ``ok``.

        Raises:
            ValueError: A figure is NaN or infinite, or a value has a type that SQLite does not
                know; the message names the field. Nothing is stored.
        """
        return writer.write_result(self._database, job_id, result, self._now(), replace=replace)

    def ingest(
        self, job_id: int, attempt: int, records: Iterable[SpoolRecord], *, lease_s: float
    ) -> int:
        """Takes in what a runner has spooled, as far as it is new; see ``store.spool``.

        Args:
            job_id: The job.
            attempt: The attempt that wrote the spool.
            records: The records in their order; those that the store has are passed over.
            lease_s: How long the job counts as held without a sign of life once it has begun, in
                seconds.

        Returns:
            The number of the last record that is in the store.

        Raises:
            LeaseLostError: The attempt is over and another one has begun.
            SpoolError: A record is missing between those in the store and these.
        """
        return spool.ingest(
            self._database, job_id, attempt, records, lease_s=lease_s, clock=self._clock
        )

    def merge(
        self, path: str | Path, *, progress: Callable[[int, int], None] | None = None
    ) -> Merged:
        """Takes the jobs of another store in, with all that belongs to them; see ``store.merge``.

        Args:
            path: The other store, which is only read.
            progress: Told how many of its results have been looked at, and of how many.

        Raises:
            StoreError: The other store cannot be used, or is this one.
        """
        told = progress or (lambda done, total: None)
        return merge.merge(self._database, Path(path), progress=told, clock=self._clock)

    def spooled(self, job_id: int, attempt: int) -> int:
        """The number of the last record of an attempt's spool that is in the store, or 0."""
        return spool.spooled(self._database, job_id, attempt)

    @staticmethod
    def check_result(result: Result) -> None:
        """Whether a result could be stored.

        Raises:
            ValueError: See ``write_result``.
        """
        rows_of(result)

    def replace_quality(
        self, result_id: int, quality: Quality, transcripts: Sequence[Transcript]
    ) -> int:
        """Puts error rates and their transcripts in the place of those that a result shares.

        The rows of all results that share them change in the same transaction.

        Args:
            result_id: Any of these results.
            quality: The new figures.
            transcripts: All transcripts, with their new word counts.

        Returns:
            How many rows have changed.

        Raises:
            StoreError: There is no such result, or it has no error rates.
            ValueError: A figure is NaN or infinite; nothing is changed.
        """
        return qualities.replace_quality(self._database, result_id, quality, transcripts)

    def qualities(self, job_id: int) -> tuple[StoredQuality, ...]:
        """The quality records of a job with their transcripts, in the order they were stored."""
        return qualities.find_qualities(self._database, job_id)

    def case_keys(self, job_id: int, states: Iterable[ResultState] | None = None) -> set[str]:
        """The cases of a job that have a row, or a row in one of ``states``."""
        return reader.case_keys(self._database, job_id, states)

    def case_seconds(self) -> dict[str, float]:
        """How long each case of any job took when it was last measured to its end, by its key."""
        return reader.case_seconds(self._database)

    def case_times(self) -> dict[str, tuple[float, int]]:
        """As ``case_seconds``, with the id of the benchmark that the case was measured for."""
        return reader.case_times(self._database)

    def clips_fingerprints(self, job_id: int) -> dict[float, str]:
        """Fingerprints of the clips behind a job's good rows, by their length in seconds."""
        return reader.clips_fingerprints(self._database, job_id)

    def result(self, result_id: int) -> StoredResult:
        """A result with everything that was stored with it.

        Raises:
            StoreError: There is no such result.
        """
        return reader.get_result(self._database, result_id)

    def leaderboard(
        self,
        job_id: int | None = None,
        benchmark: str | None = None,
        where: str | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> list[LeaderboardRow]:
        """Rows of the view ``leaderboard``, by default all in the order they were stored.

        Args:
            job_id: Only this job's.
            benchmark: Only those of benchmarks of this name.
            where: Only those for which this SQL condition holds, e.g. ``wer < 0.1``. It cannot
                change the store: it runs on a connection that only reads.
            order: SQL terms to sort by, e.g. ``rtfx DESC``.
            limit: At most so many.

        Raises:
            StoreError: SQLite does not understand ``where`` or ``order``.
        """
        return reader.leaderboard(
            self._reading() if where or order else self._database,
            job_id=job_id,
            benchmark=benchmark,
            where=where,
            order=order,
            limit=limit,
        )

    def load_board(self, job_id: int | None = None) -> tuple[LoadRow, ...]:
        """Levels of load, of one job or of all, in the order they were stored and held."""
        return reader.load_board(self._database, job_id=job_id)

    def noise_board(
        self, job_id: int | None = None, result_id: int | None = None
    ) -> tuple[NoiseRow, ...]:
        """What models made of noise and silence: of one job, of one result, or of all."""
        return reader.noise_board(self._database, job_id=job_id, result_id=result_id)

    @property
    def browse(self) -> Browser:
        """Reads for tables and charts over a store of any size."""
        return Browser(self._reading())

    def counts(self, job_id: int | None = None) -> Counts:
        """How much is in the store, or in one job of it."""
        return reader.count(self._database, job_id)

    def data_version(self) -> int:
        """A number that changes when anyone else has written: cheap enough to poll.

        It does not change for what this very ``Store`` writes.
        """
        return self._database.number("PRAGMA data_version")

    def _reading(self) -> Database:
        """A connection that cannot write, for what has SQL of the user's in it."""
        if self._filter_database is None:
            self._filter_database = open_database(
                self._database.file, readonly=True, mountinfo=self._mountinfo
            )
        return self._filter_database

    def _now(self) -> str:
        return timestamp(self._clock())
