"""The ratio of two that were interleaved: its interval covers the truth as often as it says."""

from __future__ import annotations

import math
import random

import pytest

from stats.interleaved import interleaved_ratio
from stats.intervals import FEWEST_ROUNDS

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
        found = interleaved_ratio(*rounds_of(generator, rounds), confidence=confidence)
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
    found = interleaved_ratio(*rounds_of(random.Random(1), rounds))
    assert found.ratio == pytest.approx(SPEEDUP, rel=0.1)
    assert (found.low, found.high) == (None, None)
    assert found.reason == "fewer than 4 interleaved rounds give no interval"


def test_what_disturbs_both_alike_does_not_widen_the_interval() -> None:
    load = [1.0, 2.5, 1.4, 3.0, 1.1, 2.2]
    paired = interleaved_ratio([[2 * value for value in load]], [load])
    apart = interleaved_ratio([[2 * value for value in load]], [load[::-1]])
    assert (paired.low, paired.high) == pytest.approx((2, 2))
    assert apart.low is not None
    assert apart.high is not None
    assert apart.high / apart.low > 1.5
