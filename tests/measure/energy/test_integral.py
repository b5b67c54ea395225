"""The integral of power readings: exact, bounded, additive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.measure.energy.integral import PowerReading, integrate, largest_gap

WATTS = st.floats(0.1, 1000)
STEPS = st.lists(st.tuples(st.floats(1e-3, 1.0), WATTS), min_size=2, max_size=60)


def readings_of(steps: list[tuple[float, float]]) -> list[PowerReading]:
    t, out = 100.0, []
    for step, power in steps:
        t += step
        out.append(PowerReading(t, power))
    return out


def test_constant_power_for_a_second_is_its_watts_in_joules() -> None:
    # Merging equal readings and then drawing trapezoids gives 0 J here.
    readings = [PowerReading(i * 0.01, 150.0) for i in range(101)]
    assert integrate(readings, 0.0, 1.0) == pytest.approx(150.0, rel=1e-12)


def test_a_step_is_half_a_period_uncertain() -> None:
    readings = [
        PowerReading(0, 30),
        PowerReading(1, 30),
        PowerReading(2, 150),
        PowerReading(3, 150),
    ]
    assert integrate(readings, 0, 3) == pytest.approx(30 + 90 + 150)


def test_edges_are_clipped_between_readings() -> None:
    readings = [PowerReading(0, 100), PowerReading(1, 200)]
    assert integrate(readings, 0.25, 0.75) == pytest.approx(75.0)


@given(STEPS, WATTS)
def test_constant_power_is_exact(steps: list[tuple[float, float]], watts: float) -> None:
    readings = readings_of([(step, watts) for step, _ in steps])
    t0, t1 = readings[0].time_s, readings[-1].time_s
    assert integrate(readings, t0, t1) == pytest.approx(watts * (t1 - t0), rel=1e-9)


@given(STEPS, st.floats(0, 1), st.floats(0, 1))
def test_lies_between_the_lowest_and_the_highest_power(
    steps: list[tuple[float, float]], a: float, b: float
) -> None:
    readings = readings_of(steps)
    first, last = readings[0].time_s, readings[-1].time_s
    t0, t1 = (first + min(a, b) * (last - first), first + max(a, b) * (last - first))
    t0, t1 = max(first, t0), min(last, t1)
    joules = integrate(readings, t0, t1)
    powers = [r.power_w for r in readings]
    slack = 1e-9 * max(powers) * (last - first) + 1e-9
    assert min(powers) * (t1 - t0) - slack <= joules <= max(powers) * (t1 - t0) + slack


@given(STEPS, st.floats(0, 1))
def test_adds_up_over_a_split(steps: list[tuple[float, float]], share: float) -> None:
    readings = readings_of(steps)
    t0, t1 = readings[0].time_s, readings[-1].time_s
    middle = min(t1, t0 + share * (t1 - t0))
    parts = integrate(readings, t0, middle) + integrate(readings, middle, t1)
    assert parts == pytest.approx(integrate(readings, t0, t1), rel=1e-9)


@pytest.mark.parametrize(("t0", "t1"), [(-0.1, 1.0), (0.0, 2.1), (-1.0, 3.0)])
def test_refuses_a_span_that_is_not_enclosed(t0: float, t1: float) -> None:
    readings = [PowerReading(0, 100), PowerReading(2, 100)]
    assert largest_gap(readings, t0, t1) is None
    with pytest.raises(ValueError, match="enclose"):
        integrate(readings, t0, t1)


def test_the_largest_gap_counts_the_readings_around_the_span_too() -> None:
    readings = [PowerReading(t, 1.0) for t in (0.0, 3.0, 3.1, 3.2)]
    assert largest_gap(readings, 2.9, 3.15) == pytest.approx(3.0)
    assert largest_gap(readings, 3.05, 3.15) == pytest.approx(0.1)
