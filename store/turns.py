"""The ratio of two that took turns, and its interval: the one place where that is estimated.

The runner stores it with a result, the report asks again for the confidence that a whole table
needs. Both may import the store alone, so it stands here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from store.student import student_quantile

BASELINE, VARIANT = "interleaved:baseline", "interleaved:variant"
"""Kinds of the samples of the two."""
FEWEST_ROUNDS = 4
"""With fewer the interval would be so wide, and rest so much on the spread of so few, that it says
nothing."""


@dataclass(frozen=True, kw_only=True)
class TurnsRatio:
    """How many times one is the other."""

    ratio: float
    low: float | None
    """Lower end of its interval; None with a reason where there is none."""
    high: float | None
    reason: str | None


def turns_ratio(
    above: Sequence[Sequence[float]],
    below: Sequence[Sequence[float]],
    *,
    confidence: float = 0.95,
) -> TurnsRatio:
    """The geometric mean over rounds of ``above`` by ``below``, with Student's interval.

    A round holds one value of every batch of both, measured one right after the other: what
    disturbed both cancels in its ratio. The logarithms of the rounds' ratios are what is averaged.

    Args:
        above: Seconds of each batch, a value a round.
        below: The same, of the same rounds.
        confidence: Of the interval.
    """
    rounds = min(len(values) for side in (above, below) for values in side)
    logs = [
        math.log(sum(values[n] for values in above) / sum(values[n] for values in below))
        for n in range(rounds)
    ]
    middle = fmean(logs)
    if rounds < FEWEST_ROUNDS:
        return TurnsRatio(
            ratio=math.exp(middle),
            low=None,
            high=None,
            reason=f"fewer than {FEWEST_ROUNDS} rounds in turns give no interval",
        )
    half = student_quantile((1 + confidence) / 2, rounds - 1) * stdev(logs) / math.sqrt(rounds)
    return TurnsRatio(
        ratio=math.exp(middle),
        low=math.exp(middle - half),
        high=math.exp(middle + half),
        reason=None,
    )
