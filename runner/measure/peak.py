"""What a device can do at best: a large matrix product and a large copy, as rooflines need them.

No model reaches these; they say how far away it is. It is a calibration of this machine by this
framework, with as many threads as the case had, and no figure of a data sheet.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from store.records import Peak

SECONDS = 0.5
"""Least time for each of the two, after a first run that does not count."""
LEAST = 4
"""Fewest repetitions that count."""


@dataclass(frozen=True)
class Sizes:
    """Work that is large for the device and takes well under a second."""

    side: int
    """Rows and columns of the matrices."""
    copied_bytes: int
    """Beyond any cache."""


CPU = Sizes(side=1536, copied_bytes=256 * 2**20)
GPU = Sizes(side=8192, copied_bytes=2**30)


def measure_peak(
    device: str, *, clock: Callable[[], float] = time.perf_counter, sizes: Sizes | None = None
) -> Peak:
    """Times a float32 matrix product and a copy in the device's memory; takes about a second.

    Args:
        device: ``cpu``, ``cuda``, ``cuda:1``.
        clock: Seconds.
        sizes: Of the work; by default by the kind of device.

    Raises:
        RuntimeError: There is not enough memory, or no such device.
    """
    sizes = sizes or (CPU if device == "cpu" else GPU)
    synchronize = (lambda: None) if device == "cpu" else (lambda: torch.cuda.synchronize(device))
    generator = torch.Generator(device).manual_seed(0)
    with torch.inference_mode():
        a, b = (
            torch.rand((sizes.side, sizes.side), generator=generator, device=device)
            for _ in range(2)
        )
        product = torch.empty_like(a)
        product_s = _best(lambda: torch.mm(a, b, out=product), synchronize, clock)
        source = torch.ones(sizes.copied_bytes // 4, device=device)
        target = torch.empty_like(source)
        copy_s = _best(lambda: target.copy_(source), synchronize, clock)
    return Peak(
        device=device,
        dtype="float32",
        threads=torch.get_num_threads() if device == "cpu" else None,
        flops_per_s=2 * sizes.side**3 / product_s,
        bytes_per_s=2 * sizes.copied_bytes / copy_s,
        detail=f"product of {sizes.side} x {sizes.side}, copy of {sizes.copied_bytes / 1e6:.0f} MB",
    )


def _best(
    work: Callable[[], object], synchronize: Callable[[], None], clock: Callable[[], float]
) -> float:
    """Seconds of the fastest repetition."""
    work()
    synchronize()
    best, started, count = float("inf"), clock(), 0
    while count < LEAST or clock() - started < SECONDS:
        begin = clock()
        work()
        synchronize()
        best = min(best, clock() - begin)
        count += 1
    return best
