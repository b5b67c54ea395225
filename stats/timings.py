"""Summaries of timings: the median over a batch cycle, its interval, its error, quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stats.intervals import FEW_ROUNDS, FEWEST_ROUNDS, Interval

RESAMPLES = 2000
CONFIDENCE = 0.95
Floats = NDArray[np.float64]
Ranks = NDArray[np.int64]
ByBatch = Sequence[Sequence[float]] | Sequence[Floats]
"""Seconds of each batch of the cycle, in the order of their measurement."""


def cycle_median(by_batch: ByBatch) -> float:
    """The median of each batch, averaged over the cycle: what a latency is.

    Batches hold different speech. A median over all of them together would be the figure of
    whichever batch lies in the middle, and its interval would span their differences, however
    steady each of them is.

    Args:
        by_batch: At least one value for each batch of the cycle.
    """
    return float(np.mean([np.median(values) for values in by_batch]))


def cycle_interval(by_batch: ByBatch, seed: int) -> Interval:
    """95 % interval of `cycle_median`, by a percentile bootstrap within each batch.

    Args:
        by_batch: At least one value for each batch of the cycle.
        seed: Seed of the resampling: the same values give the same interval.

    Returns:
        Its ends, in the unit of the values; none from fewer than ``FEWEST_ROUNDS`` rounds.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 and 13.
    """
    if rounds_of(by_batch) < FEWEST_ROUNDS:
        return Interval(None, None, FEW_ROUNDS)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled_cycle_medians(by_batch, seed), (tail, 1 - tail))
    return Interval(float(low), float(high))


def half_width(by_batch: ByBatch, seed: int) -> float:
    """Half the width of `cycle_interval`, as a share of `cycle_median`.

    Args:
        by_batch: At least one value for each batch of the cycle.
        seed: Seed of the resampling.

    Returns:
        The share; infinite where there is no interval.
    """
    interval = cycle_interval(by_batch, seed)
    if interval.low is None or interval.high is None:
        return math.inf
    return (interval.high - interval.low) / 2 / cycle_median(by_batch)


def log_standard_error(by_batch: ByBatch, seed: int) -> float:
    """Standard error of the logarithm of `cycle_median`.

    Bootstrap within batches, widened twice: by n / (n - 1), because the spread of few values about
    their own centre is too small, and by the correlation of neighbours in time, because a machine
    that drifts gives fewer independent values than it gives samples.

    Args:
        by_batch: At least two values a batch.
        seed: Seed of the resampling.
    """
    # One latency is compared with many, and with each twice: intervals allow for their number.
    return _log_standard_error(
        tuple(np.asarray(values, dtype=np.float64).tobytes() for values in by_batch), seed
    )


@lru_cache(maxsize=4096)
def _log_standard_error(packed: tuple[bytes, ...], seed: int) -> float:
    by_batch = [np.frombuffer(values, dtype=np.float64) for values in packed]
    fewest = rounds_of(by_batch)
    spread = float(np.std(np.log(resampled_cycle_medians(by_batch, seed)), ddof=1))
    correlation = _neighbour_correlation(by_batch)
    return spread * math.sqrt(fewest / (fewest - 1) * (1 + correlation) / (1 - correlation))


def quantile(values: Sequence[float], q: float) -> float:
    """The ``q`` quantile (0 to 1), linear between samples."""
    return float(np.quantile(np.asarray(values, dtype=np.float64), q))


def rounds_of(by_batch: ByBatch) -> int:
    """Whole rounds of the cycle: the values of the batch that has fewest."""
    return min(len(values) for values in by_batch)


def resampled_cycle_medians(by_batch: ByBatch, seed: int) -> Floats:
    """``RESAMPLES`` bootstrap values of `cycle_median`, resampled within each batch.

    What scipy.stats.bootstrap would draw, but of each resample no more than its two middle values:
    a comparison of a thousand cases then takes seconds instead of minutes, a batch of many values
    takes no more memory than one of few, and a case that is measured does not import scipy.stats.

    Returns:
        Shape (RESAMPLES,), in the unit of the values.
    """
    resampled = np.zeros(RESAMPLES)
    for batch, values in enumerate(by_batch):
        ordered = np.sort(np.asarray(values, dtype=np.float64))
        below, above = _median_ranks(len(ordered), seed, batch)
        resampled += (ordered[below] + ordered[above]) / (2 * len(by_batch))
    return resampled


@lru_cache(maxsize=64)
def _median_ranks(count: int, seed: int, batch: int) -> tuple[Ranks, Ranks]:
    """Where the two middle values of each resample lie among ``count`` sorted values.

    A resample picks the values at ``floor(count * u)`` for uniform u. Sorting keeps their order, so
    its middle values are those of the middle u, whose distributions are known. They depend on no
    value: cases of one shape share them.

    Args:
        count: Values of the batch.
        seed: Seed of the resampling.
        batch: Index of the batch, which has draws of its own.

    Returns:
        Two arrays of shape (RESAMPLES,); the same one twice where ``count`` is odd.

    Source: the k-th of n uniform values is Beta(k, n - k + 1), and the next is the least of n - k
    uniform values above it: David and Nagaraja, Order Statistics (2003), sections 2.3 and 2.5.
    """
    generator = np.random.default_rng((seed, batch))
    middle = (count + 1) // 2
    below = generator.beta(middle, count - middle + 1, RESAMPLES)
    above = below
    if count % 2 == 0:
        above = below + (1 - below) * generator.beta(1, count - middle, RESAMPLES)
    return (below * count).astype(np.int64), (above * count).astype(np.int64)


def _neighbour_correlation(by_batch: ByBatch) -> float:
    """Lag-one correlation in time, each value against its own batch's mean; 0 where negative.

    The loop takes one value of each batch a round, so rounds are rows and time runs along them.
    The estimate from few values is too low by about (1 + 3 r) / n, which is added.

    Source: Kendall (1954), Note on bias in the estimation of autocorrelation. Biometrika 41.
    """
    rounds = rounds_of(by_batch)
    table = np.log(np.column_stack([values[:rounds] for values in by_batch]))
    residuals = (table - table.mean(axis=0)).ravel()
    squares = float(residuals @ residuals)
    if squares == 0:
        return 0.0
    found = float(residuals[1:] @ residuals[:-1]) / squares
    return min(max(found + (1 + 3 * found) / len(residuals), 0.0), 0.9)
