"""Joules from power readings: a trapezoid between readings, exact at constant power.

Readings are used as they came. Merging equal neighbours first and then drawing trapezoids is
the classic mistake: constant power then leaves a single reading, and no energy at all.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class PowerReading:
    """Power at one time."""

    time_s: float
    power_w: float


def integrate(readings: Sequence[PowerReading], t0: float, t1: float) -> float:
    """Energy between two times, in joules.

    The first and last pieces are clipped to ``t0`` and ``t1`` by interpolation, so that
    integrals over adjoining spans add up.

    Args:
        readings: In order of time, at least one at or before ``t0`` and one at or after ``t1``.
        t0: Start, seconds.
        t1: End, seconds, not before ``t0``.

    Raises:
        ValueError: When the readings do not enclose the span.
    """
    if largest_gap(readings, t0, t1) is None:
        raise ValueError("the power readings do not enclose the span")
    times = [reading.time_s for reading in readings]
    inner = readings[bisect_right(times, t0) : bisect_left(times, t1)]
    points = [
        PowerReading(t0, _power_at(readings, times, t0)),
        *inner,
        PowerReading(t1, _power_at(readings, times, t1)),
    ]
    return sum((b.time_s - a.time_s) * (a.power_w + b.power_w) / 2 for a, b in pairwise(points))


def largest_gap(readings: Sequence[PowerReading], t0: float, t1: float) -> float | None:
    """Longest time between neighbouring readings that enclose or lie in the span, in seconds.

    None when no reading is at or before ``t0``, or none at or after ``t1``.

    Args:
        readings: Readings in the order of their times.
        t0: Start of the span, in seconds of the readings' clock.
        t1: End of the span.
    """
    times = [reading.time_s for reading in readings]
    first = bisect_right(times, t0) - 1
    last = bisect_left(times, t1)
    if first < 0 or last >= len(times):
        return None
    used = times[first : last + 1]
    return max((b - a for a, b in pairwise(used)), default=0.0)


def _power_at(readings: Sequence[PowerReading], times: Sequence[float], t: float) -> float:
    right = bisect_left(times, t)
    b = readings[right]
    if b.time_s == t or right == 0:
        return b.power_w
    a = readings[right - 1]
    share = (t - a.time_s) / (b.time_s - a.time_s)
    # A convex combination in this form never leaves the two powers by rounding.
    return a.power_w * (1 - share) + b.power_w * share
