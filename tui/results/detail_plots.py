"""The charts of one result: samples, power, and the decoder token by token."""

from __future__ import annotations

from store import PowerSample, StoredResult
from tui.plot.model import Axis, Plot, Point, Series


def samples_plot(stored: StoredResult) -> Plot:
    """Latencies in the order in which they were measured, a series for each batch of the cycle."""
    by_batch: dict[int, list[Point]] = {}
    for place, sample in enumerate(s for s in stored.result.samples if s.kind == "latency"):
        by_batch.setdefault(sample.batch, []).append(Point(place + 1, 1e3 * sample.seconds))
    return Plot(
        "",
        Axis("iteration"),
        Axis("latency", "ms"),
        tuple(Series(f"batch {batch}", tuple(by_batch[batch])) for batch in sorted(by_batch)),
        lines=False,
        empty="there are no samples",
    )


def power_plot(stored: StoredResult) -> Plot:
    """The power trace of every source; a counter's is what it grew by from reading to reading."""
    series: dict[str, list[Point]] = {}
    before: dict[str, PowerSample] = {}
    for sample in stored.result.power_samples:
        name = f"{sample.source} {'idle' if sample.phase == 'idle' else 'work'}"
        power = (
            sample.power_w
            if sample.power_w is not None
            else _grown(before.get(sample.source), sample)
        )
        before[sample.source] = sample
        if power is not None:
            series.setdefault(name, []).append(Point(sample.time_s, power))
    start = min((point.x for points in series.values() for point in points), default=0.0)
    return Plot(
        "",
        Axis("time", "s"),
        Axis("power", "W"),
        tuple(
            Series(name, tuple(Point(point.x - start, point.y) for point in points))
            for name, points in series.items()
        ),
        empty="no power was traced",
    )


def _grown(before: PowerSample | None, now: PowerSample) -> float | None:
    """Watts by which a counter grew since its reading before, None where that says nothing."""
    if before is None or before.phase != now.phase:
        return None
    if before.energy_j is None or now.energy_j is None:
        return None
    elapsed, grown = now.time_s - before.time_s, now.energy_j - before.energy_j
    return grown / elapsed if elapsed > 0 and grown >= 0 else None


def decoder_plot(stored: StoredResult) -> Plot:
    """The time of each token against its position; the prefill would hide them all."""
    points = tuple(
        Point(step.position, 1e3 * step.median_s, 1e3 * step.low_s, 1e3 * step.high_s)
        for step in stored.result.decoder_steps
        if step.position > 1
    )
    return Plot(
        "",
        Axis("position of the token"),
        Axis("time", "ms"),
        (Series("decoder step", points),) if points else (),
        empty="the decoder was not looked at step by step",
    )
