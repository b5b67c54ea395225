"""Latency of the timed region: warm-up until stable, then whole rounds of a fixed batch cycle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from statistics import fmean, median, stdev
from typing import Protocol

from runner.clips.batches import waveforms
from runner.clips.clip import Clip, Waveform
from runner.config import Limits
from runner.engines.base import Transcription
from runner.measure.precision import PrecisionGoal
from stats.timings import cycle_interval, cycle_median, half_width, quantile
from store.records import Conditions, Latency, Sample

AGREE = 3
"""Warm-up ends when this many latencies in a row ..."""
AGREE_WITHIN = 0.05
"""... lie within this share of their median."""
SPREAD_LIMIT = 0.15
"""Interquartile range of a latency against its own batch's median, beyond which it is unstable."""
DRIFT_LIMIT = 0.05
"""Second half against first half of the loop."""
FOREIGN_LIMIT = 0.10
"""Share of the machine's CPU time used by others during the loop."""

Clock = Callable[[], float]
Progress = Callable[[str, float], None]
"""Told what is being done and which share of it (0 to 1) is over."""
OnBatch = Callable[[float], None]
"""Told the seconds of a batch that is over, outside both clock reads."""


class Runner(Protocol):
    """What the loop times; :class:`~runner.engines.base.Engine` is one."""

    def transcribe(self, batch: Sequence[Waveform]) -> Transcription: ...

    def synchronize(self) -> None: ...


@dataclass(frozen=True)
class Cycle:
    """The fixed batches that the loop goes round, the same for every engine and variant."""

    batches: tuple[tuple[Clip, ...], ...]

    @cached_property
    def waveforms(self) -> list[list[Waveform]]:
        """Of the clips of each batch, in memory from the first time that they are asked for."""
        return waveforms(self.batches)

    @property
    def audio_s(self) -> float:
        """Real audio seconds of a batch, mean over the cycle."""
        return fmean(sum(clip.speech_seconds for clip in batch) for batch in self.batches)

    @property
    def batch_size(self) -> int:
        return len(self.batches[0])


@dataclass(frozen=True)
class Timed:
    """A timing loop's outcome."""

    samples: tuple[Sample, ...]
    transcriptions: tuple[Transcription, ...]
    """One a batch of the cycle, from the last round."""
    shortfall: str | None = None
    """By how much it missed the precision that was asked for, in words."""


def time_once(
    runner: Runner, batch: Sequence[Waveform], clock: Clock
) -> tuple[float, Transcription]:
    """Seconds of one batch through the region; the device is synchronised before both reads.

    Args:
        runner: Transcribes the batch.
        batch: Waveforms at 16 kHz, ``(samples,)`` each.
        clock: Monotonic seconds.
    """
    runner.synchronize()
    start = clock()
    outcome = runner.transcribe(batch)
    runner.synchronize()
    return clock() - start, outcome


def warm_up(
    runner: Runner,
    cycle: Cycle,
    limits: Limits,
    *,
    clock: Clock,
    progress: Progress,
    on_batch: OnBatch = lambda _: None,
) -> tuple[Sample, ...]:
    """Repeats the first batch until the last latencies agree, or until the cap.

    Args:
        runner: Transcribes the batches.
        cycle: The batches.
        limits: Give the cap.
        clock: Monotonic seconds.
        progress: Told what is done and which share of the cap is over.
        on_batch: Told the seconds of each batch.
    """
    batch = cycle.waveforms[0]
    samples: list[Sample] = []
    started = clock()
    while True:
        seconds, _ = time_once(runner, batch, clock)
        samples.append(Sample(kind="warmup", iteration=len(samples), batch=0, seconds=seconds))
        on_batch(seconds)
        spent = clock() - started
        progress("warm-up", min(1.0, spent / limits.warmup_seconds))
        last = [sample.seconds for sample in samples[-AGREE:]]
        agreed = len(last) == AGREE and max(last) - min(last) <= AGREE_WITHIN * median(last)
        if spent >= limits.warmup_seconds or (agreed and len(samples) >= limits.warmup_iterations):
            return tuple(samples)


def time_loop(
    runner: Runner,
    cycle: Cycle,
    limits: Limits,
    *,
    clock: Clock,
    progress: Progress,
    seed: int,
    least_s: float = 0.0,
    on_batch: OnBatch = lambda _: None,
) -> Timed:
    """Whole rounds of the cycle until `precision`, or both `min_iterations` and `min_seconds`.

    A case so slow that this takes longer than `longest_loop_s` ends after the round in hand.

    Args:
        runner: Transcribes the batches.
        cycle: The batches of one round.
        limits: Give what ends the loop.
        clock: Monotonic seconds.
        progress: Told what is done and which share of it is over.
        seed: Seed of the bootstrap that tells the precision.
        least_s: Seconds that it lasts at least, unless `longest_loop_s` ends it.
        on_batch: Told the seconds of each batch.
    """
    waveforms = cycle.waveforms
    samples: list[Sample] = []
    started = clock()
    ceiling = limits.longest_loop_s
    goal = PrecisionGoal(limits.precision)
    while True:
        outcomes: list[Transcription] = []
        for index, batch in enumerate(waveforms):
            seconds, outcome = time_once(runner, batch, clock)
            outcomes.append(outcome)
            samples.append(
                Sample(kind="latency", iteration=len(samples), batch=index, seconds=seconds)
            )
            on_batch(seconds)
            spent = clock() - started
            progress("latency", min(1.0, max(_done(len(samples), spent, limits), spent / ceiling)))
        if limits.precision is None:
            enough = len(samples) >= limits.min_iterations and spent >= limits.min_seconds
        else:
            rounds = len(samples) // len(waveforms)
            enough = goal.reached(rounds, lambda: half_width(grouped(samples), seed))
        if (enough and spent >= least_s) or spent >= ceiling:
            shortfall = None if enough else _shortfall(samples, limits, seed)
            return Timed(tuple(samples), tuple(outcomes), shortfall)


def _done(iterations: int, spent_s: float, limits: Limits) -> float:
    """The share of a loop of fixed length that is over; 0 where only precision ends it."""
    if limits.precision is not None:
        return 0.0
    by_time = spent_s / limits.min_seconds if limits.min_seconds else 1.0
    return min(by_time, iterations / limits.min_iterations)


def _shortfall(samples: Sequence[Sample], limits: Limits, seed: int) -> str | None:
    if limits.precision is None:
        return None
    width = half_width(grouped(samples), seed)
    reached = f"{width:.1%}" if isfinite(width) else "unknown"
    return f"precision {reached} after {limits.longest_loop_s:g} s, not {limits.precision:.1%}"


def summarise(
    timed: Timed,
    cycle: Cycle,
    *,
    load_s: float,
    cold_s: float,
    warmup: Sequence[Sample],
    conditions: Conditions,
    seed: int,
) -> Latency:
    """One :class:`~store.records.Latency` from the samples of the loop.

    Args:
        timed: The loop.
        cycle: What it went round.
        load_s: Seconds to make the engine.
        cold_s: Seconds of the first inference.
        warmup: The warm-up's samples.
        conditions: What the machine was doing meanwhile.
        seed: Seed of the bootstrap.
    """
    seconds = [sample.seconds for sample in timed.samples]
    by_batch = grouped(timed.samples)
    middle = cycle_median(by_batch)
    interval = cycle_interval(by_batch, seed)
    reasons = [*instability(timed.samples), *_disturbances(conditions)]
    if timed.shortfall is not None:
        reasons.append(timed.shortfall)
    return Latency(
        load_s=load_s,
        cold_s=cold_s,
        warmup_iterations=len(warmup),
        warmup_s=sum(sample.seconds for sample in warmup),
        iterations=len(seconds),
        median_s=middle,
        low_s=interval.low,
        high_s=interval.high,
        interval_reason=interval.reason,
        mean_s=fmean(seconds),
        stdev_s=stdev(seconds) if len(seconds) > 1 else 0.0,
        p90_s=quantile(seconds, 0.90),
        p95_s=quantile(seconds, 0.95),
        p99_s=quantile(seconds, 0.99),
        stable=not reasons,
        stable_reason="; ".join(reasons) or None,
        audio_s=cycle.audio_s,
        rtfx=cycle.audio_s / middle,
        throughput=cycle.batch_size / middle,
        tokens=mean_count([t.tokens for t in timed.transcriptions]),
        windows=mean_count([t.windows for t in timed.transcriptions]),
        decoder_calls=mean_count([t.decoder_calls for t in timed.transcriptions]),
    )


def instability(samples: Sequence[Sample]) -> list[str]:
    """Why the loop's figure is not to be trusted, in words; empty when it is.

    Batches differ in speech, so every latency is taken against the median of its own batch.
    """
    by_batch = grouped(samples)
    if min(len(values) for values in by_batch) < 2:
        return ["only one round of the batch cycle"]
    middles = [median(values) for values in by_batch]
    relative = [sample.seconds / middles[sample.batch] for sample in samples]
    reasons = []
    spread = quantile(relative, 0.75) - quantile(relative, 0.25)
    if spread > SPREAD_LIMIT:
        reasons.append(f"spread {spread:.0%}")
    half = len(relative) // 2
    drift = median(relative[half:]) / median(relative[:half]) - 1
    if abs(drift) > DRIFT_LIMIT:
        reasons.append(f"drift {drift:+.0%}")
    return reasons


def grouped(samples: Sequence[Sample]) -> list[list[float]]:
    """Seconds by batch of the cycle."""
    by_batch: dict[int, list[float]] = {}
    for sample in samples:
        by_batch.setdefault(sample.batch, []).append(sample.seconds)
    return [by_batch[batch] for batch in sorted(by_batch)]


def _disturbances(conditions: Conditions) -> list[str]:
    reasons = []
    if conditions.throttled:
        reasons.append(conditions.throttled)
    if conditions.foreign_cpu is not None and conditions.foreign_cpu > FOREIGN_LIMIT:
        reasons.append(f"others used {conditions.foreign_cpu:.0%} of the CPU")
    return reasons


def mean_count(counts: Sequence[int | None]) -> float | None:
    """The mean of what is known; None where nothing is."""
    known = [count for count in counts if count is not None]
    return fmean(known) if known else None
