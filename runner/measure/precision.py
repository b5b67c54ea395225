"""Ends a timed loop as soon as its interval is as narrow as was asked for."""

from __future__ import annotations

import math
from collections.abc import Callable

from stats.intervals import FEWEST_ROUNDS

GROWTH = 1.25
"""Rounds grow by this factor from one look at the interval to the next."""


class PrecisionGoal:
    """Says after which round of a loop its interval is narrow enough.

    It looks at the interval after ``FEWEST_ROUNDS`` rounds and then each time that there are a
    quarter more: a look takes time between two rounds, and each further one is a further chance to
    end on values that agree by luck. Looked at so, the intervals cover the truth as often as those
    of a loop of fixed length.
    """

    def __init__(self, share: float | None) -> None:
        """Takes the half-width to reach, as a share of the estimate; None is never reached."""
        self._share = share
        self._next_look = FEWEST_ROUNDS

    def reached(self, rounds: int, half_width: Callable[[], float]) -> bool:
        """Whether the loop may end.

        Args:
            rounds: Whole rounds of the batch cycle until now.
            half_width: Computes the present half-width, as a share of the estimate.
        """
        if self._share is None or rounds < self._next_look:
            return False
        self._next_look = max(rounds + 1, math.ceil(rounds * GROWTH))
        return half_width() <= self._share
