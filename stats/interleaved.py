"""The ratio of two that were interleaved, and its interval: the one file where that is estimated.

The runner stores it with a result, the report asks again for the confidence that a whole table
needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from stats.intervals import FEWEST_ROUNDS
from stats.student import t_quantile


@dataclass(frozen=True, kw_only=True)
class InterleavedRatio:
    """How many times one is the other."""

    ratio: float
    low: float | None
    """Lower end of its interval; None with a reason where there is none."""
    high: float | None
    reason: str | None

    @property
    def half_width(self) -> float:
        """Half the interval's width, as a share of the ratio; infinite where there is none."""
        if self.low is None or self.high is None:
            return math.inf
        return (self.high - self.low) / 2 / self.ratio


def interleaved_ratio(
    above: Sequence[Sequence[float]],
    below: Sequence[Sequence[float]],
    *,
    confidence: float = 0.95,
) -> InterleavedRatio:
    """The geometric mean over rounds of ``above`` by ``below``, with Student's interval.

    A round holds one value of every batch of both, measured one right after the other: what
    disturbed both cancels in its ratio. The logarithms of the rounds' ratios are what is averaged.

    Args:
        above: Seconds of each batch, a value a round.
        below: The same, of the same rounds.
        confidence: Coverage of the interval, 0 to 1.
    """
    rounds = min(len(values) for side in (above, below) for values in side)
    logs = [
        math.log(sum(values[n] for values in above) / sum(values[n] for values in below))
        for n in range(rounds)
    ]
    middle = fmean(logs)
    if rounds < FEWEST_ROUNDS:
        return InterleavedRatio(
            ratio=math.exp(middle),
            low=None,
            high=None,
            reason=f"fewer than {FEWEST_ROUNDS} interleaved rounds give no interval",
        )
    half = t_quantile((1 + confidence) / 2, rounds - 1) * stdev(logs) / math.sqrt(rounds)
    return InterleavedRatio(
        ratio=math.exp(middle),
        low=math.exp(middle - half),
        high=math.exp(middle + half),
        reason=None,
    )
