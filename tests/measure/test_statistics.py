"""The bootstrap interval of a median covers, shrinks and repeats."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runner.measure.statistics import cycle_interval, cycle_median, quantile


@given(st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=50))
def test_interval_holds_the_median_and_stays_within_the_values(values):
    low, high, _ = cycle_interval([values], 1)
    assert min(values) <= low <= float(np.median(values)) + 1e-12
    assert float(np.median(values)) - 1e-12 <= high <= max(values)


def test_one_value_of_a_batch_gives_no_interval():
    low, high, reason = cycle_interval([[1.0], [2.0, 2.5]], 1)
    assert (low, high) == (None, None)
    assert reason == "one round of the batch cycle gives no interval"


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
