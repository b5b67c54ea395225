"""What runs inside a case's process: load, time, measure, and one `Result` at the end.

This module is imported once by the server that children are forked from, so torch and
transformers are imported here, at the top, and must not be *used* here: a GPU context or a thread
pool does not survive a fork.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import replace

import torch
import transformers

import runner.engines.ctc
import runner.engines.whisper  # noqa: F401  (both: imported once, for every child)
from runner.clips import SAMPLE_RATE, ClipSet, batches, load_clips
from runner.engines.base import LoadRequest, Unmeasurable
from runner.engines.load import load_engine
from runner.errors import Refused
from runner.measure.conditions import ConditionsProbe
from runner.measure.energy.discover import discover
from runner.measure.energy.recipe import measure_energy
from runner.measure.environment import read_cpu, read_environment
from runner.measure.latency import Cycle, summarise, time_loop, time_once, warm_up
from runner.measure.memory import PeakMemory
from runner.measure.nvml import Gpu, open_nvml
from runner.measure.operators import profile_operators
from runner.measure.quality import score, unscored
from runner.measure.stages import time_stages
from runner.task import CaseTask, Message, Progress, Started, utc_now
from store.records import FlopsReading, Result, Sample

PROGRESS_EVERY_S = 0.2
"""Least time between two messages to the parent, so that telling costs nothing."""

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc")
"""How torch says it, on a GPU and on the CPU (which has no exception class of its own)."""


def run_case(task: CaseTask, send: Callable[[Message], None]) -> Result:
    """Runs one case in this process. Every way it can end is a result."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    started_at, began = utc_now(), time.monotonic()
    environment = read_environment(task.case.device)
    send(Started(environment))

    def ended(state: str, reason: str) -> Result:
        return task.outcome(
            "oom" if state == "oom" else "refused" if state == "refused" else "failed",
            reason,
            started_at=started_at,
            wall_s=time.monotonic() - began,
            environment=environment,
        )

    try:
        _bound_memory(task)
        result = _Case(task, _Throttle(send)).run(started_at)
    except Refused as refusal:
        return ended("refused", str(refusal))
    except MemoryError:
        return ended("oom", _memory_words(task, "the process ran out of memory"))
    except Exception as error:  # noqa: BLE001  (the sweep goes on; the row says what happened)
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
        if any(sign in str(error) for sign in OUT_OF_MEMORY):
            return ended("oom", _memory_words(task, words))
        return ended("failed", words)
    return replace(result, environment=environment, wall_s=time.monotonic() - began)


class _Case:
    """One case, step by step."""

    def __init__(self, task: CaseTask, progress: Callable[[str, float], None]) -> None:
        self.task = task
        self.limits = task.limits
        self.progress = progress
        self.clock = time.perf_counter
        self.began = time.monotonic()
        torch.set_num_threads(task.limits.threads or default_threads())
        self.clips = load_clips(task.clips)
        self.cycle = make_cycle(self.clips, task.case.batch_size, task.limits.cycle_batches)
        self.gpu = _board(task.case.device)
        self.memory = PeakMemory(task.case.device, gpu=self.gpu)

    def run(self, started_at: str) -> Result:
        """Latency first; then what the task asks for, each in a pass of its own.

        Memory is read before the passes that only serve as instruments (profiler, counters).
        """
        self.memory.reset()
        self.progress("loading", 0.0)
        start = self.clock()
        self.engine = load_engine(_request(self.task))
        self.engine.synchronize()
        load_s = self.clock() - start
        result = self._latency(started_at, load_s)
        steps = {
            "stages": self._stages,
            "quality": self._quality,
            "memory": self._memory,
            "energy": self._energy,
            "flops": self._flops,
            "study_flops": self._study_flops,
            "operators": self._operators,  # last: it shortens the decoder
        }
        for measure, step in steps.items():
            if measure in self.task.measures:
                self.progress(measure, 0.0)
                result = step(result)
        return result

    def _latency(self, started_at: str, load_s: float) -> Result:
        task, engine, cycle = self.task, self.engine, self.cycle
        self.progress("first inference", 0.0)
        cold_s, _ = time_once(engine, cycle.waveforms[0], self.clock)
        warmup = warm_up(engine, cycle, self.limits, clock=self.clock, progress=self.progress)
        probe = ConditionsProbe(gpu=self.gpu)

        def between_batches(what: str, share: float) -> None:
            probe.sample()
            self.memory.poll()
            self.progress(what, share)

        probe.start()
        timed = time_loop(engine, cycle, self.limits, clock=self.clock, progress=between_batches)
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
            batch_size=case.batch_size,
            seed=task.seed,
            state="ok",
            reason=None,
            started_at=started_at,
            wall_s=0.0,
            parameters=engine.parameters,
            clips_fingerprint=self.clips.fingerprint,
            latency=latency,
            conditions=conditions,
            samples=(cold, *warmup, *timed.samples),
        )

    def _stages(self, result: Result) -> Result:
        stages, samples = time_stages(
            self.engine,
            self.cycle,
            self.limits.stage_iterations,
            clock=self.clock,
            progress=self.progress,
            seed=self.task.seed,
        )
        return replace(result, stages=stages, samples=(*result.samples, *samples))

    def _quality(self, result: Result) -> Result:
        if result.weights == "random":
            judged, transcripts = unscored((), (), (), (), reason="random weights")
            return replace(result, quality=judged, transcripts=transcripts)
        clips = self.clips.clips[: self.limits.quality_clips]
        size = self.task.case.batch_size
        hypotheses: list[str] = []
        for start in range(0, len(clips), size):
            batch = [clip.audio for clip in clips[start : start + size]]
            hypotheses += self.engine.transcribe(batch).texts
            self.progress("quality", min(1.0, (start + size) / len(clips)))
        judged, transcripts = score(
            [clip.reference for clip in clips],
            hypotheses,
            [clip.id for clip in clips],
            [clip.speech_seconds for clip in clips],
            seed=self.task.seed,
        )
        return replace(result, quality=judged, transcripts=transcripts)

    def _memory(self, result: Result) -> Result:
        return replace(result, memory=self.memory.read(weights_bytes=self.engine.weights_bytes))

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
        return replace(
            result,
            energy=outcome.readings,
            power_samples=outcome.samples,
            energy_primary=outcome.primary,
            energy_reason=outcome.reason,
        )

    def _flops(self, result: Result) -> Result:
        calls = result.latency.decoder_calls if result.latency is not None else None

        def count() -> tuple[FlopsReading, ...]:
            return self.engine.flops(
                samples=round(self.task.case.audio_seconds * SAMPLE_RATE),
                batch=self.task.case.batch_size,
                decoder_calls=calls,
            )

        return self._counted(result, count)

    def _study_flops(self, result: Result) -> Result:
        samples = round(self.task.case.audio_seconds * SAMPLE_RATE)
        return self._counted(result, lambda: self.engine.study_flops(samples=samples))

    @staticmethod
    def _counted(result: Result, count: Callable[[], tuple[FlopsReading, ...]]) -> Result:
        try:
            return replace(result, flops=(*result.flops, *count()))
        except Unmeasurable as reason:
            return replace(result, flops_reason=str(reason))

    def _operators(self, result: Result) -> Result:
        if result.parameters is None:
            return replace(result, operators_reason=f"{result.engine} is no graph of tensors")
        self.engine.shorten(self.limits.profile_tokens)
        batch = self.cycle.waveforms[0]
        self.engine.transcribe(batch)
        operators = profile_operators(
            lambda: self.engine.transcribe(batch),
            device=self.task.case.device,
            keep=self.limits.operators,
            trace_path=self.task.trace,
        )
        trace = str(self.task.trace) if self.task.trace is not None else None
        return replace(result, operators=operators, trace_path=trace)


def make_cycle(clips: ClipSet, batch_size: int, most: int) -> Cycle:
    """The fixed batches of a case: as many as the clips fill, ``most`` at the most."""
    count = min(most, -(-len(clips.clips) // batch_size))
    return Cycle(tuple(batches(clips.clips, batch_size, count)))


def default_threads() -> int:
    """One thread for each physical core this process may use; hyperthreads only contend."""
    cpu = read_cpu()
    return min(cpu.affinity, cpu.physical_cores or cpu.affinity)


def _request(task: CaseTask) -> LoadRequest:
    case = task.case
    return LoadRequest(
        name=case.model.name,
        weights=case.model.weights or "pretrained",
        revision=case.model.revision,
        device=case.device,
        variant=case.variant,
        seed=task.seed,
        tokens_per_audio_second=task.limits.tokens_per_audio_second,
    )


def _board(device: str) -> Gpu | None:
    """The board of a CUDA case, where NVML shows it."""
    if device == "cpu" or not torch.cuda.is_available():
        return None
    board = open_nvml().find(device)
    return board if isinstance(board, Gpu) else None


def _bound_memory(task: CaseTask) -> None:
    """Bounds the private memory of this process for the rest of its life.

    ``RLIMIT_DATA`` counts private writable memory; ``RLIMIT_AS`` would count a GPU's huge address
    reservations too.
    """
    limit = task.limits.memory_bytes
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _memory_words(task: CaseTask, words: str) -> str:
    limit = task.limits.memory_bytes
    return words if limit is None else f"{words} (limits.memory_bytes {limit / 1e6:.0f} MB)"


class _Throttle:
    """Passes progress on to the parent, a few times a second at most."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._last = ("", 0.0)

    def __call__(self, what: str, share: float) -> None:
        now = time.monotonic()
        if what != self._last[0] or now - self._last[1] >= PROGRESS_EVERY_S:
            self._last = (what, now)
            self._send(Progress(what, share))
