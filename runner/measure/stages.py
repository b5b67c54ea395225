"""Stage times, in a pass of their own so that the marks never touch the end-to-end figure."""

from __future__ import annotations

from runner.engines.base import Engine, Stage
from runner.measure.latency import Clock, Cycle, Progress
from runner.measure.precision import PrecisionGoal
from stats.timings import cycle_interval, cycle_median, half_width
from store.records import Sample
from store.records import Stage as StageRecord

TOKEN = "token"
"""Seconds of a decoder step after the first; a part of ``decode``, so no part of the sum."""


class StageClock:
    """Stamps the end of each stage, the device synchronised first."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self.seconds: dict[str, float] = {}

    def start(self) -> None:
        """Begins a batch."""
        self._engine.synchronize()
        self.seconds = {}
        self._last = self._clock()

    def mark(self, stage: Stage) -> None:
        """Ends ``stage``."""
        self._engine.synchronize()
        now = self._clock()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def time_stages(
    engine: Engine,
    cycle: Cycle,
    iterations: int,
    *,
    clock: Clock,
    progress: Progress,
    seed: int,
    precision: float | None = None,
) -> tuple[tuple[StageRecord, ...], tuple[Sample, ...]]:
    """Seconds of every stage the engine marks.

    Args:
        engine: A warm engine.
        cycle: Batches to go round.
        iterations: Most batches to time, rounded up to whole rounds.
        clock: Monotonic seconds.
        progress: Told how far it is.
        seed: Seed of the intervals.
        precision: Half-width of the interval of a batch's stages together, as a share of their
            median, that ends the pass.

    Returns:
        One summary a stage, in the order of the stages, and every sample. ``token`` is a stage
        of ``decode``: its seconds for one token of every row of the batch.
    """
    waveforms = cycle.waveforms
    rounds = -(-iterations // len(waveforms))
    total = rounds * len(waveforms)
    stopwatch = StageClock(engine, clock)
    samples: list[Sample] = []
    by_stage: dict[str, list[list[float]]] = {}
    together: list[list[float]] = [[] for _ in waveforms]
    goal = PrecisionGoal(precision)
    for iteration in range(total):
        index = iteration % len(waveforms)
        if index == 0 and goal.reached(len(together[0]), lambda: half_width(together, seed)):
            total = iteration
            break
        stopwatch.start()
        outcome = engine.transcribe(waveforms[index], stopwatch.mark)
        measured = dict(stopwatch.seconds)
        together[index].append(sum(measured.values()))
        steps = (outcome.decoder_calls or 0) - outcome.prefills
        if "prefill" in measured and steps > 0:  # Otherwise it is within the decode stage.
            measured[TOKEN] = measured["decode"] / steps
        for stage, seconds in measured.items():
            by_stage.setdefault(stage, [[] for _ in waveforms])[index].append(seconds)
            samples.append(
                Sample(kind=f"stage:{stage}", iteration=iteration, batch=index, seconds=seconds)
            )
        progress("stages", (iteration + 1) / total)
    summaries = []
    for stage, values in by_stage.items():
        interval = cycle_interval(values, seed)
        summaries.append(
            StageRecord(
                stage=stage,
                median_s=cycle_median(values),
                low_s=interval.low,
                high_s=interval.high,
                interval_reason=interval.reason,
                iterations=total,
            )
        )
    return tuple(summaries), tuple(samples)
