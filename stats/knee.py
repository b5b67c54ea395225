"""The knee of a service: the largest rate at which it is still quick enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tried:
    """A rate that was tried."""

    rate: float
    """Requests a second."""
    met: bool
    """Whether enough requests were answered in time."""
    sure: bool
    """Whether the interval of their latency leaves no doubt of that."""


@dataclass(frozen=True)
class Knee:
    """The largest rate that was seen to be met, and between which rates the true one lies."""

    rate: float | None
    """None where no rate was met."""
    low: float | None
    """The largest rate that was surely met; None where there is none."""
    high: float | None
    """The smallest rate that was surely missed; None where there is none."""


def knee(tried: Iterable[Tried]) -> Knee:
    """The knee of rates in any order.

    What was met beyond a rate that was surely missed is luck, and does not count; nor does what was
    surely missed at a rate below one that was surely met.
    """
    order = sorted(tried, key=lambda one: one.rate)
    missed = [one.rate for one in order if one.sure and not one.met]
    surely = [one.rate for one in order if one.sure and one.met]
    high = min((rate for rate in missed if rate > max(surely, default=0.0)), default=None)
    below = [one.rate for one in order if one.met and (high is None or one.rate < high)]
    low = max((rate for rate in surely if high is None or rate < high), default=None)
    return Knee(max(below, default=None), low, high)
