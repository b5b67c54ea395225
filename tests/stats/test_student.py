"""Student's quantiles are those of the tables, and those that finite sums give."""

from __future__ import annotations

import pytest

from stats.student import t_quantile
from tests.stats.by_hand import student_quantile


@pytest.mark.parametrize(
    ("p", "degrees_of_freedom", "value"),
    [
        # Of any textbook; far out at three degrees of freedom an expansion would fail.
        (0.975, 1, 12.7062),
        (0.975, 2, 4.30265),
        (0.975, 3, 3.18245),
        (0.995, 4, 4.60409),
        (0.9995, 3, 12.9240),
        (0.025, 9, -2.26216),
        (0.975, 60, 2.00030),
        (0.975, 120, 1.97993),
        (0.5, 7, 0.0),
    ],
)
def test_quantiles_are_those_of_the_tables(p: float, degrees_of_freedom: int, value: float) -> None:
    assert t_quantile(p, degrees_of_freedom) == pytest.approx(value, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("degrees_of_freedom", [1, 2, 3, 4, 7, 10, 29, 60, 99, 100])
@pytest.mark.parametrize("p", [0.025, 0.4, 0.975, 0.995, 0.99999])
def test_quantiles_are_those_of_the_finite_sums(p: float, degrees_of_freedom: int) -> None:
    assert t_quantile(p, degrees_of_freedom) == pytest.approx(
        student_quantile(p, degrees_of_freedom), rel=1e-9
    )
