"""The Pareto front against its definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.pareto import pareto_front


def test_costs_rise_with_gains_along_the_front() -> None:
    # Latency against throughput: 1 and 3 are beaten by 0 and 4.
    points = [(1.0, 10.0), (2.0, 9.0), (9.0, 50.0), (5.0, 30.0), (4.0, 30.0)]
    assert pareto_front(points) == (0, 4, 2)


def test_the_direction_of_each_coordinate_is_told() -> None:
    points = [(1.0, 1.0), (2.0, 2.0), (3.0, 0.5)]
    assert pareto_front(points, minimise=(True, True)) == (0, 2)
    assert pareto_front(points, minimise=(False, False)) == (2, 1)


def test_equal_points_are_both_kept() -> None:
    assert set(pareto_front([(1.0, 2.0), (1.0, 2.0), (1.0, 1.0)])) == {0, 1}


def test_what_is_not_finite_is_on_no_front() -> None:
    assert pareto_front([(math.nan, 100.0), (2.0, math.inf), (3.0, 1.0)]) == (2,)
    assert pareto_front([]) == ()


def test_a_point_of_another_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="2 coordinates"):
        pareto_front([(1.0, 2.0, 3.0)])


small = st.integers(0, 6).map(float)


@given(
    st.lists(st.tuples(small, small, small), max_size=30),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_the_front_is_exactly_what_nothing_dominates(
    points: list[tuple[float, float, float]], minimise: tuple[bool, bool, bool]
) -> None:
    def dominates(p: tuple[float, ...], q: tuple[float, ...]) -> bool:
        signs = [1 if less else -1 for less in minimise]
        gaps = [sign * (x - y) for sign, x, y in zip(signs, p, q, strict=True)]
        return all(gap <= 0 for gap in gaps) and any(gap < 0 for gap in gaps)

    expected = {
        i for i, p in enumerate(points) if not any(dominates(q, p) for q in points if q != p)
    }
    front = pareto_front(points, minimise=minimise)
    assert set(front) == expected
    firsts = [points[i][0] for i in front]
    assert firsts == sorted(firsts, reverse=not minimise[0])
