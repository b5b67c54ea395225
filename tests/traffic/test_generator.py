"""What the generator sends, when, and what it counts."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from runner.traffic.arrivals import due_times
from runner.traffic.generator import hold
from runner.traffic.target import Answer, Target
from tests.traffic.simulated import (
    SERVICE_S,
    OneServer,
    constant,
    exponential,
    figures,
    level,
    simulate,
)


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_closed_loop_by_littles_law(concurrency: int) -> None:
    found = figures(
        OneServer(exponential(SERVICE_S)),
        level(concurrency=concurrency, rate_per_s=None, duration_s=100.0),
    )
    # One server is never idle: as many a second as it can, and all clients wait at it.
    assert found.requests_per_s == pytest.approx(1 / SERVICE_S, rel=0.1)
    assert found.requests_per_s * found.latency_mean_s == pytest.approx(concurrency, rel=0.02)
    assert found.in_flight == pytest.approx(concurrency, rel=1e-6)
    assert found.goodput_per_s == pytest.approx(found.requests_per_s, rel=0.01)


class Stalling(Target):
    """Answers at once, but for a pause of 10 s in the middle."""

    async def send(self, utterance: int) -> Answer:
        loop = asyncio.get_running_loop()
        into = loop.time() - 1000.0
        await asyncio.sleep(40.0 - into if 30.0 <= into < 40.0 else 0.001)
        return Answer("text")


def test_a_stalled_server_is_charged_for_everyone_who_waits() -> None:
    of = level(rate_per_s=20.0, arrivals="constant", warmup_s=0.0, duration_s=100.0, slo_p95_s=4.0)
    found = figures(Stalling(), of)
    # A tenth of the requests fall into the pause and wait 5 s in the mean, 10 s at most.
    assert found.latency_mean_s == pytest.approx(0.1 * 5.0 + 0.9 * 0.001, rel=0.02)
    assert found.latency_p99_s == pytest.approx(9.0, abs=0.1)
    assert found.slo_met is False
    assert found.goodput_per_s == pytest.approx(20.0 * (1 - 0.06), rel=0.01)


class Blocking(Target):
    """Keeps the generator itself from sending for 10 s in the middle."""

    def __init__(self) -> None:
        self.blocked = False

    async def send(self, utterance: int) -> Answer:
        loop = asyncio.get_running_loop()
        if not self.blocked and loop.time() >= 1030.0:
            self.blocked = True
            loop.selector.now_s += 10.0  # type: ignore[attr-defined]
        await asyncio.sleep(0.001)
        return Answer("text")


def test_latency_counts_from_due_also_where_the_generator_is_late() -> None:
    of = level(rate_per_s=20.0, arrivals="constant", warmup_s=0.0, duration_s=100.0)
    found = figures(Blocking(), of)
    assert found.latency_mean_s == pytest.approx(0.5, rel=0.05)
    assert found.send_delay_p99_s == pytest.approx(9.0, abs=0.15)


def test_a_level_beyond_the_capacity_ends_early_and_says_so() -> None:
    of = level(rate_per_s=40.0, arrivals="constant", slo_p95_s=1.0)
    found = figures(OneServer(constant(SERVICE_S)), of)
    assert not found.held
    assert "requests were open" in found.reason
    assert found.window_s == 0.0  # 160 are open after 8 s, within the warm-up.
    assert found.requests_per_s is None and found.slo_met is None


def test_capacity_lost_in_the_counted_time_keeps_its_figures() -> None:
    of = level(rate_per_s=22.0, arrivals="constant", slo_p95_s=1.0, warmup_s=1.0)
    found = figures(OneServer(constant(SERVICE_S)), of)
    assert not found.held and 10 < found.window_s < 200
    assert found.requests_per_s == pytest.approx(20.0, rel=0.05)
    assert found.errors == pytest.approx(89, abs=1)  # What was open at the end.
    assert found.errors_by_kind == f'{{"abandoned": {found.errors}}}'
    assert found.slo_met is False


@pytest.mark.parametrize("arrivals", ["poisson", "constant", "bursty"])
def test_arrivals_have_their_rate_and_are_seeded(arrivals: str) -> None:
    due = due_times(arrivals, 50.0, 400.0, seed=4)  # type: ignore[arg-type]
    assert len(due) / 400.0 == pytest.approx(50.0, rel=0.05)
    assert np.all(np.diff(due) >= 0) and due[0] >= 0 and due[-1] < 400.0
    assert np.array_equal(due, due_times(arrivals, 50.0, 400.0, seed=4))  # type: ignore[arg-type]
    gaps = np.diff(due)
    variation = np.std(gaps) / np.mean(gaps)
    # Geometric groups of four at Poisson times: squared variation 2 * 4 - 1.
    assert variation == pytest.approx(
        {"constant": 0, "poisson": 1, "bursty": 7**0.5}[arrivals], abs=0.15
    )


def test_every_request_of_a_level_is_kept_in_seeded_order() -> None:
    of = level(concurrency=2, rate_per_s=None, warmup_s=0.0, duration_s=10.0)
    first = simulate(lambda: hold(OneServer(constant(0.1)), of, 7))
    again = simulate(lambda: hold(OneServer(constant(0.1)), of, 7))
    order = [one.utterance for one in first.requests]
    assert order == [one.utterance for one in again.requests]
    assert sorted(order[:7]) == list(range(7))
    assert order[:7] != order[7:14]
