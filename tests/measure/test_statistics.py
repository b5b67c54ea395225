"""The bootstrap interval of a median covers, shrinks and repeats."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runner.measure.statistics import median_interval, quantile


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=50))
def test_interval_holds_the_median_and_stays_within_the_values(values):
    low, high = median_interval(values, 1)
    assert min(values) <= low <= float(np.median(values)) + 1e-12
    assert float(np.median(values)) - 1e-12 <= high <= max(values)


def test_the_same_values_give_the_same_interval():
    values = list(np.random.default_rng(0).gamma(2, 1, 100))
    assert median_interval(values, 7) == median_interval(values, 7)


def test_it_shrinks_with_the_root_of_the_count():
    generator = np.random.default_rng(0)
    widths = []
    for count in (50, 5000):
        low, high = median_interval(list(generator.normal(1, 0.1, count)), 3)
        widths.append(high - low)
    assert 5 < widths[0] / widths[1] < 20


def test_it_covers_the_true_median_about_as_often_as_it_says():
    generator = np.random.default_rng(5)
    hits = 0
    for trial in range(200):
        low, high = median_interval(list(generator.lognormal(0, 0.3, 40)), trial)
        hits += low <= 1.0 <= high
    assert 180 <= hits <= 199


def test_many_samples_do_not_take_much_memory():
    values = list(np.random.default_rng(0).normal(1, 0.1, 200_000))
    low, high = median_interval(values, 1)
    assert 0.999 < low < high < 1.001


def test_many_values_give_what_resampling_would():
    values = np.random.default_rng(2).lognormal(0, 0.4, 2001)
    few, many = median_interval(list(values[:2000]), 1), median_interval(list(values), 1)
    assert np.allclose(few, many, rtol=0.01)


def test_quantile_is_linear_between_samples():
    assert quantile([1.0, 2.0, 3.0], 0.75) == 2.5
