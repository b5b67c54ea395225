"""The passes of one case: latency first, where it is asked for, then each other measure's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pkgutil import resolve_name

import torch

from runner.catalogue.measures import LATENCY, MEASURES
from runner.clips import load_clips
from runner.counting import NO_LATENCY
from runner.engines.base import Engine, Unmeasurable
from runner.errors import Refused, error_words
from runner.held import Held
from runner.load import load_engine
from runner.measure.conditions import ConditionsProbe
from runner.measure.cycle import between_batches
from runner.measure.latency import Timed, mean_count, summarise, time_loop, time_once, warm_up
from runner.measure.memory import LoadMemory, PeakMemory
from runner.measure.nvml import Gpu, open_nvml
from runner.measure.padding import prove_batching
from runner.measure.peak import measure_peak
from runner.measure.quality_pass import QualityPass
from runner.measure.timed_speech import timed_speech, with_words
from runner.passes.base import Context, Loop, Pass
from runner.task import CaseTask, Message, Partial, Remark, threads_of
from runner.task import Progress as ProgressMessage
from store.records import Conditions, Proof, Result, Sample, Scalar


class Measurement:
    """One case.

    Only loading, the warm-up and the latency loop can fail it: a later pass that fails leaves its
    reason in the place of its figures, and the figures there are stay.
    """

    def __init__(
        self,
        task: CaseTask,
        send: Callable[[Message], None],
        held: Held | None = None,
        taken_bytes: int = 0,
    ) -> None:
        """Takes the case.

        Args:
            task: What to measure.
            send: To the session.
            held: The model, where it is loaded already.
            taken_bytes: This process's resident set when it had taken that over.
        """
        self.task = task
        self.held = held
        self.taken_bytes = taken_bytes
        self.send = send
        self.clock = time.perf_counter
        self.began_s = time.monotonic()
        assert task.clips is not None, "only what runs nothing has no clips"
        self.clips = load_clips(task.clips)
        self.gpu = board_of(task.case.device)
        self.memory = PeakMemory(task.case.device, gpu=self.gpu)
        self.quality = QualityPass(task, clock=self.clock, progress=self.progress)
        # At once: a pass that cannot be imported must not cost the figures before it.
        self.passes: dict[str, Pass] = {
            entry.name: resolve_name(entry.target)()
            for entry in MEASURES.values()
            if entry.target is not None and entry.name in task.measures
        }
        self._latest_s: float | None = None

    def run(self, started_at: str) -> Result:
        """All the measures the task asks for."""
        engine, load_s = self._engine()
        if engine.one_thread and (self.task.case.threads or 1) > 1:
            raise Refused(
                f"{engine.family} computes on one thread: leave it out of threads above 1"
            )
        for text in engine.remarks:
            self.send(Remark(text))
        context = Context(
            task=self.task,
            engine=engine,
            send=self.send,
            progress=self.progress,
            memory=self.memory,
            quality=self.quality,
            began_s=self.began_s,
            clips=self.clips,
            clock=self.clock,
        )
        if LATENCY in self.task.measures:
            result = self._latency(context, started_at, load_s)
        else:
            result = self._untimed(context, started_at)
        for measure, each in self.passes.items():
            self.send(Partial(result))
            if measure in engine.without:
                result = each.missing(result, engine.without[measure])
                continue
            if not each.silent(context):
                self.progress(measure, 0.0)
            result = self._attempt(measure, each, context, result)
        if self.task.calibrate:
            self.progress("calibration", 0.0)
            result = self._attempt("calibration", CalibrationPass(), context, result)
        return result

    def _engine(self) -> tuple[Engine, float]:
        """The model, and the seconds that loading it took."""
        held = self.held
        if held is not None:
            self.memory.reset(LoadMemory(held.before_bytes, held.peak_bytes, self.taken_bytes))
            return held.engine, held.load_s
        self.memory.reset()
        self.progress("loading", 0.0)
        start = self.clock()
        engine = load_engine(self.task.load_request())
        engine.synchronize()
        return engine, self.clock() - start

    def progress(self, what: str, share: float) -> None:
        """Tells the parent."""
        self.send(ProgressMessage(what, share, self._latest_s))
        self._latest_s = None

    def _timed(self, seconds: float) -> None:
        self._latest_s = seconds

    def _attempt(self, measure: str, each: Pass, context: Context, result: Result) -> Result:
        try:
            return each.run(context, result)
        except Unmeasurable as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  (one instrument must not take the others' figures)
            reason = error_words(error, 300)
            self.send(Remark(f"{measure} failed: {reason}"))
        return each.missing(result, reason)

    def _warm(self, context: Context) -> _Warm:
        """The first inference, the proofs of the variant, and the warm-up."""
        task, engine, cycle = self.task, context.engine, context.cycle
        self.progress("first inference", 0.0)
        cold_s, _ = time_once(engine, cycle.waveforms[0], self.clock)
        # Before the warm-up: what the proofs disturb, caches and compiled code, settles there.
        self.progress("proof of the variant", 0.0)
        proofs = engine.verify(cycle.waveforms[0])
        figures: tuple[Scalar, ...] = ()
        if task.case.mixed:
            proof, figures = prove_batching(engine, task.case.variant, cycle, context.as_they_come)
            proofs = (*proofs, proof)
        samples = warm_up(
            engine,
            cycle,
            context.limits,
            clock=self.clock,
            progress=self.progress,
            on_batch=self._timed,
        )
        return _Warm(cold_s, proofs, figures, samples)

    def _latency(self, context: Context, started_at: str, load_s: float) -> Result:
        task, cycle = self.task, context.cycle
        warm = self._warm(context)
        timed, conditions = self._timed_loop(context)
        latency = summarise(
            timed,
            cycle,
            load_s=load_s,
            cold_s=warm.cold_s,
            warmup=warm.samples,
            conditions=conditions,
            seed=task.seed,
        )
        context.decoder_calls, context.windows = latency.decoder_calls, latency.windows
        speech = timed_speech(cycle, self.clips)
        if task.case.model.weights != "random":
            speech = with_words(speech, cycle, timed, task.normaliser)
        if speech.stopped_early:
            self.send(
                Remark(
                    f"stopped early: {speech.missing_words} of {speech.reference_words} words of "
                    "the timed clips did not come out, so the latency is of less work"
                )
            )
        cold = Sample(kind="cold", iteration=0, batch=0, seconds=warm.cold_s)
        return replace(
            self._result(context, warm, started_at),
            latency=latency,
            speech=speech,
            conditions=conditions,
            samples=(cold, *warm.samples, *timed.samples),
        )

    def _timed_loop(self, context: Context) -> tuple[Timed, Conditions]:
        """The timed loop, with what the machine did meanwhile."""
        probe = ConditionsProbe(gpu=self.gpu)
        conditions: list[Conditions] = []

        def run(least_s: float) -> Timed:
            probe.start()
            timed = time_loop(
                context.engine,
                context.cycle,
                context.limits,
                clock=self.clock,
                progress=between_batches(probe, self.memory, self.progress),
                seed=context.task.seed,
                least_s=least_s,
                on_batch=self._timed,
            )
            conditions.append(probe.stop())
            return timed

        loop: Loop = run
        for measure, each in self.passes.items():
            if measure not in context.engine.without:
                loop = partial(each.around_loop, context, loop)
        return loop(0.0), conditions[0]

    def _untimed(self, context: Context, started_at: str) -> Result:
        """Each batch of the cycle once, so that peaks and numbers of passes are the work's."""
        warm = self._warm(context)
        probe = ConditionsProbe(gpu=self.gpu)
        probe.start()
        tell = between_batches(probe, self.memory, self.progress)
        found = []
        for number, batch in enumerate(context.cycle.waveforms, 1):
            found.append(context.engine.transcribe(batch))
            context.engine.synchronize()
            tell("batches", number / len(context.cycle.waveforms))
        context.decoder_calls = mean_count([one.decoder_calls for one in found])
        context.windows = mean_count([one.windows for one in found])
        return replace(
            self._result(context, warm, started_at),
            latency_reason=NO_LATENCY,
            speech=timed_speech(context.cycle, self.clips),
            conditions=probe.stop(),
        )

    def _result(self, context: Context, warm: _Warm, started_at: str) -> Result:
        """What the case is, and what its engine has shown of itself."""
        task, engine, case = self.task, context.engine, self.task.case
        engine.observe(context.cycle.waveforms)
        return Result(
            case_key=case.key,
            model=case.model.name,
            engine=engine.family,
            weights=case.model.weights or "pretrained",
            revision=engine.revision or case.model.revision,
            device=case.device,
            variant=case.variant.name,
            audio_seconds=case.audio_seconds,
            batch_size=task.batch_size,
            seed=task.seed,
            language=engine.language.code if engine.language is not None else None,
            language_by=engine.language.by if engine.language is not None else None,
            state="ok",
            reason=None,
            started_at=started_at,
            wall_s=time.monotonic() - self.began_s,
            parameters=engine.parameters,
            clips_fingerprint=self.clips.fingerprint,
            proofs=warm.proofs,
            figures=(*threads_of(case), *warm.figures, *engine.figures()),
            metrics=tuple(metric for name in self.passes for metric in MEASURES[name].metrics),
        )


@dataclass(frozen=True)
class _Warm:
    """What a case knows when its engine is warm."""

    cold_s: float
    proofs: tuple[Proof, ...]
    figures: tuple[Scalar, ...]
    samples: tuple[Sample, ...]
    """Of the warm-up."""


class CalibrationPass(Pass):
    """What the device can do at best."""

    def run(self, context: Context, result: Result) -> Result:
        """See :class:`~runner.passes.base.Pass`."""
        return replace(result, peaks=(measure_peak(context.task.case.device),))


def board_of(device: str) -> Gpu | None:
    """The board of a CUDA case, where NVML shows it."""
    if device == "cpu" or not torch.cuda.is_available():
        return None
    board = open_nvml().find(device)
    return board if isinstance(board, Gpu) else None
