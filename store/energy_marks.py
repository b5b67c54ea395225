"""The sign before joules, which says how they were obtained: every table and page asks here."""

from __future__ import annotations

from typing import Literal

EnergyLabel = Literal["measured", "sampled", "estimated"]

ESTIMATED = "≈"
"""Before estimated joules: no letter, which beside a number would read as an exponent."""
SAMPLED = "s"
"""Before joules that a power sensor was sampled for."""

_MARKS = {"estimated": ESTIMATED, "sampled": SAMPLED}


def energy_mark(label: str | None) -> str:
    """The sign before joules of a label, such as ``≈19.4``; empty where they were measured.

    Args:
        label: ``measured``, ``sampled`` or ``estimated``; None without joules.
    """
    return _MARKS.get(label or "", "")
