"""Correlations are those of the formulas written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stats.correlation import correlate
from tests.stats.by_hand import fisher_ends, pearson, ranks


@pytest.mark.parametrize("seed", range(10))
def test_coefficients_and_interval_are_those_written_out(seed: int) -> None:
    generator = np.random.default_rng(seed)
    x = np.round(generator.lognormal(0, 1, 4 + 3 * seed), 1) + 0.1  # Rounded: some are equal.
    y = x**0.7 * generator.lognormal(0, 0.5, len(x))
    found = correlate(list(x), list(y))
    assert found is not None
    a, b = np.log(x), np.log(y)
    assert found.pearson == pytest.approx(pearson(a, b), abs=1e-9)
    assert (found.low, found.high) == pytest.approx(fisher_ends(pearson(a, b), len(x)), abs=1e-9)
    assert found.spearman == pytest.approx(pearson(ranks(a), ranks(b)), abs=1e-9)
    assert found.points == len(x)


def test_correlation_of_a_power_law_is_one() -> None:
    x = [1.0, 10.0, 100.0, 1000.0]
    perfect = correlate(x, [3 * value**0.7 for value in x])
    assert perfect is not None
    assert (perfect.pearson, perfect.spearman) == (pytest.approx(1), pytest.approx(1))
    falling = correlate(x, [1 / value for value in x])
    assert falling is not None and falling.spearman == pytest.approx(-1)


def test_correlation_with_ties_and_its_interval() -> None:
    found = correlate([1, 2, 2, 3, 4, 5], [2, 1, 3, 3, 5, 4])
    assert found is not None
    assert found.spearman == pytest.approx(0.8088, abs=1e-3)
    assert found.low < found.pearson < found.high


def test_too_few_points_have_no_correlation_and_three_no_interval() -> None:
    assert correlate([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None
    assert correlate([1.0, 2.0], [1.0, 2.0]) is None
    three = correlate([1.0, 2.0, 3.0], [1.0, 3.0, 2.0])
    assert three is not None
    assert math.isnan(three.low) and math.isnan(three.high)
