"""Text that can be read in every theme, on every ground that it comes to stand on."""

from __future__ import annotations

import re
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import BLACK, WHITE, Color
from textual.constants import DIM_FACTOR
from textual.filter import LineFilter

LEAST_CONTRAST = 4.5
"""Ratio of the luminances of text and ground. Source: WCAG 2.2, success criterion 1.4.3."""

STEPS = 20
"""In how many steps a colour is led to black or white."""

_READ = re.compile(r"[^\s─-▟⠀-⣿]")
"""What is more than a rule, a bar or the dots of a curve."""


class ContrastFilter(LineFilter):
    """Leads the colour of text towards black or white until it stands out from its ground.

    A theme knows neither which colours of ours come to stand on its cursor nor how faint half of
    its foreground is. Rules, bars and curves keep their colours.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(segment.text, _readable(segment.style, background), segment.control)
            if segment.style is not None and _READ.search(segment.text)
            else segment
            for segment in segments
        ]


def contrast(a: Color, b: Color) -> float:
    """The contrast of two opaque colours, 1 to 21.

    Source: WCAG 2.2, definition of contrast ratio.
    """
    dark, light = sorted((_luminance(a), _luminance(b)))
    return (light + 0.05) / (dark + 0.05)


@lru_cache(4096)
def _readable(style: Style, background: Color) -> Style:
    if style.reverse or style.color is None or style.color.triplet is None:
        return style  # A colour of the terminal's own is nobody's to judge.
    ground = background
    if style.bgcolor is not None:
        if style.bgcolor.triplet is None:
            return style
        ground = Color.from_rich_color(style.bgcolor)
    colour = Color.from_rich_color(style.color)
    if style.dim:  # Else the terminal makes it as faint as it likes.
        colour = ground.blend(colour, DIM_FACTOR)
        style += Style(dim=False)
    end = max(BLACK, WHITE, key=lambda extreme: contrast(ground, extreme))
    shades = (colour.blend(end, step / STEPS) for step in range(STEPS + 1))
    found = next((shade for shade in shades if contrast(ground, shade) >= LEAST_CONTRAST), end)
    return style + Style(color=found.rich_color)


def _luminance(colour: Color) -> float:
    parts = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
