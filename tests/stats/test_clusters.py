"""The bootstrap over clusters: as scipy's, and its interval covers about as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from stats.clusters import Floats, cluster_interval, expanded_reach, expanded_tail


def rate(sums: Floats) -> Floats:
    return np.asarray(sums[:, 0] / sums[:, 1])


def utterances(seed: int, clusters: int, each: int = 5) -> tuple[Floats, list[int]]:
    """Errors and words of the utterances of some voices, of which some are harder."""
    generator = np.random.default_rng(seed)
    share = np.repeat(generator.beta(4, 16, clusters), each)
    errors = generator.binomial(20, share)
    return np.column_stack([errors, np.full(len(errors), 20)]).astype(float), [
        n // each for n in range(clusters * each)
    ]


@pytest.mark.parametrize("clusters", [8, 30])
def test_the_ends_are_those_of_scipy_at_the_same_tail(clusters: int) -> None:
    values, numbers = utterances(1, clusters)
    ours = cluster_interval(values, numbers, rate, seed=1)
    tail = expanded_tail(clusters)
    assert tail is not None and not ours.of_spread
    sums = values.reshape(clusters, 5, 2).sum(axis=1)
    theirs = scipy_stats.bootstrap(
        tuple(sums.T),
        lambda errors, words, axis: errors.sum(axis=axis) / words.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=20_000,
        method="percentile",
        confidence_level=1 - 2 * tail,
        rng=np.random.default_rng(1),
    )
    assert ours[:2] == pytest.approx(
        tuple(theirs.confidence_interval), abs=0.15 * theirs.standard_error
    )


def test_few_clusters_reach_as_far_as_students_t() -> None:
    values, numbers = utterances(2, 4)
    low, high, of_spread = cluster_interval(values, numbers, rate, seed=1)
    sums = values.reshape(4, 5, 2).sum(axis=1)
    middle = sums[:, 0].sum() / sums[:, 1].sum()
    # As many words each, so a resample's rate is a mean of four.
    error = float(np.std(rate(sums))) / 2
    assert of_spread
    assert (low + high) / 2 == pytest.approx(middle)
    assert (high - low) / 2 == pytest.approx(expanded_reach(4) * error, rel=0.03)
    assert expanded_reach(4) == pytest.approx(3.1824 * (4 / 3) ** 0.5, rel=1e-4)


@pytest.mark.parametrize(("clusters", "least"), [(4, 0.89), (6, 0.90), (10, 0.91), (30, 0.92)])
def test_it_covers_the_true_rate_about_as_often_as_it_says(clusters: int, least: float) -> None:
    hits = 0
    for seed in range(400):
        low, high, _ = cluster_interval(*utterances(seed, clusters), rate, seed=0)
        hits += low <= 0.2 <= high
    assert least <= hits / 400 <= 0.985


def test_the_seed_alone_decides() -> None:
    values, numbers = utterances(3, 12)
    once = cluster_interval(values, numbers, rate, seed=7)
    assert cluster_interval(values, numbers, rate, seed=7) == once
    assert cluster_interval(values, numbers, rate, seed=8) != once


def test_a_surer_interval_is_wider_also_where_quantiles_end() -> None:
    values, numbers = utterances(4, 40)
    found = [
        cluster_interval(values, numbers, rate, seed=1, confidence=1 - 0.05 / n)
        for n in (1, 20, 100_000)
    ]
    assert [one.of_spread for one in found] == [False, False, True]
    widths = [one.high - one.low for one in found]
    assert widths == sorted(widths)


def test_very_many_clusters_take_no_more_memory_than_many() -> None:
    generator = np.random.default_rng(5)
    errors = generator.binomial(20, 0.2, 50_000).astype(float)
    values = np.column_stack([errors, np.full(len(errors), 20.0)])
    low, high, of_spread = cluster_interval(values, range(50_000), rate, seed=1)
    assert of_spread
    # Binomial: 1.96 x sqrt(0.2 x 0.8 / words).
    assert high - low == pytest.approx(2 * 1.96 * (0.16 / 1e6) ** 0.5, rel=0.08)
