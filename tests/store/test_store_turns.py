"""The ratio of two that took turns: its interval covers the truth as often as it says."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest

from runner.config import Limits
from runner.config_file import load_benchmark, presets
from store.student import student_quantile
from store.turns import FEWEST_ROUNDS, turns_ratio

SPEEDUP = 1.4
BATCHES = (1.0, 1.6)


def rounds_of(generator: random.Random, rounds: int) -> tuple[list[list[float]], list[list[float]]]:
    """Both sides of a planted ratio, on a machine that is busier from one round to the next."""
    above: list[list[float]] = [[] for _ in BATCHES]
    below: list[list[float]] = [[] for _ in BATCHES]
    for _ in range(rounds):
        busy = math.exp(generator.gauss(0, 0.3))
        for batch, seconds in enumerate(BATCHES):
            for side, times in ((above, SPEEDUP), (below, 1.0)):
                side[batch].append(busy * seconds * times * math.exp(generator.gauss(0, 0.03)))
    return above, below


def covered(rounds: int, confidence: float, trials: int = 2000) -> float:
    generator = random.Random(rounds)
    hits = 0
    for _ in range(trials):
        found = turns_ratio(*rounds_of(generator, rounds), confidence=confidence)
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.ratio < found.high
        hits += found.low <= SPEEDUP <= found.high
    return hits / trials


@pytest.mark.parametrize("rounds", [FEWEST_ROUNDS, 5, 7, 10])
def test_the_interval_covers_the_truth_as_often_as_it_says(rounds: int) -> None:
    assert covered(rounds, 0.95) == pytest.approx(0.95, abs=0.015)


def test_a_surer_one_does_too() -> None:
    assert covered(FEWEST_ROUNDS, 0.995) == pytest.approx(0.995, abs=0.005)


@pytest.mark.parametrize("rounds", range(1, FEWEST_ROUNDS))
def test_too_few_rounds_give_a_ratio_and_a_reason(rounds: int) -> None:
    found = turns_ratio(*rounds_of(random.Random(1), rounds))
    assert found.ratio == pytest.approx(SPEEDUP, rel=0.1)
    assert (found.low, found.high) == (None, None)
    assert found.reason == "fewer than 4 rounds in turns give no interval"


def test_what_disturbs_both_alike_does_not_widen_the_interval() -> None:
    load = [1.0, 2.5, 1.4, 3.0, 1.1, 2.2]
    paired = turns_ratio([[2 * value for value in load]], [load])
    apart = turns_ratio([[2 * value for value in load]], [load[::-1]])
    assert (paired.low, paired.high) == pytest.approx((2, 2))
    assert apart.low is not None
    assert apart.high is not None
    assert apart.high / apart.low > 1.5


@pytest.mark.parametrize(
    ("p", "freedom", "value"),
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
def test_students_quantile_is_that_of_the_tables(p: float, freedom: int, value: float) -> None:
    assert student_quantile(p, freedom) == pytest.approx(value, rel=1e-4, abs=1e-9)


def presets_that_compare() -> Iterator[str]:
    for name in presets():
        if len(load_benchmark(name).variants) > 1:
            yield name


@pytest.mark.parametrize("name", list(presets_that_compare()))
def test_a_preset_has_rounds_to_spare(name: str) -> None:
    assert load_benchmark(name).limits.comparison_rounds >= FEWEST_ROUNDS + 1


def test_fewer_rounds_than_give_an_interval_cannot_be_asked_for() -> None:
    assert Limits(comparison_rounds=FEWEST_ROUNDS).comparison_rounds == FEWEST_ROUNDS
    with pytest.raises(ValueError, match="comparison_rounds"):
        Limits(comparison_rounds=FEWEST_ROUNDS - 1)
