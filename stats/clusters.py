"""The bootstrap over clusters: speakers, recordings or single utterances.

Utterances of one speaker are not independent: a voice that is hard is hard in each of them. Drawn
one by one they make an interval that is too narrow for other speakers, so whole clusters are drawn
(the cluster bootstrap: Field and Welsh, Bootstrapping clustered data, Journal of the Royal
Statistical Society B 69, 2007; for speech recognition: Liu and Peng, Statistical testing on ASR
performance via blockwise bootstrap, Interspeech 2020).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stats.student import t_quantile

RESAMPLES = 10_000
BEYOND = 20
"""Resamples that lie beyond each end of an interval, at least: fewer, and the end is one draw's
chance."""
MOST_RESAMPLES = 400_000
MOST_DRAWN = 2**26
"""Of resamples times clusters, a byte each; drawing them takes a second, and then they are kept."""
_AT_ONCE = 2**20
Floats = NDArray[np.float64]


class ClusterInterval(NamedTuple):
    """Both ends."""

    low: float
    high: float
    of_spread: bool
    """Student's, of the resamples' spread, where quantiles would ask for too many resamples."""


def cluster_interval(
    values: Floats,
    clusters: Sequence[int],
    statistic: Callable[[Floats], Floats],
    *,
    seed: int,
    confidence: float = 0.95,
) -> ClusterInterval:
    """Interval of a figure drawn from sums, by the expanded percentile bootstrap over clusters.

    The ends are quantiles of the resamples. Few clusters, or a far tail, ask for more resamples
    than can be drawn: the ends are then Student's, about the figure of all clusters.

    Args:
        values: What is summed, of each utterance; shape (utterances, columns).
        clusters: Of each utterance the number of its cluster, from 0 without a gap; 2 at least.
        statistic: Gives a figure, shape (n,), for sums of shape (n, columns).
        seed: Seed of the resampling: the same values give the same interval.
        confidence: Coverage of the interval, 0 to 1.
    """
    count = max(clusters) + 1
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, np.asarray(clusters), values)
    tail = expanded_tail(count, confidence)
    resamples = RESAMPLES if tail is None else max(RESAMPLES, math.ceil(BEYOND / tail))
    most = min(MOST_RESAMPLES, MOST_DRAWN // count)
    if resamples > most:
        tail, resamples = None, min(RESAMPLES, most)
    drawn = _drawn(count, resamples, seed)
    rows = max(1, _AT_ONCE // count)
    resampled = np.concatenate(
        [statistic(drawn[n : n + rows] @ sums) for n in range(0, resamples, rows)]
    )
    if tail is None:
        reach = expanded_reach(count, confidence) * float(np.std(resampled, ddof=1))
        middle = float(statistic(sums.sum(axis=0, keepdims=True))[0])
        return ClusterInterval(middle - reach, middle + reach, of_spread=True)
    low, high = np.quantile(resampled, (tail, 1 - tail))
    return ClusterInterval(float(low), float(high), of_spread=False)


def bound_of_none(count: int, confidence: float = 0.95) -> float:
    """Upper end of the exact interval of a share, 0 to 1, that none of some draws showed.

    Args:
        count: Draws, 1 at least.
        confidence: Coverage of the interval, 0 to 1.

    Source: Clopper and Pearson, The use of confidence or fiducial limits illustrated in the case
    of the binomial, Biometrika 26, 1934; of no success in n draws it is in closed form.
    """
    return float(1 - ((1 - confidence) / 2) ** (1 / count))


def expanded_reach(count: int, confidence: float = 0.95) -> float:
    """How many standard errors of a bootstrap an interval must reach, either way.

    A bootstrap of few clusters spreads too little, by ``sqrt((count - 1) / count)``, and takes its
    spread for the true one: the quantile of Student's t, widened by that, makes up for both.

    Args:
        count: Clusters, 2 at least.
        confidence: Coverage of the interval, 0 to 1.

    Source: Hesterberg, What teachers should know about the bootstrap, The American Statistician
    69, 2015, section 3.4 (the expanded percentile interval).
    """
    return t_quantile((1 + confidence) / 2, count - 1) * math.sqrt(count / (count - 1))


def expanded_tail(count: int, confidence: float = 0.95) -> float | None:
    """Share of the resamples to leave out at either end, where plain percentiles leave 2.5 %.

    None where not even the rarest draw, one cluster and nothing else, is as rare: the interval then
    reaches `expanded_reach` standard errors to either side.

    Args:
        count: Clusters, 2 at least.
        confidence: Coverage of the interval, 0 to 1.

    Source: as `expanded_reach`.
    """
    tail = NormalDist().cdf(-expanded_reach(count, confidence))
    return tail if -count * math.log(count) < math.log(max(tail, 1e-300)) else None


@lru_cache(maxsize=2)
def _drawn(clusters: int, resamples: int, seed: int) -> NDArray[np.uint8]:
    """How often each cluster is drawn in each resample: all that sums need, and always the same.

    Hundreds of comparisons share the draws. scipy.stats.bootstrap draws anew for each, which takes
    it ten times as long.

    Returns:
        Shape (resamples, clusters), a byte each: none is drawn 256 times where there are as many
        draws as clusters.
    """
    generator = np.random.default_rng(seed)
    drawn = np.empty((resamples, clusters), dtype=np.uint8)
    rows = max(1, _AT_ONCE // clusters)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        picks = generator.integers(0, clusters, size=(count, clusters))
        picks += clusters * np.arange(count)[:, None]
        counted = np.bincount(picks.ravel(), minlength=count * clusters)
        drawn[start : start + count] = counted.reshape(count, clusters)
    return drawn
