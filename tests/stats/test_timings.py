"""The bootstrap interval of a median covers, shrinks and repeats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from stats.intervals import FEWEST_ROUNDS
from stats.timings import (
    RESAMPLES,
    cycle_interval,
    cycle_median,
    log_standard_error,
    quantile,
    resampled_cycle_medians,
)
from tests.stats import by_hand


@given(st.lists(st.floats(1e-6, 1e3), min_size=FEWEST_ROUNDS, max_size=50))
def test_interval_holds_the_median_and_stays_within_the_values(values):
    low, high, _ = cycle_interval([values], 1)
    assert min(values) <= low <= float(np.median(values)) + 1e-12
    assert float(np.median(values)) - 1e-12 <= high <= max(values)


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_fewer_than_four_rounds_give_no_interval(rounds):
    generator = np.random.default_rng(rounds)
    few, enough = (list(generator.gamma(2, 1, count)) for count in (rounds, 8))
    assert cycle_interval([few], 1)[:2] == (None, None)
    low, high, reason = cycle_interval([enough, few], 1)
    assert (low, high) == (None, None)
    assert reason == "fewer than 4 rounds of the batch cycle give no interval"


def test_four_rounds_give_one():
    low, high, reason = cycle_interval([[1.0, 1.2, 0.9, 1.1], [2.0, 2.1, 2.2, 1.9]], 1)
    assert low < 1.55 < high
    assert reason is None


@pytest.mark.parametrize("count", [4, 5, 10, 11])
def test_resamples_are_those_of_whole_draws(count):
    """Each value lies below as large a share of the medians as where every value is drawn."""
    values = list(np.random.default_rng(count).gamma(2, 1, count))
    ours = resampled_cycle_medians([values], 1)
    theirs = by_hand.resampled_cycle_medians([values], 200_000, 1)
    assert len(ours) == RESAMPLES
    for edge in np.unique(theirs):
        share, expected = np.mean(ours <= edge + 1e-9), np.mean(theirs <= edge + 1e-9)
        assert abs(share - expected) < 4.5 * np.sqrt(0.25 / RESAMPLES)


def test_error_and_interval_are_those_of_scipy():
    generator = np.random.default_rng(8)
    by_batch = [list(generator.lognormal(middle, 0.1, 40)) for middle in (0.0, 0.3, 0.7)]
    found = scipy_stats.bootstrap(
        by_batch,
        lambda *batches, axis: sum(np.median(batch, axis=axis) for batch in batches) / 3,
        vectorized=True,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(1),
    )
    low, high, _ = cycle_interval(by_batch, 1)
    spread = found.standard_error
    assert (low, high) == pytest.approx(tuple(found.confidence_interval), abs=0.15 * spread)
    assert np.std(resampled_cycle_medians(by_batch, 1)) == pytest.approx(spread, rel=0.06)


def test_the_error_of_the_logarithm_is_widened_for_few_and_for_drift():
    generator = np.random.default_rng(4)
    noise = generator.normal(0, 0.01, 100)

    def widened(values):
        plain = np.std(np.log(resampled_cycle_medians([values], 1)), ddof=1)
        return log_standard_error([values], 1) / plain

    assert widened(list(np.exp(noise))) == pytest.approx(1, abs=0.15)
    assert widened(list(np.exp(np.cumsum(noise) / 10))) > 2


def test_the_same_values_give_the_same_interval():
    values = list(np.random.default_rng(0).gamma(2, 1, 100))
    assert cycle_interval([values], 7) == cycle_interval([values], 7)


def test_it_shrinks_with_the_root_of_the_count():
    generator = np.random.default_rng(0)
    widths = []
    for count in (50, 5000):
        low, high, _ = cycle_interval([list(generator.normal(1, 0.1, count))], 3)
        widths.append(high - low)
    assert 5 < widths[0] / widths[1] < 20


def test_it_covers_the_true_median_about_as_often_as_it_says():
    generator = np.random.default_rng(5)
    hits = 0
    for trial in range(200):
        low, high, _ = cycle_interval([list(generator.lognormal(0, 0.3, 40))], trial)
        hits += low <= 1.0 <= high
    assert 180 <= hits <= 199


@pytest.mark.parametrize(("batches", "rounds"), [(2, 4), (2, 5), (4, 4), (4, 8), (4, 40)])
def test_it_covers_the_figure_of_a_cycle_from_four_rounds_on(batches, rounds):
    generator = np.random.default_rng(rounds)
    hits = 0
    for _ in range(400):
        by_batch = [list(generator.lognormal(0, 0.1, rounds)) for _ in range(batches)]
        low, high, _ = cycle_interval(by_batch, 0)
        hits += low <= 1.0 <= high
    assert hits / 400 > 0.9


def test_many_samples_do_not_take_much_memory():
    values = list(np.random.default_rng(0).normal(1, 0.1, 200_000))
    low, high, _ = cycle_interval([values], 1)
    assert 0.999 < low < high < 1.001


def test_many_values_give_what_resampling_would():
    values = np.random.default_rng(2).lognormal(0, 0.4, 2001)
    few = cycle_interval([list(values[:2000])], 1)
    many = cycle_interval([list(values)], 1)
    assert np.allclose(few[:2], many[:2], rtol=0.01)


def test_batches_that_differ_do_not_widen_the_interval():
    generator = np.random.default_rng(4)
    steady = [list(generator.normal(middle, 0.005, 10)) for middle in (0.5, 1.0, 4.0)]
    assert abs(cycle_median(steady) - 5.5 / 3) < 0.01
    low, high, _ = cycle_interval(steady, 1)
    assert low <= cycle_median(steady) <= high
    assert high - low < 0.02


def test_batches_are_resampled_within_themselves_for_many_values_too():
    generator = np.random.default_rng(6)
    batches = [list(generator.normal(middle, 0.1, 2500)) for middle in (1.0, 3.0)]
    few = cycle_interval([values[:2000] for values in batches], 1)
    many = cycle_interval(batches, 1)
    assert np.allclose(few[:2], many[:2], rtol=0.01)
    assert many[1] - many[0] < 0.02


def test_quantile_is_linear_between_samples():
    assert quantile([1.0, 2.0, 3.0], 0.75) == 2.5
