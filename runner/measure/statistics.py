"""Summaries of timings: the median over a batch cycle, its interval, quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.959964
"""Of 0.975: two-sided 95 %."""
MOST_RESAMPLED = 2000
"""With more values of a batch the bootstrap's own limit is used: it would take seconds and say
the same."""
ONE_ROUND = "one round of the batch cycle gives no interval"


class Interval(NamedTuple):
    """Both ends, or None and why."""

    low: float | None
    high: float | None
    reason: str | None = None


def cycle_median(by_batch: Sequence[Sequence[float]]) -> float:
    """The median of each batch, averaged over the cycle.

    Batches hold different speech. A median over all of them together would be the figure of
    whichever batch lies in the middle, and its interval would span their differences, however
    steady each of them is.

    Args:
        by_batch: At least one value for each batch of the cycle.
    """
    return float(np.mean([np.median(values) for values in by_batch]))


def cycle_interval(by_batch: Sequence[Sequence[float]], seed: int) -> Interval:
    """95 % interval of `cycle_median`, by a bootstrap within each batch.

    Args:
        by_batch: At least one value for each batch of the cycle.
        seed: Seed of the resampling: the same values give the same interval.

    Returns:
        Its ends, in the unit of the values; none where a batch has one value, which has no spread.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 and 13. For
    many values: a resampled median is an order statistic whose rank is binomial, so its interval
    tends to the order statistics of ranks (n -+ z sqrt(n)) / 2 (Conover 1999, section 3.2).
    """
    if min(len(values) for values in by_batch) < 2:
        return Interval(None, None, ONE_ROUND)
    batches = [np.sort(np.asarray(values, dtype=np.float64)) for values in by_batch]
    if max(len(values) for values in batches) > MOST_RESAMPLED:
        half = NORMAL_QUANTILE * math.sqrt(sum(_standard_error(b) ** 2 for b in batches))
        middle = cycle_median(by_batch)
        return Interval(middle - half / len(batches), middle + half / len(batches))
    generator = np.random.default_rng(seed)
    resampled = np.zeros(RESAMPLES)
    for values in batches:
        picks = generator.integers(0, len(values), size=(RESAMPLES, len(values)))
        resampled += np.median(values[picks], axis=1) / len(batches)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return Interval(float(low), float(high))


def _standard_error(values: NDArray[np.float64]) -> float:
    """Of the median of sorted values, from the order statistics of its 95 % interval."""
    count = len(values)
    half = NORMAL_QUANTILE * math.sqrt(count) / 2
    low = values[max(0, math.floor(count / 2 - half))]
    high = values[min(count - 1, math.ceil(count / 2 + half))]
    return float(high - low) / (2 * NORMAL_QUANTILE)


def quantile(values: Sequence[float], q: float) -> float:
    """The ``q`` quantile (0 to 1), linear between samples."""
    return float(np.quantile(np.asarray(values, dtype=np.float64), q))
