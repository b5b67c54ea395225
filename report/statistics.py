"""Bootstrap and quantiles that the analyses share: pure numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
MOST_RESAMPLED = 2000
"""With more values of a batch the bootstrap's own limit is used: it would take gigabytes and say
the same."""
NORMAL_QUANTILE = 1.959964
"""Of 0.975: two-sided 95 %."""
Floats = NDArray[np.float64]
Ranks = NDArray[np.int64]


def cycle_median(by_batch: Sequence[Floats]) -> float:
    """The median of each batch, averaged over the cycle: what a latency is."""
    return float(np.mean([np.median(values) for values in by_batch]))


def resampled_cycle_medians(by_batch: Sequence[Floats], seed: int) -> Floats:
    """``RESAMPLES`` bootstrap values of `cycle_median`, resampled within each batch.

    Source: for many values a resampled median tends to a normal one, whose spread follows from the
    order statistics of ranks (n -+ z sqrt(n)) / 2 (Conover 1999, section 3.2).
    """
    resampled = np.zeros(RESAMPLES)
    for batch, values in enumerate(by_batch):
        count = len(values)
        if count > MOST_RESAMPLED:
            half = NORMAL_QUANTILE * math.sqrt(count) / 2
            ranks = round(count / 2 - half), round(count / 2 + half)
            low, high = np.partition(values, ranks)[list(ranks)]
            spread = (high - low) / (2 * NORMAL_QUANTILE)
            generator = np.random.default_rng((seed, batch))
            medians = np.median(values) + generator.normal(0, spread, size=RESAMPLES)
        else:
            ordered = np.sort(values)
            below, above = _median_ranks(count, seed, batch)
            medians = (ordered[below] + ordered[above]) / 2
        resampled += medians / len(by_batch)
    return resampled


@lru_cache(maxsize=64)
def _median_ranks(count: int, seed: int, batch: int) -> tuple[Ranks, Ranks]:
    """Where the two middle values of each resample lie among ``count`` sorted values.

    That depends on no value, so a comparison of a thousand cases of one shape draws once.
    """
    generator = np.random.default_rng((seed, batch))
    picks = np.sort(generator.integers(0, count, size=(RESAMPLES, count)), axis=1)
    return picks[:, (count - 1) // 2].copy(), picks[:, count // 2].copy()


def log_standard_error(by_batch: Sequence[Floats], seed: int) -> float:
    """Standard error of the logarithm of `cycle_median`.

    Bootstrap within batches, widened twice: by n / (n - 1), because the spread of few values about
    their own centre is too small, and by the correlation of neighbours in time, because a machine
    that drifts gives fewer independent values than it gives samples.

    Args:
        by_batch: Values of each batch in the order of their measurement, at least two a batch.
        seed: Of the resampling.
    """
    fewest = min(len(values) for values in by_batch)
    spread = float(np.std(np.log(resampled_cycle_medians(by_batch, seed)), ddof=1))
    correlation = _neighbour_correlation(by_batch)
    return spread * math.sqrt(fewest / (fewest - 1) * (1 + correlation) / (1 - correlation))


def _neighbour_correlation(by_batch: Sequence[Floats]) -> float:
    """Lag-one correlation in time, each value against its own batch's mean; 0 where negative.

    The loop takes one value of each batch a round, so rounds are rows and time runs along them.
    The estimate from few values is too low by about (1 + 3 r) / n, which is added.

    Source: Kendall (1954), Note on bias in the estimation of autocorrelation. Biometrika 41.
    """
    rounds = min(len(values) for values in by_batch)
    table = np.log(np.column_stack([values[:rounds] for values in by_batch]))
    residuals = (table - table.mean(axis=0)).ravel()
    squares = float(residuals @ residuals)
    if squares == 0:
        return 0.0
    found = float(residuals[1:] @ residuals[:-1]) / squares
    return min(max(found + (1 + 3 * found) / len(residuals), 0.0), 0.9)
