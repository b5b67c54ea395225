"""How closely one measured quantity follows another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Correlation:
    """Two positive quantities that span orders of magnitude, compared."""

    pearson: float
    """Coefficient of the logarithms: 1 is a power law without scatter."""
    low: float
    """Lower end of its 95 % interval; NaN below four points."""
    high: float
    spearman: float
    """Coefficient of the ranks: 1 is the same order."""
    points: int


def correlate(x: Sequence[float], y: Sequence[float]) -> Correlation | None:
    """Correlation of the logarithms and of the ranks.

    Args:
        x: Positive values.
        y: Positive values, as many.

    Returns:
        None with fewer than three points, or where one side does not vary.
    """
    logs = [np.log(np.asarray(values, dtype=np.float64)) for values in (x, y)]
    if len(logs[0]) < 3 or any(np.ptp(values) == 0 for values in logs):
        return None
    from scipy.stats import pearsonr, spearmanr  # 1.5 s, which only a report needs.

    found = pearsonr(*logs)
    pearson, count = float(found.statistic), len(logs[0])
    low = high = math.nan
    if count > 3 and abs(pearson) < 1:
        low, high = map(float, found.confidence_interval(0.95))
    return Correlation(pearson, low, high, float(spearmanr(*logs).statistic), count)
