"""A variant against its baseline: both resident in one process, interleaved batch by batch.

Two cases run minutes apart, on a machine that is busier or hotter by then. Interleaved, both meet
the same conditions, so their ratio holds where the two latencies do not.
"""

from __future__ import annotations

from runner.engines.base import Engine
from runner.measure.latency import Clock, Cycle, Progress, time_once
from runner.measure.precision import PrecisionGoal
from stats.interleaved import InterleavedRatio, interleaved_ratio
from stats.timings import cycle_median
from store.records import BASELINE, VARIANT, Comparison, Sample


def compare(
    baseline: Engine,
    variant: Engine,
    cycle: Cycle,
    rounds: int,
    *,
    name: str,
    clock: Clock,
    progress: Progress,
    other_cycle: Cycle | None = None,
    precision: float | None = None,
) -> tuple[Comparison, tuple[Sample, ...]]:
    """Interleaves both; who goes first changes from batch to batch.

    Args:
        baseline: A loaded engine; it is warmed up here.
        variant: A warm engine.
        cycle: Batches to go round.
        rounds: Most rounds of the cycle.
        name: The baseline's name.
        clock: Monotonic seconds.
        progress: Told how far it is.
        other_cycle: The same clips in other batches, which the baseline goes round; as many
            batches. A batch then has no counterpart, and the ratio is that of whole rounds.
        precision: Half-width of the ratio's interval, as a share of the ratio, that ends it.

    Returns:
        The comparison, and every timing.
    """
    cycles = {BASELINE: other_cycle or cycle, VARIANT: cycle}
    engines = {BASELINE: baseline, VARIANT: variant}
    waveforms = {kind: cycles[kind].waveforms for kind in engines}
    for kind in (BASELINE, BASELINE, VARIANT):
        for batch in waveforms[kind]:
            engines[kind].transcribe(batch)
    samples: list[Sample] = []
    count = len(cycle.batches)
    seconds: dict[str, list[list[float]]] = {kind: [[] for _ in range(count)] for kind in engines}
    texts: dict[str, list[tuple[str, str]]] = {kind: [] for kind in engines}
    goal = PrecisionGoal(precision)
    for number in range(rounds):
        if goal.reached(number, lambda: _ratio(seconds).half_width):
            rounds = number
            break
        for index in range(count):
            order = (BASELINE, VARIANT) if (number + index) % 2 == 0 else (VARIANT, BASELINE)
            for kind in order:
                spent, outcome = time_once(engines[kind], waveforms[kind][index], clock)
                seconds[kind][index].append(spent)
                samples.append(Sample(kind=kind, iteration=number, batch=index, seconds=spent))
                if number == 0:
                    ids = (clip.id for clip in cycles[kind].batches[index])
                    texts[kind] += zip(ids, outcome.texts, strict=True)
        progress("comparison", (number + 1) / rounds)
    pairs = list(zip(*(sorted(texts[kind], key=_clip_id) for kind in engines), strict=True))
    base_s, variant_s = cycle_median(seconds[BASELINE]), cycle_median(seconds[VARIANT])
    found = _ratio(seconds)
    comparison = Comparison(
        baseline=name,
        rounds=rounds,
        baseline_s=base_s,
        variant_s=variant_s,
        speedup=found.ratio,
        speedup_low=found.low,
        speedup_high=found.high,
        interval_reason=found.reason,
        clips=len(pairs),
        same_text=sum(one == other for one, other in pairs),
    )
    return comparison, tuple(samples)


def _ratio(seconds: dict[str, list[list[float]]]) -> InterleavedRatio:
    return interleaved_ratio(seconds[BASELINE], seconds[VARIANT])


def _clip_id(said: tuple[str, str]) -> str:
    return said[0]
