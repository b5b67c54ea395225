"""Figures of values that follow one another in time, and depend on those before them.

Requests that wait in one queue are not independent: a long wait is followed by long ones. Drawn one
by one they make an interval that is far too narrow, so whole stretches are drawn (the circular
block bootstrap: Politis and Romano, A circular block-resampling procedure for stationary data,
1992). Intervals hold where a queue forgets itself within a stretch; near its capacity it takes
longer, and so must the measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stats.clusters import expanded_tail
from stats.intervals import Interval

BLOCKS = 20
"""Stretches that the values are cut into."""

FEWEST_VALUES = 2 * BLOCKS
"""Values below which nothing has an interval."""

TOO_FEW = f"fewer than {FEWEST_VALUES} answers give no interval"

RESAMPLES = 1000
_AT_ONCE = 2**21
Floats = NDArray[np.float64]


class Summary(NamedTuple):
    """A figure with its interval."""

    value: float | None
    """None where there are too few values for it."""
    interval: Interval


def mean_and_quantiles(
    values: Sequence[float] | Floats, quantiles: Sequence[float], *, seed: int
) -> tuple[Summary, ...]:
    """The mean and some quantiles of a sequence, each with its 95 % interval.

    A quantile that `known_quantile` does not know is None, and has no interval.

    Args:
        values: In the order of time.
        quantiles: 0 to 1.
        seed: Seed of the resampling: the same values give the same intervals.

    Returns:
        First the mean, then the quantiles in their order.
    """
    sequence = np.asarray(values, dtype=np.float64)
    if not len(sequence):
        nothing = Summary(None, Interval(None, None, "there are no answers"))
        return (nothing,) * (1 + len(quantiles))
    points = (float(np.mean(sequence)), *(known_quantile(sequence, q) for q in quantiles))
    if len(sequence) < FEWEST_VALUES:
        ends = [Interval(None, None, TOO_FEW)] * len(points)
    else:
        resampled = _resampled(sequence, quantiles, seed)
        tail = expanded_tail(BLOCKS) or 0.0
        low, high = np.quantile(resampled, (tail, 1 - tail), axis=0)
        ends = [Interval(float(a), float(b)) for a, b in zip(low, high, strict=True)]
    few = Interval(None, None, "too few answers for this percentile")
    return tuple(
        Summary(point, few if point is None else end)
        for point, end in zip(points, ends, strict=True)
    )


def known_quantile(values: Sequence[float] | Floats, q: float) -> float | None:
    """A quantile, linear between values; None where fewer values than one lie beyond it.

    Args:
        values: In any order.
        q: 0 to 1.
    """
    if not len(values) or round(len(values) * (1 - q), 9) < 1:
        return None
    return float(np.quantile(np.asarray(values, dtype=np.float64), q))


def _resampled(sequence: Floats, quantiles: Sequence[float], seed: int) -> Floats:
    """Mean and quantiles of each resample; shape (RESAMPLES, 1 + quantiles)."""
    generator = np.random.default_rng(seed)
    count = len(sequence)
    length = -(-count // BLOCKS)
    blocks = -(-count // length)
    rows = max(1, _AT_ONCE // count)
    parts = []
    for start in range(0, RESAMPLES, rows):
        draws = min(rows, RESAMPLES - start)
        starts = generator.integers(0, count, size=(draws, blocks, 1))
        picks = ((starts + np.arange(length)) % count).reshape(draws, -1)[:, :count]
        drawn = sequence[picks]
        mean = drawn.mean(axis=1)
        at = np.quantile(drawn, quantiles, axis=1) if quantiles else ()
        parts.append(np.column_stack([mean, *at]))
    return np.concatenate(parts)
