"""Summaries of timings: quantiles and the bootstrap interval of a median."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
CONFIDENCE = 0.95
_CHUNK = 2_000_000
"""Most values resampled at once, so that 100 000 samples do not take gigabytes."""


def median_interval(values: Sequence[float], seed: int) -> tuple[float, float]:
    """95 % percentile-bootstrap interval of the median.

    Args:
        values: At least one value.
        seed: Seed of the resampling: the same values give the same interval.

    Returns:
        Lower and upper end, in the unit of the values. With one value both are that value.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    data = np.asarray(values, dtype=np.float64)
    if len(data) == 1:
        return float(data[0]), float(data[0])
    generator = np.random.default_rng(seed)
    rows = max(1, _CHUNK // len(data))
    medians: list[NDArray[np.float64]] = []
    done = 0
    while done < RESAMPLES:
        count = min(rows, RESAMPLES - done)
        picks = generator.integers(0, len(data), size=(count, len(data)))
        medians.append(np.median(data[picks], axis=1))
        done += count
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.concatenate(medians), (tail, 1 - tail))
    return float(low), float(high)


def quantile(values: Sequence[float], q: float) -> float:
    """The ``q`` quantile (0 to 1), linear between samples."""
    return float(np.quantile(np.asarray(values, dtype=np.float64), q))
