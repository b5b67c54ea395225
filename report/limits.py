"""Limits of a comparison: which change of which figure must not be passed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from report.errors import ReportError
from store import COLUMNS

Quantity = Literal["latency", "rtfx", "energy", "memory", "wer", "p95"]

_COLUMN: dict[Quantity, str] = {
    "latency": "latency_ms",
    "rtfx": "rtfx",
    "energy": "energy_j",
    "memory": "rss_mb",
    "wer": "wer",
    "p95": "latency_ms",
}
"""The column of the leaderboard that each is, which says which way it gets better."""

_LIMIT = re.compile(r"(?P<name>[a-z0-9]+):(?P<by>[+-]\d+(?:\.\d+)?)(?P<unit>%|pp)")


@dataclass(frozen=True)
class Limit:
    """A change that must not be passed: ``latency:+5%``, ``wer:+0.5pp``."""

    quantity: Quantity
    change: float
    """Relative, or in error rate where ``points``; its sign says which way is worse."""
    points: bool

    @property
    def text(self) -> str:
        unit = "pp" if self.points else "%"
        return f"{self.quantity}:{100 * self.change:+g}{unit}"


def parse_limit(text: str) -> Limit:
    """Reads ``latency:+5%``.

    Raises:
        ReportError: It is no limit; one line.
    """
    match = _LIMIT.fullmatch(text.strip())
    names = get_args(Quantity)
    if match is None or match["name"] not in names:
        raise ReportError(
            f"--fail-on {text!r}: write for example latency:+5%, rtfx:-5%, energy:+10%, "
            "memory:+10%, p95:+10%, wer:+5% or wer:+0.5pp"
        )
    points = match["unit"] == "pp"
    if points and match["name"] != "wer":
        raise ReportError(f"--fail-on {text!r}: only wer has points; write a change in %")
    name: Quantity = next(known for known in names if known == match["name"])
    worse = "+" if COLUMNS[_COLUMN[name]].better == "lower" else "-"
    if not match["by"].startswith(worse):
        right = f"{name}:{worse}{match['by'][1:]}{match['unit']}"
        raise ReportError(f"--fail-on {text!r}: would fail what gets better; write {right}")
    return Limit(name, float(match["by"]) / 100, points)
