"""A session runs one benchmark's cases, in order, and writes a row for each.

The parent process imports no framework: it prepares clips, starts a child for each case and is
the only writer of the store, so a case that dies cannot leave half a row.
"""

from __future__ import annotations

import hashlib
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from runner import isolation
from runner.clips import prepare
from runner.config import Benchmark
from runner.engines.hub import Hub
from runner.errors import Refused, UserError
from runner.events import (
    CaseFinished,
    CaseProgress,
    CaseRemark,
    CaseStarted,
    ClipsProgress,
    JobFinished,
    JobStarted,
    Sink,
)
from runner.grid import Case, expand
from runner.largest_batch import run_largest
from runner.lease import BEAT_S, LEASE_S
from runner.ledger import Ledger, StoreLedger
from runner.parts import share
from runner.progress_notes import ProgressNotes
from runner.task import CaseTask, Progress, Remark, utc_now
from store import (
    Event,
    FinalState,
    JobBusyError,
    Result,
    Stop,
    Store,
    StoreError,
    process_owner,
)


@dataclass(frozen=True)
class Outcome:
    """How a session ended."""

    job_id: int
    state: FinalState
    ok: int
    """Cases of this run that have figures."""
    failed: int
    """Cases of this run that have a reason instead."""
    signal: int | None = None
    """The signal that ended it, or None."""


@dataclass
class Session:
    """One run of one benchmark."""

    benchmark: Benchmark
    sink: Sink
    target: str = "local"
    part: str | None = None
    """The share of the cases to run, ``2/4``; all of them when None."""
    _stop: int | None = field(default=None, init=False)
    _asked: Stop | None = field(default=None, init=False)
    """Why the job must end, as its ledger says."""
    _interrupted: FinalState = field(default="cancelled", init=False)
    """What a signal makes of the job that nobody asked for in the store: someone's wish where the
    session is in a terminal, an accident where a dispatcher started it."""
    _beat: float = field(default=0.0, init=False)
    _hub: Hub = field(default_factory=Hub, init=False)

    def run(self, store: Store, *, resume: bool = False) -> Outcome:
        """Runs every pending case, as a new job of a store.

        Args:
            store: Where the job and its rows go.
            resume: Go on with this benchmark's last unfinished job: cases without a row, and
                those that failed or were refused, are run; every other row stays as it is.

        Raises:
            UserError: the config or its data cannot be used, or there is nothing to resume.
            StoreError: the store cannot take a row (for example because the disk is full).
        """
        cases, clips = self._prepare()
        with self._signals():
            ledger = self._open_job(store, cases, clips, resume)
            return self._run_job(ledger, cases, clips)

    def run_claimed(self, ledger: Ledger, attempt: int) -> Outcome:
        """Runs the pending cases of a job that a dispatcher has claimed.

        Raises:
            LeaseLostError: this attempt was given up, or another runner has begun it.
            UserError: the benchmark or its data cannot be used; the job has ended with the reason.
            StoreError: the ledger cannot take a row.
        """
        self._interrupted = "failed"
        ledger.begin(attempt)
        try:
            cases, clips = self._prepare()
            self._refuse_other_speech(ledger, clips, "queue the benchmark anew")
        except UserError as error:
            self._close_job(ledger, "failed", str(error))
            raise
        with self._signals():
            return self._run_job(ledger, cases, clips)

    def _prepare(self) -> tuple[tuple[Case, ...], _ClipSets]:
        """The cases, and a set of clips for each of their lengths, exact or mixed."""
        cases = share(expand(self.benchmark), self.part)
        clips = self._prepare_clips(cases)
        isolation.prepare()
        return cases, clips

    def _prepare_clips(self, cases: tuple[Case, ...]) -> _ClipSets:
        prepared: _ClipSets = {}
        for seconds, mixed in dict.fromkeys((case.audio_seconds, case.mixed) for case in cases):
            clips = prepare(
                self.benchmark.data,
                audio_seconds=seconds,
                mixed=mixed,
                seed=self.benchmark.seed,
                progress=lambda what, share: self.sink(ClipsProgress(what, share)),
            )
            prepared[seconds, mixed] = _Clips(clips.path, clips.fingerprint)
        return prepared

    def _run_job(self, ledger: Ledger, cases: tuple[Case, ...], clips: _ClipSets) -> Outcome:
        began = time.monotonic()
        settled = ledger.settled()
        pending = [case for case in cases if case.key not in settled]
        self.sink(
            JobStarted(ledger.job_id, self.benchmark.name, len(cases), len(pending), ledger.place)
        )
        self._note(ledger, "job-started", message=f"{len(pending)} of {len(cases)} cases")
        tally = _Tally()
        state: FinalState = "failed"
        reason: str | None = "the runner stopped"
        try:
            for index, case in enumerate(pending):
                task = self._task(ledger, case, clips[case.audio_seconds, case.mixed].path)
                task = replace(task, calibrate=self._calibrates(case.device, tally))
                result = tally.known_refusal(task) or self._run_case(ledger, index, task)
                result = self._write(ledger, task, result)
                tally.add(task, result)
                self.sink(CaseFinished(case, index, result))
                self._note(ledger, "case-finished", case.key, result.reason or result.state)
            state, reason = "done", None
        except isolation.Interrupted:
            # A dispatcher's signal means what the store says: a request, or a time limit.
            name = signal.Signals(self._stop or signal.SIGINT).name
            stop = self._asked or ledger.stop()
            stop = stop or Stop(state=self._interrupted, reason=f"interrupted by {name}")
            state, reason = stop.state, stop.reason
        except StoreError as error:
            reason = str(error)
            raise
        finally:
            self._close_job(ledger, state, reason)
            wall = time.monotonic() - began
            self.sink(JobFinished(ledger.job_id, state, reason, tally.ok, tally.failed, wall))
        return Outcome(ledger.job_id, state, tally.ok, tally.failed, self._stop)

    def _calibrates(self, device: str, tally: _Tally) -> bool:
        """Whether a case also measures what its device can do: once, where a use is made of it.

        Rooflines need it, and nodes of a fleet are told apart by it.
        """
        used = "flops" in self.benchmark.measures or self.target == "ray"
        return used and device not in tally.calibrated

    def _write(self, ledger: Ledger, task: CaseTask, result: Result) -> Result:
        """Stores a row; one with a figure that is no number becomes a failed row that says so."""
        try:
            ledger.write(result)
        except ValueError as error:
            result = task.outcome(
                "failed",
                f"a figure cannot be stored: {error}",
                started_at=result.started_at,
                wall_s=result.wall_s,
            )
            ledger.write(result)
        return result

    def _open_job(
        self, store: Store, cases: tuple[Case, ...], clips: _ClipSets, resume: bool
    ) -> Ledger:
        config = json.dumps(self.benchmark.model_dump(mode="json"))
        benchmark_id = store.add_benchmark(self.benchmark.name, config)
        if not resume:
            job_id = store.start_job(
                benchmark_id,
                target=self.target,
                cases_total=len(cases),
                owner=process_owner(),
                lease_s=LEASE_S,
            )
            return StoreLedger(store, job_id)
        try:
            job = store.resumable_job(benchmark_id, target=self.target)
        except JobBusyError as error:
            raise UserError(str(error)) from error
        if job is None:
            raise UserError(
                f'nothing to resume: benchmark "{self.benchmark.name}" with this config has no '
                f"unfinished job in {store.path}"
            )
        ledger = StoreLedger(store, job.id)
        self._refuse_other_speech(ledger, clips, "run without --resume")
        store.reopen_job(job.id, process_owner(), LEASE_S)
        return ledger

    def _refuse_other_speech(self, ledger: Ledger, clips: _ClipSets, remedy: str) -> None:
        """One job, one set of clips: rows of all its attempts must be comparable."""
        for seconds, before in ledger.speech().items():
            now = {found.fingerprint for key, found in clips.items() if key[0] == seconds}
            if now and before not in now:
                raise UserError(
                    f"the speech has changed since job {ledger.job_id}: its clips of "
                    f"{seconds:g} s are others now; {remedy}"
                )

    def _close_job(self, ledger: Ledger, state: FinalState, reason: str | None) -> None:
        try:
            self._note(ledger, "job-finished", message=reason or state)
            ledger.finish(state, reason)
        except StoreError:
            # The store is what failed; the caller is told by the error already on its way, and
            # the job's lease runs out, which makes it resumable.
            if state == "done":
                raise

    def _task(self, ledger: Ledger, case: Case, clips: Path) -> CaseTask:
        trace = None
        if self.benchmark.limits.trace:
            name = hashlib.sha256(case.key.encode()).hexdigest()[:12]
            trace = ledger.traces / f"{name}.json"
        return CaseTask(
            case=case,
            clips=clips,
            measures=frozenset(self.benchmark.measures),
            limits=self.benchmark.limits,
            seed=self.benchmark.seed,
            trace=trace,
            baseline=self.benchmark.baseline_of(case.variant),
        )

    def _run_case(self, ledger: Ledger, index: int, task: CaseTask) -> Result:
        case = task.case
        self.sink(CaseStarted(case, index))
        self._note(ledger, "case-started", case.key, case.title)
        try:
            task = replace(task, located=self._hub.locate(case.model))
        except Refused as refusal:
            return task.outcome("refused", str(refusal), started_at=utc_now(), wall_s=0.0)

        progress = ProgressNotes(ledger.note)

        def tell(message: Progress | Remark) -> None:
            if isinstance(message, Remark):
                self._note(ledger, "remark", case.key, message.text)
                self.sink(CaseRemark(case, message.text))
            else:
                self.sink(CaseProgress(case, message.what, message.share))
                progress.note(case.key, message)

        def run(task: CaseTask) -> Result:
            return isolation.run_isolated(
                task,
                on_message=tell,
                should_stop=lambda: self._stop is not None,
                on_tick=lambda: self._heartbeat(ledger),
            )

        return run_largest(task, run) if case.batch_size == "max" else run(task)

    def _heartbeat(self, ledger: Ledger) -> None:
        now = time.monotonic()
        if now - self._beat >= BEAT_S:
            self._beat = now
            self._asked = ledger.beat()
            if self._asked is not None and self._stop is None:
                self._stop = signal.SIGTERM

    @staticmethod
    def _note(
        ledger: Ledger, kind: str, case_key: str | None = None, message: str | None = None
    ) -> None:
        ledger.note(Event(kind=kind, at=utc_now(), case_key=case_key, message=message))

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


@dataclass(frozen=True)
class _Clips:
    """Where the clips of one length lie, and what they are."""

    path: Path
    fingerprint: str


_ClipSets = dict[tuple[float, bool], _Clips]
"""By length, and whether that is the longest of mixed ones."""


@dataclass
class _Tally:
    """Counts outcomes, and remembers what cannot be loaded so that it is not tried again."""

    ok: int = 0
    failed: int = 0
    refusals: dict[tuple[str, ...], str] = field(default_factory=dict)
    calibrated: set[str] = field(default_factory=set)
    """Devices whose peak this run has measured."""

    def add(self, task: CaseTask, result: Result) -> None:
        self.calibrated.update(peak.device for peak in result.peaks)
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
            str(case.model.engine),
            case.device,
            case.variant.name,
        )
