"""Figures as text: three significant digits, no exponents, a dash where there is none."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store import Metric

MISSING = "–"
"""In a cell without a figure; the table's notes say why."""


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many significant digits; thousands are set apart."""
    if value is None or math.isnan(value):
        return MISSING
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    if abs(value) < 1e-3:
        return f"{value:.{digits - 1}e}"
    text = f"{value:#.{digits}g}"
    return text.rstrip(".")


def percent(share: float | None, decimals: int = 1) -> str:
    """A share as per cent, without the sign."""
    return MISSING if share is None or math.isnan(share) else f"{100 * share:.{decimals}f}"


def size(count: float) -> str:
    """Bytes, in powers of 1000: ``378 MB``."""
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{number(count / factor)} {unit}"
    return f"{count:.0f} B"


def with_unit(metric: Metric, value: float) -> str:
    """A figure as its metric is written: ``62.0 %``, ``1.20 s``, ``36.9 MB``."""
    if metric.form == "bytes":
        return size(value)
    text = percent(value) if metric.form == "share" else number(value)
    return f"{value:,.0f}" if metric.form == "count" else f"{text} {metric.unit}".rstrip()


def change(ratio: float | None) -> str:
    """A ratio as a change in per cent, with a sign."""
    return MISSING if ratio is None or math.isnan(ratio) else f"{100 * (ratio - 1):+.1f}"


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Two ends in brackets.

    Args:
        low: Lower end; None or NaN where there is no interval.
        high: Upper end; None or NaN where there is no interval.
        digits: Significant digits of both.
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return MISSING
    return f"[{number(low, digits)}, {number(high, digits)}]"


def listing(words: Iterable[str], most: int = 4) -> str:
    """Words in a sentence; the rest as a number."""
    words = list(words)
    if len(words) > most:
        return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def plural(count: int, word: str) -> str:
    """A number and its noun."""
    if count == 1:
        return f"1 {word}"
    return f"{count:,} {word[:-1]}ies" if word.endswith("y") else f"{count:,} {word}s"


def tally(reasons: Iterable[str | None], most: int = 4) -> list[str]:
    """Reasons with how often they occur, the most frequent first."""
    counts = Counter(reason or "no reason given" for reason in reasons)
    lines = [
        f"{reason} ({count:,} times)" if count > 1 else reason
        for reason, count in counts.most_common(most)
    ]
    if len(counts) > most:
        lines.append(f"and {plural(len(counts) - most, 'other reason')}")
    return lines
