"""The search for the largest rate that meets the SLO, upon services whose capacity is known."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from pydantic import ValidationError

from runner.config.load import SEARCH_MOST, Load
from runner.traffic.generator import Held, hold
from runner.traffic.level import Level
from runner.traffic.plan import hold_all, levels_of, next_rate
from runner.traffic.summary import meets, summarise
from runner.traffic.target import Answer, Target
from stats.knee import Knee, Tried, knee
from store.knee import knees
from store.load_board import LoadRow
from tests.traffic.simulated import SERVICE_S, OneServer, constant, exponential, level, simulate


def search(target: Target, **changes: Any) -> list[Held]:
    fields = {"mode": "open", "search": True, "duration_s": 400, "warmup_s": 20, **changes}
    load = Load.model_validate(fields)
    found: list[Held] = []

    async def work() -> None:
        async def one(level: Level) -> Held:
            found.append(await hold(target, level, 10))
            return found[-1]

        await hold_all(target, levels_of(load, batcher=False, seed=3), one)

    simulate(work)
    return found


def rows_of(found: list[Held]) -> list[LoadRow]:
    """As the view has them, what no knee is made of left out."""
    rows = []
    for held in found:
        level = summarise(held, [2.0] * 10, seed=1)
        row: dict[str, Any] = dict.fromkeys(LoadRow.__dataclass_fields__)
        row |= {"rate": level.rate_per_s, "requests": level.requests, "errors": level.errors}
        row |= {
            "held": int(level.held),
            "slo_met": level.slo_met,
            "slo_p95_ms": 1000 * level.slo_p95_s,
        }
        for end in ("low", "high"):
            p95_s = getattr(level, f"latency_p95_{end}_s")
            row[f"p95_{end}_ms"] = None if p95_s is None else 1000 * p95_s
        rows.append(LoadRow(**row))
    return rows


def rates_of(found: list[Held]) -> list[float | None]:
    return [held.level.rate_per_s for held in found]


@pytest.mark.e2e
@pytest.mark.parametrize("first", [[], [100.0], [12.0, 15.0]])
def test_the_knee_of_one_exponential_server(first: list[float]) -> None:
    """M/M/1: the time in the system is exponential, so p95 = ln 20 / (capacity - rate)."""
    slo_s = 0.5
    true = 1 / SERVICE_S - math.log(20) / slo_s
    found = search(OneServer(exponential(SERVICE_S)), rate_per_s=first, slo={"p95_s": slo_s})
    met = max(held.level.rate_per_s or 0 for held in found if meets(held))
    assert met == pytest.approx(true, rel=0.15)
    ((_, of),) = knees(rows_of(found))
    assert of.rate == met and of.high is not None
    assert (of.low or 0) < true < of.high
    assert len(found) <= 11


def test_a_constant_server_carries_more_at_the_same_slo() -> None:
    one = search(OneServer(constant(SERVICE_S)), slo={"p95_s": 0.5}, duration_s=60)
    rates = rates_of(one)
    assert rates[:6] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    assert 16 <= max(held.level.rate_per_s or 0 for held in one if meets(held)) < 20


class Slow(Target):
    """Never in time."""

    async def send(self, utterance: int) -> Answer:
        await asyncio.sleep(3.0)
        return Answer("text")


def test_a_service_that_is_never_in_time_has_no_knee() -> None:
    found = search(Slow(), duration_s=40, slo={"p95_s": 1.0})
    assert rates_of(found) == [1.0, 0.5, 0.25, 0.125]
    ((_, of),) = knees(rows_of(found))
    assert (of.rate, of.low) == (None, None)


class Quick(Target):
    """Always in time."""

    async def send(self, utterance: int) -> Answer:
        return Answer("text")


def test_a_search_ends_where_the_generator_does() -> None:
    found = search(Quick(), duration_s=1, warmup_s=0, rate_per_s=[2000.0])
    assert rates_of(found) == [2000.0, 4000.0, 8000.0]


def test_no_more_levels_than_the_most() -> None:
    load = Load(mode="open", search=True)
    seen = {0.2: True}
    for _ in range(SEARCH_MOST):
        rate = next_rate(seen, load)
        if rate is None:
            break
        seen[rate] = rate < 0.2001
    assert next_rate(seen, load) is None
    assert sorted(seen)[1] <= 0.22


def test_a_search_is_of_an_open_loop() -> None:
    with pytest.raises(ValidationError, match="belongs to mode"):
        Load(search=True)
    assert Load(mode="open", search=True).usual_s(batcher=False) == 8 * 35
    assert Load(mode="open", search=True).longest_s() == SEARCH_MOST * 95


def test_luck_beyond_what_was_surely_missed_is_no_knee() -> None:
    points = [
        Tried(1, True, True),
        Tried(2, True, False),
        Tried(3, False, False),
        Tried(4, True, False),
        Tried(5, False, True),
        Tried(6, True, False),
    ]
    assert knee(points) == Knee(4, 1, 5)
    assert knee([Tried(1, True, True)]) == Knee(1, 1, None)
    assert knee([Tried(2, False, True)]) == Knee(None, None, 2)
    assert knee([]) == Knee(None, None, None)


def test_streams_are_called_so() -> None:
    assert level(concurrency=4, rate_per_s=None).title.startswith("4 at once")
    assert level(concurrency=4, rate_per_s=None, paced=True).title.startswith("4 streams")
    assert level(rate_per_s=2.0, paced=True).title.startswith("2 streams a second")
