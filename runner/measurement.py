"""The passes of one case: latency first, then what the task asks for, each in a pass of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from runner.clips import SAMPLE_RATE, load_clips
from runner.config import Variant
from runner.engines.base import Engine, Unmeasurable
from runner.engines.load import load_engine
from runner.engines.torch_engine import TorchEngine
from runner.errors import Refused
from runner.measure.comparison import compare
from runner.measure.conditions import ConditionsProbe
from runner.measure.cycle import between_batches, make_cycle
from runner.measure.decoder import profile_decoder
from runner.measure.energy.discover import discover
from runner.measure.energy.recipe import measure_energy
from runner.measure.flops.readings import mean_readings
from runner.measure.latency import (
    LONGEST_LOOP,
    Cycle,
    summarise,
    time_loop,
    time_once,
    warm_up,
)
from runner.measure.memory import PeakMemory
from runner.measure.memory_split import split_memory, weights_alone
from runner.measure.nvml import Gpu, open_nvml
from runner.measure.operators import profile_operators
from runner.measure.padding import prove_batching
from runner.measure.peak import measure_peak
from runner.measure.quality import score, unscored
from runner.measure.same_text import compare_texts, hear, promises_same_text
from runner.measure.stages import time_stages
from runner.task import CaseTask, Message, Partial, Remark
from runner.task import Progress as ProgressMessage
from store.records import Comparison, Figure, FlopsReading, Latency, Result, Sample
from store.turns import FEWEST_ROUNDS

Step = Callable[[Result], Result]


class Measurement:
    """One case.

    Only loading and the latency loop can fail it: a later pass that fails leaves its reason in
    the place of its figures, and the figures there are stay.
    """

    def __init__(self, task: CaseTask, send: Callable[[Message], None]) -> None:
        self.task = task
        self.limits = task.limits
        self.send = send
        self.clock = time.perf_counter
        self.began = time.monotonic()
        self.clips = load_clips(task.clips)
        self.cycle = self._make_cycle(by_length=self._sorted)
        self.gpu = board_of(task.case.device)
        self.memory = PeakMemory(task.case.device, gpu=self.gpu)
        self._latest_s: float | None = None

    def run(self, started_at: str) -> Result:
        """All the measures the task asks for."""
        self.memory.reset()
        self.progress("loading", 0.0)
        start = self.clock()
        self.engine = load_engine(self.task.load_request())
        self.engine.synchronize()
        load_s = self.clock() - start
        result = self._latency(started_at, load_s)
        steps: dict[str, Step] = {
            "stages": self._stages,
            "quality": self._quality,
            "memory": self._memory,  # before the passes that only serve as instruments
            "energy": self._energy,
            "flops": self._flops,
            "study_flops": self._study_flops,
            "comparison": self._comparison,
            "decoder": self._decoder,
            "operators": self._operators,
        }
        for measure, step in steps.items():
            if measure in self.task.measures:
                self.send(Partial(result))
                self.progress(measure, 0.0)
                result = self._attempt(measure, step, result)
        if self.task.calibrate:
            self.progress("calibration", 0.0)
            result = self._attempt("calibration", self._peak, result)
        return result

    def progress(self, what: str, share: float) -> None:
        """Tells the parent."""
        self.send(ProgressMessage(what, share, self._latest_s))
        self._latest_s = None

    def _hear(self, seconds: float) -> None:
        self._latest_s = seconds

    def _attempt(self, measure: str, step: Step, result: Result) -> Result:
        try:
            return step(result)
        except Unmeasurable as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001  (one instrument must not take the others' figures)
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            self.send(Remark(f"{measure} failed: {reason}"))
        return _excused(result, measure, reason)

    def _latency(self, started_at: str, load_s: float) -> Result:
        task, engine, cycle = self.task, self.engine, self.cycle
        self.progress("first inference", 0.0)
        cold_s, _ = time_once(engine, cycle.waveforms[0], self.clock)
        # Before the warm-up: what the proofs disturb, caches and compiled code, settles there.
        self.progress("proof of the variant", 0.0)
        proofs = engine.prove(cycle.waveforms[0])
        figures: tuple[Figure, ...] = ()
        if task.case.mixed:
            proof, figures = prove_batching(engine, task.case.variant, cycle, self._as_they_come)
            proofs = (*proofs, proof)
        warmup = warm_up(
            engine,
            cycle,
            self.limits,
            clock=self.clock,
            progress=self.progress,
            heard=self._hear,
        )
        probe = ConditionsProbe(gpu=self.gpu)
        probe.start()
        timed = time_loop(
            engine,
            cycle,
            self.limits,
            clock=self.clock,
            progress=between_batches(probe, self.memory, self.progress),
            heard=self._hear,
        )
        conditions = probe.stop()
        latency = summarise(
            timed,
            cycle,
            load_s=load_s,
            cold_s=cold_s,
            warmup=warmup,
            conditions=conditions,
            seed=task.seed,
        )
        engine.observe(cycle.waveforms)
        case = task.case
        cold = Sample(kind="cold", iteration=0, batch=0, seconds=cold_s)
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
            state="ok",
            reason=None,
            started_at=started_at,
            wall_s=time.monotonic() - self.began,
            parameters=engine.parameters,
            clips_fingerprint=self.clips.fingerprint,
            latency=latency,
            conditions=conditions,
            samples=(cold, *warmup, *timed.samples),
            proofs=proofs,
            figures=(*figures, *engine.figures()),
        )

    def _stages(self, result: Result) -> Result:
        stages, samples = time_stages(
            self.engine,
            self.cycle,
            self._affordable(self.limits.stage_iterations, result.latency),
            clock=self.clock,
            progress=self.progress,
            seed=self.task.seed,
        )
        return replace(result, stages=stages, samples=(*result.samples, *samples))

    def _affordable(self, iterations: int, latency: Latency | None) -> int:
        """As many as fit the time that the latency loop may take, one at least."""
        if latency is None:
            return iterations
        budget_s = LONGEST_LOOP * max(self.limits.min_seconds, 1.0)
        return max(1, min(iterations, int(budget_s / latency.median_s)))

    def _quality(self, result: Result) -> Result:
        if result.weights == "random":
            judged, transcripts = unscored((), (), (), (), reason="random weights")
            return replace(result, quality=judged, transcripts=transcripts)
        clips = self.clips.clips[: self.limits.quality_clips]
        heard = hear(
            self.engine,
            clips,
            self.task.batch_size,
            by_length=self._sorted,
            progress=lambda share: self.progress("quality", share),
        )
        judged, transcripts = score(
            [clip.reference for clip in clips],
            [heard[clip.id] for clip in clips],
            [clip.id for clip in clips],
            [clip.speech_seconds for clip in clips],
            seed=self.task.seed,
        )
        return replace(result, quality=judged, transcripts=transcripts)

    def _memory(self, result: Result) -> Result:
        peak = self.memory.read(weights_bytes=self.engine.weights_bytes)
        if self.memory.note is not None:
            self.send(Remark(f"memory: {self.memory.note}"))
        return replace(result, memory=peak, figures=(*result.figures, *self._memory_split()))

    def _memory_split(self) -> tuple[Figure, ...]:
        """Weights, activations and cache; what cannot be told is said, and the peaks stay."""
        engine = self.engine
        try:
            if not isinstance(engine, TorchEngine):
                return weights_alone(
                    engine.weights_bytes, f"{engine.family} does not run on PyTorch"
                )
            return split_memory(engine, self.cycle.waveforms[0])
        except Unmeasurable as error:
            self.send(Remark(f"memory is not split: {error}"))
        except Exception as error:  # noqa: BLE001  (one instrument must not take the peaks along)
            words = " ".join(str(error).split())[:300]
            self.send(Remark(f"memory is not split: {type(error).__name__}: {words}"))
        return ()

    def _energy(self, result: Result) -> Result:
        device = self.task.case.device
        found = discover(device)
        waveforms = self.cycle.waveforms

        def work(index: int) -> None:
            self.engine.transcribe(waveforms[index])
            self.engine.synchronize()

        outcome = measure_energy(
            work,
            sources=found.sources,
            missing=found.missing,
            limits=self.limits,
            device=device,
            cycle=len(waveforms),
            synchronize=self.engine.synchronize,
            started_s=self.began,
            on_progress=self.progress,
        )
        for warning in outcome.warnings:
            self.send(Remark(warning))
        return replace(
            result,
            energy=outcome.readings,
            power_samples=outcome.samples,
            energy_primary=outcome.primary,
            energy_reason=outcome.reason,
        )

    def _flops(self, result: Result) -> Result:
        latency = result.latency
        calls = latency.decoder_calls if latency is not None else None
        if not self.task.case.mixed:
            return _with_flops(result, self._count_flops(self._samples, calls))
        if latency is not None and (latency.windows or 0) > self.task.batch_size:
            raise Unmeasurable("clips of a batch fill different numbers of windows")
        longest = [max(map(len, batch)) for batch in self.cycle.waveforms]
        each = {samples: self._count_flops(samples, calls) for samples in set(longest)}
        return _with_flops(result, mean_readings([each[samples] for samples in longest]))

    def _count_flops(self, samples: int, calls: float | None) -> tuple[FlopsReading, ...]:
        return self.engine.flops(samples=samples, batch=self.task.batch_size, decoder_calls=calls)

    def _study_flops(self, result: Result) -> Result:
        return _with_flops(result, self.engine.study_flops(samples=self._samples))

    def _peak(self, result: Result) -> Result:
        return replace(result, peaks=(measure_peak(self.task.case.device),))

    def _make_cycle(self, *, by_length: bool) -> Cycle:
        most = self.limits.cycle_batches
        return make_cycle(self.clips, self.task.batch_size, most, by_length=by_length)

    @property
    def _as_they_come(self) -> Cycle:
        """The clips of the cycle in their own order."""
        return self._make_cycle(by_length=False)

    @property
    def _sorted(self) -> bool:
        return self.task.case.variant.batching == "sorted"

    @property
    def _samples(self) -> int:
        return round(self.task.case.audio_seconds * SAMPLE_RATE)

    def _comparison(self, result: Result) -> Result:
        baseline = self.task.baseline
        if baseline is None:
            return result
        try:
            other = load_engine(replace(self.task.load_request(), variant=baseline))
        except Refused as refusal:
            raise Unmeasurable(f"no baseline: {refusal}") from refusal
        round_batches = 2 * len(self.cycle.batches)
        batches = self._affordable(self.limits.comparison_rounds * round_batches, result.latency)
        comparison, samples = compare(
            other,
            self.engine,
            self.cycle,
            max(FEWEST_ROUNDS, batches // round_batches),
            name=baseline.name,
            clock=self.clock,
            progress=self.progress,
            other_cycle=self._as_they_come if self._sorted else None,
        )
        comparison = self._same_text(result, comparison, other, baseline)
        return replace(result, comparison=comparison, samples=(*result.samples, *samples))

    def _same_text(
        self, result: Result, comparison: Comparison, other: Engine, baseline: Variant
    ) -> Comparison:
        """The texts of all clips of the quality pass, where there was one, and the promise."""
        promised = promises_same_text(self.task.case.variant, baseline)
        comparison = replace(comparison, same_text_promised=promised)
        if result.transcripts:
            ours = {clip.clip_id: clip.hypothesis for clip in result.transcripts}
            theirs = hear(
                other,
                tuple(clip for clip in self.clips.clips if clip.id in ours),
                self.task.batch_size,
                by_length=baseline.batching == "sorted",
                progress=lambda share: self.progress("baseline's texts", share),
            )
            texts = compare_texts(ours, theirs)
            comparison = replace(comparison, clips=texts.clips, same_text=texts.same)
        if comparison.broken_promise:
            self.send(
                Remark(
                    f"{comparison.same_text} of {comparison.clips} clips have the same text as "
                    f"{comparison.baseline}; the variant promises it of all, but for rounding"
                )
            )
        return comparison

    def _decoder(self, result: Result) -> Result:
        steps, figures = profile_decoder(
            self.engine,
            self.cycle.waveforms[0],
            self.limits,
            clock=self.clock,
            progress=self.progress,
        )
        names = {figure.name for figure in figures}
        kept = tuple(figure for figure in result.figures if figure.name not in names)
        return replace(result, decoder_steps=steps, figures=(*kept, *figures))

    def _operators(self, result: Result) -> Result:
        if not self.engine.on_torch:
            raise Unmeasurable(f"{result.engine} does not run on PyTorch, whose operators are seen")
        batch = self.cycle.waveforms[0]
        with self.engine.shortened(self.limits.profile_tokens):
            self.engine.transcribe(batch)
            operators = profile_operators(
                lambda: self.engine.transcribe(batch),
                device=self.task.case.device,
                keep=self.limits.operators,
                trace_path=self.task.trace,
            )
        trace = str(self.task.trace) if self.task.trace is not None else None
        return replace(result, operators=operators, trace_path=trace)


def board_of(device: str) -> Gpu | None:
    """The board of a CUDA case, where NVML shows it."""
    if device == "cpu" or not torch.cuda.is_available():
        return None
    board = open_nvml().find(device)
    return board if isinstance(board, Gpu) else None


_REASONS = {
    "energy": "energy_reason",
    "flops": "flops_reason",
    "study_flops": "flops_reason",
    "comparison": "comparison_reason",
    "decoder": "decoder_reason",
    "operators": "operators_reason",
}
"""Measure -> the field of a result that says why its figures are missing."""


def _excused(result: Result, measure: str, reason: str) -> Result:
    """A result that says why the figures of a measure are missing."""
    if measure == "quality":
        return replace(result, quality=unscored((), (), (), (), reason=reason)[0])
    reasons: dict[str, Any] = {_REASONS[measure]: reason} if measure in _REASONS else {}
    return replace(result, **reasons)


def _with_flops(result: Result, readings: tuple[FlopsReading, ...]) -> Result:
    return replace(result, flops=(*result.flops, *readings))
