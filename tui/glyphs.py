"""The signs the app draws with, and their ASCII stand-ins for fonts and terminals without them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Glyphs:
    """One set of signs."""

    spark: str
    """Heights of a sparkline, lowest first."""
    bar_full: str
    bar_parts: str
    """Parts of a bar's last cell, least first."""
    bar_empty: str
    on: str
    """Something is well, or chosen."""
    off: str
    warn: str
    bad: str
    running: str
    starting: str
    queued: str
    done: str
    failed: str
    cancelled: str
    lost: str
    cursor: str
    arrow: str
    """Before a remedy."""
    up: str
    down: str
    rule: str
    dot: str
    """Between two parts of a line."""
    ellipsis: str
    more: str
    """Something lies further to the right."""
    dash: str
    """No value."""
    plus_minus: str
    times: str
    series: str
    """Marks of chart series, which differ without colour."""


UNSTABLE = "~"
"""Before a latency: the machine was not quiet.

It, the signs of `report.speech` and the letters ``e``, ``s`` and ``r`` are ASCII in every set.
"""

UNICODE = Glyphs(
    spark="▁▂▃▄▅▆▇█",
    bar_full="━",
    bar_parts="╸",
    bar_empty="─",
    on="●",
    off="○",
    warn="▲",
    bad="✗",
    running="▶",
    starting="◌",
    queued="○",
    done="✓",
    failed="✗",
    cancelled="■",
    lost="?",
    cursor="▌",
    arrow="→",
    up="▲",
    down="▼",
    rule="─",
    dot="·",
    ellipsis="…",
    more="›",
    dash="-",
    plus_minus="±",
    times="×",
    series="●▲■◆○△□◇",
)
ASCII = Glyphs(
    spark="_.:-=+*#",
    bar_full="#",
    bar_parts="",
    bar_empty="-",
    on="*",
    off="o",
    warn="!",
    bad="x",
    running=">",
    starting="~",
    queued="o",
    done="+",
    failed="x",
    cancelled="#",
    lost="?",
    cursor="|",
    arrow=">",
    up="^",
    down="v",
    rule="-",
    dot="-",
    ellipsis=".",
    more=">",
    dash="-",
    plus_minus="+-",
    times="x",
    series="ox+*#%@&",
)


def glyphs(*, ascii: bool) -> Glyphs:
    """The set to draw with."""
    return ASCII if ascii else UNICODE
