"""The last word on ``--ascii``: whatever is about to be drawn, ASCII is what arrives."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_KNOWN = {
    "…": ".",
    "─": "-",
    "│": "|",
    "▁": "_",
    "▔": "-",
    "▊": "|",
    "▎": "|",
    "▌": "|",
    "█": "#",
    "•": "*",
    "·": "-",
    "×": "x",
    "≈": "~",
    "→": ">",
    "↑": "^",
    "↓": "v",
    "←": "<",
}


class AsciiFilter(LineFilter):
    """Puts an ASCII sign of the same width in the place of every other sign."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment
            if segment.text.isascii()
            else Segment(_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]


@lru_cache(4096)
def _ascii(text: str) -> str:
    return "".join(
        sign if sign.isascii() else _KNOWN.get(sign, "?" * cell_len(sign)) for sign in text
    )
