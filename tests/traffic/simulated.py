"""An event loop whose clock jumps to the next thing to happen, and services with known times."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import numpy as np

from runner.traffic.generator import hold
from runner.traffic.level import Level
from runner.traffic.summary import summarise
from runner.traffic.target import Answer, Target
from store.load_records import LoadLevel

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Never waits: it moves the clock."""

    now_s = 1000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if not found and timeout:
            self.now_s += timeout
        return found


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Hours pass in a moment."""

    def __init__(self) -> None:
        self.selector = _Selector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now_s


def simulate(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs a coroutine with the simulated clock."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(work())


class OneServer(Target):
    """One server, first come first served."""

    def __init__(self, service_s: Callable[[], float]) -> None:
        self.service_s = service_s
        self.free_s = 0.0
        self.most_at_once = 0

    async def send(self, utterance: int) -> Answer:
        loop = asyncio.get_running_loop()
        start = max(loop.time(), self.free_s)
        self.free_s = start + self.service_s()
        end = self.free_s
        await asyncio.sleep(end - loop.time())
        return Answer("text", service_start_s=start, service_end_s=end, batch=1)


def constant(seconds: float) -> Callable[[], float]:
    return lambda: seconds


def exponential(mean_s: float, seed: int = 5) -> Callable[[], float]:
    generator = np.random.default_rng(seed)
    return lambda: float(generator.exponential(mean_s))


SERVICE_S = 0.05


def level(**changes: Any) -> Level:
    """A level of ten Poisson requests a second, but for what is changed."""
    fields: dict[str, Any] = {
        "concurrency": None,
        "rate_per_s": 10.0,
        "arrivals": "poisson",
        "max_batch": None,
        "replicas": None,
        "warmup_s": 20.0,
        "duration_s": 600.0,
        "timeout_s": 60.0,
        "slo_p95_s": 2.0,
        "seed": 3,
    }
    return Level(**{**fields, **changes})


def figures(target: Target, of: Level) -> LoadLevel:
    """What is found of a service in simulated time; each of its ten utterances lasts 2 s."""
    held = simulate(lambda: hold(target, of, 10))
    return summarise(held, [2.0] * 10, seed=1)
