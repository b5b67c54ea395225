"""What a device can do at best: a large matrix product, a large copy, a small model.

No model reaches the first two, which are a roofline's; they say how far away it is. The third is
what small kernels cost here. Together they are a calibration of this machine by this framework,
with as many threads as the case had, and no figure of a data sheet: machines that are called equal
can be told apart by it.
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


LAYERS, WIDTH, HEADS, FRAMES = 4, 256, 4, 250
"""Of the small model: an encoder of transformer layers over five seconds of speech features."""

CPU = Sizes(side=1536, copied_bytes=256 * 2**20)
GPU = Sizes(side=8192, copied_bytes=2**30)


def measure_peak(
    device: str, *, clock: Callable[[], float] = time.perf_counter, sizes: Sizes | None = None
) -> Peak:
    """Times a float32 matrix product, a copy in the device's memory and a small model.

    It takes about two seconds.

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
        model = _small_model().to(device)
        features = torch.ones((1, FRAMES, WIDTH), device=device)
        model_s = _best(lambda: model(features), synchronize, clock)
    return Peak(
        device=device,
        dtype="float32",
        threads=torch.get_num_threads() if device == "cpu" else None,
        flops_per_s=2 * sizes.side**3 / product_s,
        bytes_per_s=2 * sizes.copied_bytes / copy_s,
        detail=f"product of {sizes.side} x {sizes.side}, copy of {sizes.copied_bytes / 1e6:.0f} MB",
        model_s=model_s,
    )


def _small_model() -> torch.nn.Module:
    """A transformer encoder, the same on every machine; the seed of others is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = torch.nn.TransformerEncoderLayer(
            WIDTH, HEADS, dim_feedforward=4 * WIDTH, batch_first=True
        )
        return torch.nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False).eval()


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
