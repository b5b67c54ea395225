"""How many values an interval needs: the one place that says so."""

from __future__ import annotations

from typing import NamedTuple

FEWEST_ROUNDS = 4
"""Rounds of a batch cycle, or windows of a meter, below which nothing has an interval. From two or
three rounds the bootstrap of a median covers the truth 50 to 75 times in a hundred at a nominal
95, and Student's interval would be so wide that it says nothing."""

FEW_ROUNDS = f"fewer than {FEWEST_ROUNDS} rounds of the batch cycle give no interval"
"""The reason that stands where an interval is missing."""

FEWEST_CLUSTERS = 4
"""Speakers, recordings or utterances that a bootstrap draws. From fewer the draws are nearly all
alike, and an interval says nothing."""


class Interval(NamedTuple):
    """Both ends in the unit of the values, or None and why."""

    low: float | None
    high: float | None
    reason: str | None = None
