"""A figure that moves: its name, its latest value, and how it came there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from tui.glyphs import Glyphs
from tui.palette import Palette
from tui.plain import fit

if TYPE_CHECKING:
    from tui.app import AsrprofApp


def spark(
    values: Sequence[float],
    width: int,
    height: int,
    glyphs: str,
    *,
    from_zero: bool,
    top: float = 0.0,
) -> list[str]:
    """The last ``width`` values as ``height`` lines of bars, from the top.

    Args:
        values: What to draw; fewer than ``width`` leave the left empty.
        width: Cells.
        height: Lines.
        glyphs: Bars of one cell, lowest first.
        from_zero: Whether an empty bar is zero, or the least of the values.
        top: What a full bar is at the least.
    """
    shown = list(values)[-width:] if width > 0 else []
    if not shown:
        return [" " * width] * height
    low = 0.0 if from_zero else min(shown)
    high = max(*shown, top, low)
    steps = len(glyphs) * height
    middle = (steps + 1) // 2
    levels = [
        1 + round((value - low) / (high - low) * (steps - 1)) if high > low else middle
        for value in shown
    ]
    lines = []
    for line in range(height - 1, -1, -1):
        base = line * len(glyphs)
        cells = [
            glyphs[min(level - base, len(glyphs)) - 1] if level > base else " " for level in levels
        ]
        lines.append("".join(cells).rjust(width))
    return lines


class Spark(Widget):
    """Two lines or more: name and value above, the curve below; in one line, side by side."""

    def __init__(
        self,
        name: str,
        *,
        from_zero: bool = True,
        top: float = 0.0,
        nothing: str = "",
        id: str | None = None,
    ) -> None:
        """``nothing`` says why there may be no value; for the rest see ``spark``."""
        super().__init__(id=id)
        self._title = name
        self._from_zero = from_zero
        self._top = top
        self._nothing = nothing
        self._instead = ""
        self._values: tuple[float, ...] = ()
        self._value = ""
        self._aside = ""

    def show(self, values: Sequence[float], value: str, aside: str = "") -> None:
        """The curve, the latest value in words, and words beside it."""
        new = (tuple(values), value, aside)
        if new != (self._values, self._value, self._aside):
            self._values, self._value, self._aside = new
            self.refresh()

    def quiet(self, words: str) -> None:
        """Shows no curve, but why; with no words, what it was made with."""
        if words != self._instead:
            self._instead = words
            self.show((), "")
            self.refresh()

    def render(self) -> Text:
        app = cast("AsrprofApp", self.app)
        palette, glyphs = app.palette, app.glyphs
        width, height = self.size.width, self.size.height
        head = Text(fit(self._title, min(9, width)), palette.muted, no_wrap=True)
        value = Text(self._value, f"bold {palette.foreground}")
        if not self._values:
            value = Text(self._instead or self._nothing, palette.faint)
        if height < 2:
            if not self._values:
                return head.append_text(value)
            head.append(" " * max(0, 8 - value.cell_len)).append_text(value).append(" ")
            return head.append_text(self._curve(width - head.cell_len, 1, palette, glyphs))
        head.append_text(value)
        room = width - head.cell_len
        if self._aside and cell_len(self._aside) < room:
            head.append(fit(self._aside, room, right=True), palette.muted)
        return head.append("\n").append_text(self._curve(width, height - 1, palette, glyphs))

    def _curve(self, width: int, height: int, palette: Palette, glyphs: Glyphs) -> Text:
        """The bars; what is not filled yet has a faint ground line."""
        lines = spark(
            self._values, width, height, glyphs.spark, from_zero=self._from_zero, top=self._top
        )
        text = Text(no_wrap=True)
        for line in lines[:-1]:
            text.append(line, palette.curve).append("\n")
        empty = max(0, width - len(self._values))
        text.append(glyphs.spark[0] * empty, palette.faint)
        return text.append(lines[-1][empty:], palette.curve)
