"""What a scenario makes of a figure: the number that a limit comes to, and what is best."""

from __future__ import annotations

import math
from collections.abc import Sequence

from report.scenarios import MEASURES, Aim, Limit, MeasureName, value_of
from report.study import Case

LEAST = 1e-4
"""A WER of 0 is the best there is, not infinitely better than the next."""


def bound_of(limit: Limit, candidates: Sequence[Case]) -> float:
    """The number that a limit comes to."""
    if limit.at_most_times_best is not None:
        values = [value_of(case, limit.measure) for case in candidates]
        return limit.at_most_times_best * min(value for value in values if value is not None)
    bound = limit.at_most if limit.at_most is not None else limit.at_least
    return math.nan if bound is None else bound


def keeps(limit: Limit, value: float, bound: float) -> bool:
    """Whether a figure is on the right side of a limit's number.

    Args:
        limit: Says which side is right.
        value: The figure, in the unit of the limit's measure.
        bound: The number, in the same unit; see :func:`bound_of`.
    """
    return value >= bound if limit.at_least is not None else value <= bound


def cost_of(aims: Sequence[Aim], case: Case) -> float:
    """The logarithm of the weighted geometric mean of the figures: the less, the better.

    Args:
        aims: The objective.
        case: It has every figure of it.
    """
    return sum(weight_of(aim) * math.log(floored(value_of(case, aim.measure))) for aim in aims)


def weight_of(aim: Aim) -> float:
    """The power of a figure in the mean; negative where more is better."""
    return aim.weight if aim.goal == "least" else -aim.weight


def floored(value: float | None) -> float:
    """A figure of which a logarithm can be taken."""
    return max(value or 0.0, LEAST)


def in_unit(measure: MeasureName, value: float) -> str:
    """A figure with its unit, for a sentence."""
    if measure == "wer":
        return f"{100 * value:.1f} %"
    number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    unit = MEASURES[measure].unit
    return f"{number} {unit}" if unit else number
