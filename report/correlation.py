"""How closely one measured quantity follows another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from report.statistics import Floats


@dataclass(frozen=True)
class Correlation:
    """Of two positive quantities that span orders of magnitude."""

    pearson: float
    """Of the logarithms: 1 is a power law without scatter."""
    low: float
    """Lower end of its 95 % interval; NaN below four points."""
    high: float
    spearman: float
    """Of the ranks: 1 is the same order."""
    points: int


def correlate(x: Sequence[float], y: Sequence[float]) -> Correlation | None:
    """Correlation of the logarithms and of the ranks.

    Args:
        x: Positive values.
        y: Positive values, as many.

    Returns:
        None with fewer than three points, or where one side does not vary.

    Source: the interval is Fisher's (1921), by the inverse hyperbolic tangent.
    """
    logs = [np.log(np.asarray(values, dtype=np.float64)) for values in (x, y)]
    if len(logs[0]) < 3 or any(np.ptp(values) == 0 for values in logs):
        return None
    pearson = _pearson(*logs)
    count = len(logs[0])
    low = high = math.nan
    if count > 3 and abs(pearson) < 1:
        reach = 1.959964 / math.sqrt(count - 3)
        low, high = (math.tanh(math.atanh(pearson) + sign * reach) for sign in (-1, 1))
    return Correlation(pearson, low, high, _pearson(*map(_ranks, logs)), count)


def _pearson(x: Floats, y: Floats) -> float:
    a, b = x - x.mean(), y - y.mean()
    return float(np.clip(a @ b / math.sqrt(float(a @ a) * float(b @ b)), -1, 1))


def _ranks(values: Floats) -> Floats:
    """Ranks; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)
