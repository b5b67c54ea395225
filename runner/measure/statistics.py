"""Summaries of timings: quantiles and the bootstrap interval of a median."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.959964
"""Of 0.975: two-sided 95 %."""
MOST_RESAMPLED = 2000
"""With more values the bootstrap's own limit is used: it would take seconds and say the same."""


def median_interval(values: Sequence[float], seed: int) -> tuple[float, float]:
    """95 % percentile-bootstrap interval of the median.

    Args:
        values: At least one value.
        seed: Seed of the resampling: the same values give the same interval.

    Returns:
        Lower and upper end, in the unit of the values. With one value both are that value.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. For many
    values: a resampled median is an order statistic whose rank is binomial, so the interval
    tends to the order statistics of ranks (n -+ z sqrt(n)) / 2 (ibid.; Conover 1999, 3.2).
    """
    data = np.sort(np.asarray(values, dtype=np.float64))
    count = len(data)
    if count == 1:
        return float(data[0]), float(data[0])
    if count > MOST_RESAMPLED:
        half = NORMAL_QUANTILE * math.sqrt(count) / 2
        return float(data[math.floor(count / 2 - half)]), float(data[math.ceil(count / 2 + half)])
    picks = np.random.default_rng(seed).integers(0, count, size=(RESAMPLES, count))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.median(data[picks], axis=1), (tail, 1 - tail))
    return float(low), float(high)


def quantile(values: Sequence[float], q: float) -> float:
    """The ``q`` quantile (0 to 1), linear between samples."""
    return float(np.quantile(np.asarray(values, dtype=np.float64), q))
