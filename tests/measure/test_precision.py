"""Loops that end as soon as their interval is as narrow as was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from runner.config import Limits
from runner.engines.base import Engine, Transcription
from runner.measure.latency import Timed, grouped, summarise, time_loop
from runner.measure.stages import time_stages
from stats.intervals import FEWEST_ROUNDS
from stats.timings import cycle_interval, half_width, rounds_of
from tests.measure.test_latency import QUIET, Machine, cycle_of, ignore

BATCHES = (1.0, 1.3, 0.8)
"""Seconds of each batch of the cycle, without noise."""


def noisy(spread: float, seed: int) -> Machine:
    """A machine whose batches take ``BATCHES``, but for noise of this spread."""
    generator = np.random.default_rng(seed)
    return Machine(lambda _, index: BATCHES[index] * float(np.exp(generator.normal(0, spread))))


def timed(machine: Machine, **limits: float) -> Timed:
    bounds = Limits(**limits)  # type: ignore[arg-type]
    return time_loop(
        machine, cycle_of(len(BATCHES)), bounds, clock=machine.clock, progress=ignore, seed=1
    )


def rounds(loop: Timed) -> int:
    return rounds_of(grouped(loop.samples))


def test_a_steady_machine_is_timed_for_as_few_rounds_as_an_interval_needs() -> None:
    loop = timed(noisy(0.001, 1), precision=0.02)
    assert rounds(loop) == FEWEST_ROUNDS
    assert loop.shortfall is None


@pytest.mark.parametrize("precision", [0.01, 0.02])
def test_a_noisy_machine_is_timed_until_it_is_precise(precision: float) -> None:
    loop = timed(noisy(0.1, 2), precision=precision, max_seconds=3600)
    reached = half_width(grouped(loop.samples), 1)
    assert rounds(loop) > FEWEST_ROUNDS
    assert reached <= precision
    assert loop.shortfall is None


def test_a_finer_precision_takes_about_its_square_of_rounds() -> None:
    def mean_rounds(precision: float) -> float:
        loops = [
            timed(noisy(0.1, seed), precision=precision, max_seconds=3600) for seed in range(5)
        ]
        return float(np.mean([rounds(loop) for loop in loops]))

    assert 2.5 < mean_rounds(0.01) / mean_rounds(0.02) < 6


def test_what_does_not_become_precise_ends_by_time_and_says_so() -> None:
    machine = noisy(0.2, 3)
    loop = timed(machine, precision=0.005, max_seconds=40)
    assert 40 <= machine.now - 100.0 < 40 + 2 * sum(BATCHES)
    reached = half_width(grouped(loop.samples), 1)
    assert loop.shortfall == f"precision {reached:.1%} after 40 s, not 0.5%"
    latency = summarise(loop, cycle_of(3), load_s=0, cold_s=0, warmup=(), conditions=QUIET, seed=1)
    assert not latency.stable
    assert latency.stable_reason is not None and loop.shortfall in latency.stable_reason


def test_too_few_rounds_for_an_interval_are_no_precision() -> None:
    loop = timed(noisy(0.001, 1), precision=0.02, max_seconds=7)
    assert rounds(loop) == 3
    assert loop.shortfall == "precision unknown after 7 s, not 2.0%"


def test_ending_by_precision_costs_no_coverage() -> None:
    """Optional stopping could end on values that agree by luck: the truth would be missed."""
    middle = float(np.mean(BATCHES))
    covered, ended = 0, set()
    for seed in range(300):
        loop = timed(noisy(0.03, seed), precision=0.02, max_seconds=3600)
        interval = cycle_interval(grouped(loop.samples), 1)
        assert interval.low is not None and interval.high is not None
        covered += interval.low <= middle <= interval.high
        ended.add(rounds(loop))
    assert len(ended) > 3, "the loops really ended at different lengths"
    assert covered / 300 > 0.9


def test_one_end_of_a_loop_is_enough() -> None:
    with pytest.raises(ValueError, match="takes the place of min_iterations and min_seconds"):
        Limits(precision=0.02, min_seconds=1)
    written = Limits(precision=0.02).model_dump_json()
    assert Limits.model_validate_json(written).precision == 0.02


def test_the_longest_loop_is_twenty_times_the_shortest_where_none_is_named() -> None:
    assert Limits(min_seconds=2).longest_loop_s == 40
    assert Limits(min_seconds=0).longest_loop_s == 20
    assert Limits(max_seconds=7).longest_loop_s == 7


class Marking(Engine):
    """An engine of two stages, of which the second is noisy."""

    family = "marking"

    def __init__(self, spread: float) -> None:
        self.now = 0.0
        self._spread = spread
        self._generator = np.random.default_rng(1)

    def clock(self) -> float:
        return self.now

    def transcribe(self, batch, mark=lambda _: None):  # type: ignore[no-untyped-def]
        self.now += 1.0
        mark("encode")
        self.now += float(np.exp(self._generator.normal(0, self._spread)))
        mark("decode")
        return Transcription(texts=("",) * len(batch))

    def synchronize(self) -> None:
        """Waits for nothing."""

    def flops(self, **_):  # type: ignore[no-untyped-def]
        return ()


@pytest.mark.parametrize(
    ("spread", "precision", "iterations"), [(0.001, 0.02, 8), (0.5, 0.02, 40), (0.001, None, 40)]
)
def test_the_stages_end_early_where_their_sum_is_precise(
    spread: float, precision: float | None, iterations: int
) -> None:
    engine = Marking(spread)
    stages, samples = time_stages(
        engine,
        cycle_of(2),
        40,
        clock=engine.clock,
        progress=ignore,
        seed=1,
        precision=precision,
    )
    assert [stage.stage for stage in stages] == ["encode", "decode"]
    assert {stage.iterations for stage in stages} == {iterations}
    assert len(samples) == 2 * iterations
