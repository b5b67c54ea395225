"""How a table of fixed columns is drawn: where its columns stand, its heading and its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.glyphs import Glyphs
from tui.plain import fit
from tui.table import Cell, Column

Row = TypeVar("Row")

GUTTER = 4
"""Cells before the first column: a mark, a sign of the row's state, and blanks."""
GAP = 2
"""Blanks after each column."""

StyleOf = Callable[[str, bool], Style]
"""The style of a part of the table, by its name; whether only what it changes is wanted."""


class ColumnPlaces(Generic[Row]):
    """Where columns stand: the first stays in sight, the others can be scrolled behind it."""

    def __init__(self, columns: Sequence[Column[Row]]) -> None:
        first = columns[0].width if columns else 0
        self.fixed = GUTTER + first + GAP
        """Cells that stay in sight."""
        widths = [column.width + GAP for column in columns[1:]]
        # Where each column begins behind the fixed part; the last number is where all end.
        self._starts = tuple(accumulate(widths, initial=0))

    @property
    def width(self) -> int:
        """Cells of all columns."""
        return self.fixed + self._starts[-1]

    @property
    def widest(self) -> int:
        """Cells of the widest column behind the fixed part: so far scrolling may overshoot."""
        return max((b - a for a, b in pairwise(self._starts)), default=0)

    def left_to_show(self, column: int, left: int, width: int) -> int:
        """How far to scroll sideways so that a column is in sight.

        Args:
            column: Its index.
            left: Cells that are scrolled away now.
            width: Cells of the table on the screen.
        """
        if column <= 0:
            return 0
        start, end = self._starts[column - 1], self._starts[column]
        least = end - (width - self.fixed)
        if start < left or least <= left:
            return min(start, left)
        # To where a column begins: a heading of which the first letters are gone says little.
        return next(place for place in self._starts if place >= min(least, start))

    def column_at(self, x: int, left: int) -> int | None:
        """The column under a cell of the screen, None right of all.

        Args:
            x: The cell, from 0.
            left: Cells that are scrolled away.
        """
        if x < self.fixed:
            return 0
        inside = x - self.fixed + left
        spans = zip(self._starts, self._starts[1:], strict=False)
        return next((i for i, (start, end) in enumerate(spans, 1) if start <= inside < end), None)


class TableDrawing(Generic[Row]):
    """Draws headings and rows, each as its fixed part and the rest of it."""

    def __init__(
        self, columns: Sequence[Column[Row]], sign: Callable[[Row], Cell], glyphs: Glyphs
    ) -> None:
        """A drawing of some columns.

        Args:
            columns: At least one; the first is fixed.
            sign: One character that stands before a row, for its state.
            glyphs: What to draw with.
        """
        self.places = ColumnPlaces(columns)
        self._columns = tuple(columns)
        self._sign = sign
        self._glyphs = glyphs

    def heading(
        self, order: tuple[str, bool] | None, style_of: StyleOf, *, left: int, width: int
    ) -> Strip:
        """The line of labels.

        Args:
            order: The column that the rows are sorted by, and whether the largest comes first.
            style_of: The table's styles.
            left: Cells that are scrolled away.
            width: Cells of the table on the screen.
        """
        plain_style, sorted_style = style_of("header", False), style_of("sorted", False)
        fixed = [Segment(" " * GUTTER, plain_style)]
        rest: list[Segment] = []
        for index, column in enumerate(self._columns):
            label, style, gap = column.label, plain_style, " " * GAP
            if order is not None and order[0] == column.key:
                arrow = self._glyphs.down if order[1] else self._glyphs.up
                style = sorted_style
                if column.right:
                    gap = self._beside(arrow, index)
                else:
                    label = f"{label} {arrow}"
            room = column.width if column.right else column.width + GAP - 1
            text = fit(label, room, right=column.right, ellipsis=self._glyphs.ellipsis)
            text = text + gap if column.right else f"{text} "
            (fixed if index == 0 else rest).append(Segment(text, style))
        strip = self.joined(Strip(fixed), Strip(rest), plain_style, left=left, width=width)
        if self.places.width - left <= width:
            return strip
        # More columns to the right.
        more = Segment(self._glyphs.more, sorted_style)
        return Strip.join([strip.crop(0, width - 1), Strip([more])])

    def _beside(self, arrow: str, index: int) -> str:
        """The gap behind a label with an arrow in it, which must not read as a letter of either."""
        after = self._columns[index + 1 : index + 2]
        touches = any(len(column.label) >= column.width or not column.right for column in after)
        return arrow.ljust(GAP) if touches or not arrow.isalpha() else arrow.rjust(GAP)

    def row(
        self,
        row: Row | None,
        style: Style,
        style_of: StyleOf,
        *,
        marked: bool,
        current: int | None,
    ) -> tuple[Strip, Strip]:
        """The fixed part of a row and the rest of it.

        Args:
            row: None while it has not been read.
            style: What it stands on.
            style_of: The table's styles.
            marked: Whether it bears a mark.
            current: The column of the cell that the cursor is on, if it is in this row.
        """
        cells = [
            self._cell(column, row, style, style_of, current=index == current)
            for index, column in enumerate(self._columns)
        ]
        return (
            Strip([*self._gutter(row, style, style_of, marked=marked), *cells[0]]),
            Strip([segment for cell in cells[1:] for segment in cell]),
        )

    def joined(self, fixed: Strip, rest: Strip, style: Style, *, left: int, width: int) -> Strip:
        """A line of the screen of its two parts.

        Args:
            fixed: What stays in sight.
            rest: What is scrolled behind it.
            style: What the line stands on.
            left: Cells of the rest that are scrolled away.
            width: Cells of the line.
        """
        room = max(0, width - self.places.fixed)
        scrolled = rest.crop_extend(left, left + room, style)
        return Strip.join([fixed, scrolled]).crop_extend(0, width, style)

    def _gutter(
        self, row: Row | None, style: Style, style_of: StyleOf, *, marked: bool
    ) -> list[Segment]:
        text, tone = ("", "") if row is None else self._sign(row)
        return [
            Segment(self._glyphs.on if marked else " ", style + style_of("mark", True)),
            Segment(" ", style),
            Segment((text or " ")[:1], _toned(tone, style, style_of)),
            Segment(" ", style),
        ]

    def _cell(
        self,
        column: Column[Row],
        row: Row | None,
        style: Style,
        style_of: StyleOf,
        *,
        current: bool,
    ) -> list[Segment]:
        text, tone = (self._glyphs.dot, "muted") if row is None else column.cell(row)
        text = fit(text, column.width, right=column.right, ellipsis=self._glyphs.ellipsis)
        toned = _toned(tone, style, style_of)
        if not current:
            return [Segment(text, toned), Segment(" " * GAP, style)]
        word = text.strip()
        before = text[: len(text) - len(text.lstrip())] if word else ""
        shown = toned + style_of("cell", True)
        after = " " * (len(text) - len(before) - len(word))
        return [Segment(before, style), Segment(word, shown), Segment(after + " " * GAP, style)]


def _toned(tone: str, style: Style, style_of: StyleOf) -> Style:
    return style + style_of(tone, True) if tone else style
