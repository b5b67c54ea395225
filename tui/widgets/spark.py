"""A figure that moves: its name, its latest value, and how it came there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from tui.base import AppPart
from tui.glyphs import Glyphs
from tui.palette import Palette
from tui.plain import fit
from tui.present import number

_LEAST_CURVE = 6
"""Cells that a curve has beside the ends of its axis."""


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
    low, high = ends_of(shown, from_zero=from_zero, top=top)
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


def ends_of(values: Sequence[float], *, from_zero: bool, top: float = 0.0) -> tuple[float, float]:
    """What the lowest and the highest bar of a curve are.

    Args:
        values: Those that are drawn, at least one.
        from_zero: See ``spark``.
        top: See ``spark``.
    """
    low = 0.0 if from_zero else min(values)
    return low, max(*values, top, low)


class Spark(AppPart, Widget):
    """Two lines or more: name and value above, the curve below; in one line, side by side."""

    def __init__(
        self,
        name: str,
        *,
        from_zero: bool = True,
        top: float = 0.0,
        nothing: str = "",
        said: Callable[[float], str] = number,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """A curve without values.

        Args:
            name: Name of the value.
            from_zero: See ``spark``.
            top: See ``spark``.
            nothing: Why there may be no value.
            said: Writes an end of the axis, with its unit.
            id: Id of the widget.
            classes: Its classes.
        """
        super().__init__(id=id, classes=classes)
        self._title = name
        self._from_zero = from_zero
        self._top = top
        self._nothing = nothing
        self._said = said
        self._instead = ""
        self._values: tuple[float, ...] = ()
        self._value = ""
        self._aside = ""

    def show(self, values: Sequence[float], value: str, aside: str = "") -> None:
        """Shows a curve.

        Args:
            values: The values, oldest first; without any the value in words stands alone.
            value: The latest value in words.
            aside: Words beside it.
        """
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
        app = self.asrprof
        palette, glyphs = app.palette, app.glyphs
        width, height = self.size.width, self.size.height
        name = min(max(9, cell_len(self._title) + 1), width)
        head = Text(fit(self._title, name), palette.muted, no_wrap=True)
        value = Text(self._value, f"bold {palette.foreground}")
        if not self._value:
            value = Text(self._instead or self._nothing, palette.faint)
        if height < 2:
            if not self._values:
                return head.append_text(value)
            head.append(" " * max(0, 8 - value.cell_len)).append_text(value).append(" ")
            aside = f" {self._span(width)}"
            if width - head.cell_len - cell_len(aside) < _LEAST_CURVE:
                aside = ""
            room = width - head.cell_len - cell_len(aside)
            head.append_text(self._curve(room, 1, palette, glyphs))
            return head.append(aside, palette.muted)
        head.append_text(value)
        room = width - head.cell_len
        if self._aside and cell_len(self._aside) < room:
            head.append(fit(self._aside, room, right=True), palette.muted)
        if self._value and not self._values:
            return head
        head.append("\n")
        # Beside the first and the last line of bars; both beside the only one.
        high, low = self._ends(width) if self._values else ("", "")
        beside = [high, *[""] * (height - 3), low] if height > 2 else [self._span(width)]
        size = max(map(cell_len, beside))
        room = width - size - 1
        if not size or room < _LEAST_CURVE:
            return head.append_text(self._curve(width, height - 1, palette, glyphs))
        lines = self._curve(room, height - 1, palette, glyphs).split("\n", allow_blank=True)
        for line, end in zip(lines, beside, strict=True):
            line.append(f" {end}", palette.muted)
        return head.append_text(Text("\n").join(lines))

    def _span(self, width: int) -> str:
        """The ends of the axis in one line."""
        return " to ".join(reversed(self._ends(width))) if self._values else ""

    def _ends(self, width: int) -> tuple[str, str]:
        """The upper and the lower end of the axis in words."""
        shown = self._values[-width:]
        low, high = ends_of(shown, from_zero=self._from_zero, top=self._top)
        return self._said(high), self._said(low)

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
