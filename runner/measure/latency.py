"""Latency of the timed region: warm-up until stable, then whole rounds of a fixed batch cycle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Protocol

from runner.clips.clip import Clip, Waveform
from runner.config import Limits
from runner.engines.base import Transcription
from runner.measure.statistics import cycle_interval, cycle_median, quantile
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
LONGEST_LOOP = 20.0
"""The loop may take this many times `min_seconds` to reach its iterations, at least one round."""

Clock = Callable[[], float]
Progress = Callable[[str, float], None]
"""Told what is being done and which share of it (0 to 1) is over."""
Heard = Callable[[float], None]
"""Told the seconds of a batch that is over, outside both clock reads."""


class Runner(Protocol):
    """What the loop times; :class:`~runner.engines.base.Engine` is one."""

    def transcribe(self, batch: Sequence[Waveform]) -> Transcription: ...

    def synchronize(self) -> None: ...


@dataclass(frozen=True)
class Cycle:
    """The fixed batches that the loop goes round, the same for every engine and variant."""

    batches: tuple[tuple[Clip, ...], ...]

    @property
    def waveforms(self) -> list[list[Waveform]]:
        return [[clip.audio for clip in batch] for batch in self.batches]

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


def time_once(
    runner: Runner, batch: Sequence[Waveform], clock: Clock
) -> tuple[float, Transcription]:
    """Seconds of one batch through the region; the device is synchronised before both reads."""
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
    heard: Heard = lambda _: None,
) -> tuple[Sample, ...]:
    """Repeats the first batch until the last latencies agree, or until the cap."""
    batch = cycle.waveforms[0]
    samples: list[Sample] = []
    started = clock()
    while True:
        seconds, _ = time_once(runner, batch, clock)
        samples.append(Sample(kind="warmup", iteration=len(samples), batch=0, seconds=seconds))
        heard(seconds)
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
    heard: Heard = lambda _: None,
) -> Timed:
    """Whole rounds of the cycle until both `min_iterations` and `min_seconds` are reached.

    A case so slow that this takes more than 20 times `min_seconds` ends after the round in hand.
    """
    waveforms = cycle.waveforms
    samples: list[Sample] = []
    started = clock()
    ceiling = LONGEST_LOOP * max(limits.min_seconds, 1.0)
    while True:
        outcomes: list[Transcription] = []
        for index, batch in enumerate(waveforms):
            seconds, outcome = time_once(runner, batch, clock)
            outcomes.append(outcome)
            samples.append(
                Sample(kind="latency", iteration=len(samples), batch=index, seconds=seconds)
            )
            heard(seconds)
            spent = clock() - started
            done = min(
                spent / limits.min_seconds if limits.min_seconds else 1.0,
                len(samples) / limits.min_iterations,
            )
            progress("latency", min(1.0, max(done, spent / ceiling)))
        enough = len(samples) >= limits.min_iterations and spent >= limits.min_seconds
        if enough or spent >= ceiling:
            return Timed(tuple(samples), tuple(outcomes))


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
        tokens=_mean([t.tokens for t in timed.transcriptions]),
        windows=_mean([t.windows for t in timed.transcriptions]),
        decoder_calls=_mean([t.decoder_calls for t in timed.transcriptions]),
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


def _mean(counts: Sequence[int | None]) -> float | None:
    known = [count for count in counts if count is not None]
    return fmean(known) if known else None
