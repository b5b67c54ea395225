"""Turns counts into the readings that a result stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from store.records import FlopsReading

META = "meta"
LEFT_OUT = "padding counted; norms, activations, biases and feature extraction left out"


def meta_reading(
    stage: str, flops: int | None, *, missed: tuple[str, ...] = (), note: str = LEFT_OUT
) -> FlopsReading:
    """A reading of the count on the meta device; none where an operation could not be counted.

    Args:
        stage: The stage that was counted.
        flops: What was counted; None for nothing.
        missed: Operations without a formula.
        note: What the figure leaves out.
    """
    if missed:
        return no_reading(META, stage, f"no FLOP formula for {', '.join(missed)}")
    macs = None if flops is None else flops // 2
    return FlopsReading(method=META, stage=stage, flops=flops, macs=macs, note=note)


def no_reading(method: str, stage: str, reason: str) -> FlopsReading:
    """A reading without a figure, and why.

    Args:
        method: The way of counting.
        stage: The stage that has no figure.
        reason: Why, in words.
    """
    return FlopsReading(method=method, stage=stage, flops=None, macs=None, note=reason)


def mean_readings(of_batches: Sequence[tuple[FlopsReading, ...]]) -> tuple[FlopsReading, ...]:
    """The mean over batches, stage by stage; none where it was not counted for each of them."""
    means = []
    for readings in zip(*of_batches, strict=True):
        flops = [reading.flops for reading in readings if reading.flops is not None]
        if len(flops) < len(readings):
            means.append(next(reading for reading in readings if reading.flops is None))
            continue
        mean = round(fmean(flops))
        means.append(
            replace(
                readings[0],
                flops=mean,
                macs=None if readings[0].macs is None else mean // 2,
                note=f"{readings[0].note or ''}; mean over batches".removeprefix("; "),
            )
        )
    return tuple(means)
