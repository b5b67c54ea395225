"""Turns counts into the readings that a result stores."""

from __future__ import annotations

from store.records import FlopsReading

META = "meta"
LEFT_OUT = "padding counted; norms, activations, biases and feature extraction left out"


def meta_reading(
    stage: str, flops: int | None, *, missed: tuple[str, ...] = (), note: str = LEFT_OUT
) -> FlopsReading:
    """A reading of the count on the meta device; none where an operation could not be counted."""
    if missed:
        return no_reading(META, stage, f"no FLOP formula for {', '.join(missed)}")
    macs = None if flops is None else flops // 2
    return FlopsReading(method=META, stage=stage, flops=flops, macs=macs, note=note)


def no_reading(method: str, stage: str, reason: str) -> FlopsReading:
    """A reading without a figure, and why."""
    return FlopsReading(method=method, stage=stage, flops=None, macs=None, note=reason)
