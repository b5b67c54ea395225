"""A session runs one benchmark's cases, in order, and writes a row for each.

The parent process imports no framework: it prepares clips, starts a child for each case and is
the only writer of the store, so a case that dies cannot leave half a row.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from runner import isolation
from runner.clips import prepare
from runner.config import Benchmark
from runner.errors import UserError
from runner.events import (
    CaseFinished,
    CaseProgress,
    CaseStarted,
    ClipsProgress,
    JobFinished,
    JobStarted,
    Sink,
)
from runner.grid import Case, expand
from runner.task import CaseTask, Progress, utc_now
from store import Event, JobBusyError, JobState, Result, Store, StoreError, process_owner

LEASE_S = 30.0
"""A job whose heartbeat is older than this is abandoned."""
BEAT_S = 5.0


@dataclass(frozen=True)
class Outcome:
    """How a session ended."""

    job_id: int
    state: JobState
    ok: int
    """Cases of this run that have figures."""
    failed: int
    """Cases of this run that have a reason instead."""
    signal: int | None = None
    """The signal that ended it, or None."""


@dataclass
class Session:
    """One run of one benchmark."""

    store: Store
    benchmark: Benchmark
    sink: Sink
    target: str = "local"
    _stop: int | None = field(default=None, init=False)
    _beat: float = field(default=0.0, init=False)
    _owner: str = field(default_factory=process_owner, init=False)

    def run(self, *, resume: bool = False) -> Outcome:
        """Runs every pending case.

        Args:
            resume: Go on with this benchmark's last unfinished job: cases without a row, and
                those that failed, are run; every other row stays as it is.

        Raises:
            UserError: the config or its data cannot be used, or there is nothing to resume.
            StoreError: the store cannot take a row (for example because the disk is full).
        """
        cases = expand(self.benchmark)
        lengths = list(dict.fromkeys(case.audio_seconds for case in cases))
        clips = {
            seconds: prepare(
                self.benchmark.data,
                audio_seconds=seconds,
                seed=self.benchmark.seed,
                progress=lambda what, share: self.sink(ClipsProgress(what, share)),
            )
            for seconds in lengths
        }
        isolation.prepare()
        job_id, pending = self._open_job(cases, resume)
        began = time.monotonic()
        self.sink(
            JobStarted(job_id, self.benchmark.name, len(cases), len(pending), str(self.store.path))
        )
        self._note(job_id, "job-started", message=f"{len(pending)} of {len(cases)} cases")
        tally = _Tally()
        state: JobState = "failed"
        reason: str | None = "the runner stopped"
        try:
            with self._signals():
                for index, case in enumerate(pending):
                    task = self._task(job_id, index, case, clips[case.audio_seconds].path)
                    result = tally.known_refusal(task) or self._run_case(job_id, index, task)
                    tally.add(task, result)
                    self.store.write_result(job_id, result, replace=resume)
                    self.sink(CaseFinished(case, index, result))
                    self._note(job_id, "case-finished", case.key, result.reason or result.state)
            state, reason = "done", None
        except isolation.Interrupted:
            state = "cancelled"
            reason = f"interrupted by {signal.Signals(self._stop or signal.SIGINT).name}"
        except StoreError as error:
            reason = str(error)
            raise
        finally:
            self._close_job(job_id, state, reason)
            wall = time.monotonic() - began
            self.sink(JobFinished(job_id, state, reason, tally.ok, tally.failed, wall))
        return Outcome(job_id, state, tally.ok, tally.failed, self._stop)

    def _open_job(self, cases: tuple[Case, ...], resume: bool) -> tuple[int, list[Case]]:
        config = json.dumps(self.benchmark.model_dump(mode="json"))
        benchmark_id = self.store.add_benchmark(self.benchmark.name, config)
        if not resume:
            job_id = self.store.start_job(
                benchmark_id,
                target=self.target,
                cases_total=len(cases),
                owner=self._owner,
                lease_s=LEASE_S,
            )
            return job_id, list(cases)
        try:
            job = self.store.resumable_job(benchmark_id, target=self.target)
        except JobBusyError as error:
            raise UserError(str(error)) from error
        if job is None:
            raise UserError(
                f'nothing to resume: benchmark "{self.benchmark.name}" with this config has no '
                f"unfinished job in {self.store.path}"
            )
        self.store.reopen_job(job.id, self._owner, LEASE_S)
        # A failure may have been the machine's; a refusal or too little memory would come again.
        settled = self.store.case_keys(job.id, states=("ok", "oom", "refused"))
        return job.id, [case for case in cases if case.key not in settled]

    def _close_job(self, job_id: int, state: JobState, reason: str | None) -> None:
        try:
            self._note(job_id, "job-finished", message=reason or state)
            self.store.finish_job(job_id, state, reason, owner=self._owner)
        except StoreError:
            # The store is what failed; the caller is told by the error already on its way, and
            # the job's lease runs out, which makes it resumable.
            if state == "done":
                raise

    def _task(self, job_id: int, index: int, case: Case, clips: Path) -> CaseTask:
        trace = None
        if self.benchmark.limits.trace:
            trace = self.store.path.parent / "traces" / f"job-{job_id}" / f"case-{index}.json"
        return CaseTask(
            case=case,
            clips=clips,
            measures=frozenset(self.benchmark.measures),
            limits=self.benchmark.limits,
            seed=self.benchmark.seed,
            trace=trace,
        )

    def _run_case(self, job_id: int, index: int, task: CaseTask) -> Result:
        case = task.case
        self.sink(CaseStarted(case, index))
        self._note(job_id, "case-started", case.key, case.title)

        def progress(message: Progress) -> None:
            self.sink(CaseProgress(case, message.what, message.share))

        return isolation.run_isolated(
            task,
            on_progress=progress,
            should_stop=lambda: self._stop is not None,
            on_tick=lambda: self._heartbeat(job_id),
        )

    def _heartbeat(self, job_id: int) -> None:
        now = time.monotonic()
        if now - self._beat >= BEAT_S:
            self._beat = now
            self.store.heartbeat(job_id, LEASE_S, owner=self._owner)

    def _note(
        self, job_id: int, kind: str, case_key: str | None = None, message: str | None = None
    ) -> None:
        self.store.add_event(
            job_id, Event(kind=kind, at=utc_now(), case_key=case_key, message=message)
        )

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the case in hand and keep the rows there are."""

        def stop(number: int, _: FrameType | None) -> None:
            self._stop = number

        previous = {
            number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


@dataclass
class _Tally:
    """Counts outcomes, and remembers what cannot be loaded so that it is not tried again."""

    ok: int = 0
    failed: int = 0
    refusals: dict[tuple[str, ...], str] = field(default_factory=dict)

    def add(self, task: CaseTask, result: Result) -> None:
        if result.state == "ok":
            self.ok += 1
            return
        self.failed += 1
        if result.state == "refused" and result.reason is not None:
            self.refusals[self._subject(task)] = result.reason

    def known_refusal(self, task: CaseTask) -> Result | None:
        """The row of a case whose model could not be had a moment ago."""
        reason = self.refusals.get(self._subject(task))
        if reason is None:
            return None
        return task.outcome("refused", reason, started_at=utc_now(), wall_s=0.0)

    @staticmethod
    def _subject(task: CaseTask) -> tuple[str, ...]:
        case = task.case
        return (
            case.model.name,
            str(case.model.weights),
            str(case.model.revision),
            case.device,
            case.variant.name,
        )
