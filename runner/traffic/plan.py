"""What is to be sent: the levels of a load, one after the other."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import product

from runner.config.load import FIRST_RATE, SCHEDULED_MOST, SEARCH_MOST, Load
from runner.traffic.generator import Held
from runner.traffic.level import Level
from runner.traffic.summary import meets
from runner.traffic.target import Failure, Target

CLOSE = 1.1
"""A search ends when the smallest rate that was missed is so near the largest that was met."""

FEWEST_DUE = 5
"""Requests of a level below which a search does not go."""


Levels = Generator[Level, Held, None]
"""Gives the levels one after the other, and is sent what came of each."""


def levels_of(load: Load, *, batcher: bool, seed: int) -> Levels:
    """The levels of a load: those of the config in its order, then those of the search.

    Args:
        load: What is asked for.
        batcher: Whether the target has a batcher of ours, whose batches and models are axes.
        seed: Seed of arrivals and orders: the same at every level, so that levels differ in their
            load alone.
    """
    is_open = load.mode == "open"
    points: Sequence[float] = load.rate_per_s if is_open else load.concurrency
    services = list(product(load.replicas, load.max_batch)) if batcher else [(None, None)]
    for replicas, max_batch in services:
        level = Level(
            concurrency=None,
            rate_per_s=None,
            arrivals=load.arrivals,
            max_batch=max_batch,
            replicas=replicas,
            warmup_s=load.warmup_s,
            duration_s=load.duration_s,
            timeout_s=load.timeout_s,
            slo_p95_s=load.slo.p95_s,
            seed=seed,
        )
        seen: dict[float, bool] = {}
        for point in points or (FIRST_RATE,):
            if is_open:
                held = yield replace(level, rate_per_s=float(point))
                seen[float(point)] = meets(held)
            else:
                yield replace(level, concurrency=int(point))
        for _ in range(SEARCH_MOST if load.search else 0):
            rate = next_rate(seen, load)
            if rate is None:
                break
            held = yield replace(level, rate_per_s=rate)
            seen[rate] = meets(held)


async def hold_all(target: Target, levels: Levels, one: Callable[[Level], Awaitable[Held]]) -> None:
    """Holds levels one after the other, each on a service that has forgotten the one before.

    Args:
        target: What the requests are sent to.
        levels: What is planned, which depends on what came of the levels before.
        one: Holds a level.
    """
    held: Held | None = None
    while True:
        try:
            level = next(levels) if held is None else levels.send(held)
        except StopIteration:
            return
        level = replace(level, paced=target.paced)
        await target.settle(max_batch=level.max_batch, replicas=level.replicas)
        if held is not None and held.ended_early is not None:
            await _drain(target, level.timeout_s)
        held = await one(level)


async def _drain(target: Target, most_s: float) -> None:
    """Waits for a request of its own, behind those that a service may not know to be abandoned."""
    with suppress(TimeoutError, Failure):
        async with asyncio.timeout(target.lasts_s(0) + most_s):
            await target.send(0)


def next_rate(seen: Mapping[float, bool], load: Load) -> float | None:
    """The rate that a search tries next; None where it has found enough.

    Args:
        seen: Rate to whether it met the SLO, one at least.
        load: Its limits.
    """
    missed = [rate for rate, met in seen.items() if not met]
    high = min(missed, default=None)
    low = max((rate for rate, met in seen.items() if met and rate < (high or math.inf)), default=0)
    if high is None:
        most = min(10_000.0, SCHEDULED_MOST / (load.duration_s + load.warmup_s))
        return rounded(2 * low) if 2 * low <= most else None
    if not low:
        return rounded(high / 2) if high / 2 * load.duration_s >= FEWEST_DUE else None
    middle = rounded(math.sqrt(low * high))
    return None if high <= CLOSE * low or middle in seen else middle


def rounded(rate: float) -> float:
    """A rate to three digits."""
    return float(f"{rate:.3g}")
