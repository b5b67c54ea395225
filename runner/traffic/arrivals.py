"""When requests fall due, and which utterances they carry: seeded, to be repeated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from runner.config.load import Arrivals

Floats = NDArray[np.float64]

BURST = 4.0
"""Mean requests of a burst; their number is geometric."""


def due_times(arrivals: Arrivals, rate_per_s: float, length_s: float, seed: int) -> Floats:
    """When the requests of an open loop fall due.

    Args:
        arrivals: How they are spread.
        rate_per_s: Requests a second, in the mean.
        length_s: For how long.
        seed: Seed of the draws.

    Returns:
        Seconds from the beginning, ascending, all below ``length_s``.
    """
    if arrivals == "constant":
        return np.arange(int(np.ceil(length_s * rate_per_s))) / rate_per_s
    generator = np.random.default_rng(seed)
    size = BURST if arrivals == "bursty" else 1.0
    times: list[Floats] = []
    at, draw = 0.0, max(64, int(length_s * rate_per_s / size * 1.2))
    while at < length_s:
        gaps = generator.exponential(size / rate_per_s, draw)
        times.append(at + np.cumsum(gaps))
        at = float(times[-1][-1])
    due = np.concatenate(times)
    due = due[due < length_s]
    if arrivals == "bursty":
        due = np.repeat(due, generator.geometric(1 / size, len(due)))
    return due


def endless_order(count: int, seed: int) -> Iterator[int]:
    """Indices of utterances, each once in every round, every round in another seeded order.

    Args:
        count: Utterances.
        seed: Seed of the orders.
    """
    generator = np.random.default_rng((seed, 1))
    while True:
        yield from generator.permutation(count).tolist()
