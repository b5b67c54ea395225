"""Presets and defaults measure enough rounds for the intervals that they are read for."""

from __future__ import annotations

import pytest

from runner.config import Benchmark, Limits
from runner.config_file import load_benchmark, presets
from stats.intervals import FEWEST_ROUNDS

QUICK = {"demo"}
"""What is to be over in minutes measures one energy window, whose joules have no uncertainty."""


def rounds_of(iterations: int, limits: Limits) -> int:
    """Whole rounds of the batch cycle that so many batches make."""
    return -(-iterations // limits.cycle_batches)


def test_the_defaults_have_enough() -> None:
    limits = Limits()
    assert rounds_of(limits.min_iterations, limits) >= FEWEST_ROUNDS
    assert rounds_of(limits.stage_iterations, limits) >= FEWEST_ROUNDS
    assert limits.energy_windows >= FEWEST_ROUNDS


@pytest.mark.parametrize("name", presets())
def test_a_preset_has_enough(name: str) -> None:
    benchmark: Benchmark = load_benchmark(name)
    limits = benchmark.limits
    assert rounds_of(limits.min_iterations, limits) >= FEWEST_ROUNDS
    if "comparison" in benchmark.measures:
        assert limits.comparison_rounds >= FEWEST_ROUNDS + 1
    if "energy" in benchmark.measures and name not in QUICK:
        assert limits.energy_windows >= FEWEST_ROUNDS


def test_fewer_rounds_in_turns_than_give_an_interval_cannot_be_asked_for() -> None:
    assert Limits(comparison_rounds=FEWEST_ROUNDS).comparison_rounds == FEWEST_ROUNDS
    with pytest.raises(ValueError, match="comparison_rounds"):
        Limits(comparison_rounds=FEWEST_ROUNDS - 1)
