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
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from runner import isolation
from runner.catalogue.measures import COUNTS, LATENCY
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
    JobRemark,
    JobStarted,
    SessionEvent,
    Sink,
)
from runner.grid import Case, expand
from runner.job_speech import JobSpeech, prepare_speech
from runner.largest_batch import run_largest
from runner.lease import BEAT_S, LEASE_S
from runner.ledger import Ledger, StoreLedger
from runner.measure.energy.tracker_process import TrackerProcess
from runner.parts import share
from runner.shared_load import SharedLoads
from runner.stop_signals import drop_output, stop_signals, terminals
from runner.tally import Tally
from runner.task import CaseTask, Counted, News, Remark, is_published, utc_now
from store import (
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
    only: frozenset[str] | None = None
    """Keys of the cases to run; all of them when None."""
    remarks: tuple[str, ...] = ()
    """What the job's readers should know of the choice of cases."""
    _stop: int | None = field(default=None, init=False)
    _asked: Stop | None = field(default=None, init=False)
    """Why the job must end, as its ledger says."""
    _interrupted: FinalState = field(default="cancelled", init=False)
    """What a signal makes of the job that nobody asked for in the store: someone's wish where the
    session is in a terminal, an accident where a dispatcher started it."""
    _beat: float = field(default=0.0, init=False)
    _hub: Hub = field(default_factory=Hub, init=False)
    _loads: SharedLoads = field(default_factory=SharedLoads, init=False)
    _tracker: TrackerProcess = field(default_factory=TrackerProcess, init=False)

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
        with closing(self._tracker):
            cases, speech = self._prepare()
            with self._signals():
                ledger = self._open_job(store, cases, speech, resume)
                return self._run_job(ledger, cases, speech)

    def run_claimed(self, ledger: Ledger, attempt: int) -> Outcome:
        """Runs the pending cases of a job that a dispatcher has claimed.

        Raises:
            LeaseLostError: this attempt was given up, or another runner has begun it.
            UserError: the benchmark or its data cannot be used; the job has ended with the reason.
            StoreError: the ledger cannot take a row.
        """
        self._interrupted = "failed"
        ledger.begin(attempt)
        with closing(self._tracker):
            try:
                cases, speech = self._prepare()
                self._refuse_other_speech(ledger, speech, "queue the benchmark anew")
            except UserError as error:
                self._close_job(ledger, JobFinished(ledger.job_id, "failed", str(error), 0, 0, 0.0))
                raise
            with self._signals():
                return self._run_job(ledger, cases, speech)

    def _prepare(self) -> tuple[tuple[Case, ...], JobSpeech]:
        """The cases, and the speech that they are measured with."""
        cases = share(expand(self.benchmark), self.part)
        if self.only is not None:
            cases = tuple(case for case in cases if case.key in self.only)
        # They import for seconds, while the clips are read.
        isolation.prepare()
        if "energy" in self.benchmark.measures:
            self._tracker.start()
        speech = prepare_speech(
            self.benchmark, cases, lambda what, share: self.sink(ClipsProgress(what, share))
        )
        return cases, speech

    def _run_job(self, ledger: Ledger, cases: tuple[Case, ...], speech: JobSpeech) -> Outcome:
        began = time.monotonic()
        settled = ledger.settled()
        pending = [case for case in cases if case.key not in settled]
        self._tell(
            ledger,
            JobStarted(ledger.job_id, self.benchmark.name, len(cases), len(pending), ledger.place),
        )
        for text in (*self.remarks, *speech.remarks):
            self._tell(ledger, JobRemark(text))
        tally = Tally(taken=dict(ledger.taken()))
        state: FinalState = "failed"
        reason: str | None = "the runner stopped"
        try:
            for index, case in enumerate(pending):
                task = self._task(ledger, case, speech)
                task = replace(task, calibrate=self._calibrates(case, tally))
                following = pending[index + 1] if index + 1 < len(pending) else None
                result = tally.known_refusal(task) or self._run_case(
                    ledger, index, task, tally, following
                )
                result = self._write(ledger, task, result)
                tally.add(task, result)
                self._tell(ledger, CaseFinished(case, index, result))
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
            self._loads.close()
            wall = time.monotonic() - began
            end = JobFinished(ledger.job_id, state, reason, tally.ok, tally.failed, wall)
            self._close_job(ledger, end)
            self.sink(end)
        return Outcome(ledger.job_id, state, tally.ok, tally.failed, self._stop)

    def _calibrates(self, case: Case, tally: Tally) -> bool:
        """Whether a case also measures what its device can do: once, where a use is made of it.

        Rooflines need it, and nodes of a fleet are told apart by it.
        """
        measures = set(self.benchmark.measures)
        used = {"flops", LATENCY} <= measures or (self.target == "ray" and not measures <= COUNTS)
        return used and (case.device, case.threads) not in tally.calibrated

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
        self, store: Store, cases: tuple[Case, ...], speech: JobSpeech, resume: bool
    ) -> Ledger:
        config = json.dumps(self.benchmark.model_dump(mode="json"))
        benchmark_id = store.add_benchmark(self.benchmark.name, config)
        if not resume:
            job_id = store.start_job(
                benchmark_id,
                target=self.target,
                cases_total=len(cases),
                folder=str(Path.cwd()),
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
        self._refuse_other_speech(ledger, speech, "run without --resume")
        store.reopen_job(job.id, process_owner(), LEASE_S)
        return ledger

    def _refuse_other_speech(self, ledger: Ledger, speech: JobSpeech, remedy: str) -> None:
        """One job, one set of clips: rows of all its attempts must be comparable."""
        for seconds, before in ledger.speech().items():
            now = speech.fingerprints(seconds)
            if now and before not in now:
                raise UserError(
                    f"the speech has changed since job {ledger.job_id}: its clips of "
                    f"{seconds:g} s are others now; {remedy}"
                )

    def _close_job(self, ledger: Ledger, end: JobFinished) -> None:
        try:
            ledger.tell(end)
            ledger.finish(end.state, end.reason)
        except StoreError:
            # The store is what failed; the caller is told by the error already on its way, and
            # the job's lease runs out, which makes it resumable.
            if end.state == "done":
                raise

    def _task(self, ledger: Ledger, case: Case, speech: JobSpeech) -> CaseTask:
        trace = None
        if self.benchmark.limits.trace:
            name = hashlib.sha256(case.key.encode()).hexdigest()[:12]
            trace = ledger.traces / f"{name}.json"
        return CaseTask(
            case=case,
            clips=speech.path_of(case),
            utterances=speech.utterances,
            measures=frozenset(self.benchmark.measures),
            limits=self.benchmark.limits,
            seed=self.benchmark.seed,
            trace=trace,
            normaliser=speech.normaliser,
            load=self.benchmark.load,
            robustness=self.benchmark.robustness,
            wordless=speech.wordless,
            baseline=self.benchmark.baseline_of(case.variant),
            tracker=self._tracker.address,
        )

    def _run_case(
        self, ledger: Ledger, index: int, task: CaseTask, tally: Tally, following: Case | None
    ) -> Result:
        case = task.case
        self._tell(ledger, CaseStarted(case, index))
        try:
            if not (task.counts_alone and is_published(case.model) and case.batch_size != "max"):
                task = replace(task, located=self._hub.locate(case.model))
        except Refused as refusal:
            return task.outcome("refused", str(refusal), started_at=utc_now(), wall_s=0.0)
        task = replace(tally.with_taken(task), counted=dict(tally.counted))

        def tell(message: News) -> None:
            if isinstance(message, Remark):
                self._tell(ledger, CaseRemark(case, message.text))
            elif isinstance(message, Counted):
                tally.counted[message.key] = message.readings
            else:
                tally.latest_pass = message.what
                what, share, latency_s = message.what, message.share, message.latency_s
                self._tell(ledger, CaseProgress(case, what, share, latency_s, message.load))

        def run(task: CaseTask) -> Result:
            return self._loads.run(
                task,
                following,
                on_message=tell,
                should_stop=lambda: self._stop is not None,
                on_tick=lambda: self._heartbeat(ledger),
            )

        result = run_largest(task, run) if case.batch_size == "max" else run(task)
        tally.take(task, result)
        return result

    def _heartbeat(self, ledger: Ledger) -> None:
        now = time.monotonic()
        if now - self._beat >= BEAT_S:
            self._beat = now
            self._asked = ledger.beat()
            if self._asked is not None and self._stop is None:
                self._stop = signal.SIGTERM

    def _tell(self, ledger: Ledger, event: SessionEvent) -> None:
        self.sink(event)
        ledger.tell(event)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT, SIGTERM and SIGHUP end the case in hand and keep the rows there are."""
        screens = terminals()

        def stop(number: int, _: FrameType | None) -> None:
            self._stop = number
            if number == signal.SIGHUP:
                drop_output(screens)

        previous = {number: signal.signal(number, stop) for number in stop_signals()}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
