"""A table of some hundred rows with a cursor: columns that make room for each other.

Rows have keys, so that the cursor stays on its row when others come, go or move. For results,
which may be a hundred thousand, see ``query_table``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.table import FlexColumn, Row

GAP = 2
"""Cells between two columns."""


def layout(columns: Sequence[FlexColumn], width: int) -> dict[int, int]:
    """The columns that fit into ``width`` cells, as index to width."""
    kept = list(range(len(columns)))

    def needed() -> int:
        return sum(columns[i].width for i in kept) + GAP * max(0, len(kept) - 1)

    while len(kept) > 1 and needed() > width:
        kept.remove(min(kept, key=lambda i: (columns[i].keep, -i)))
    spare = max(0, width - needed())
    shares = sum(columns[i].grow for i in kept)
    widths = {}
    for i in kept:
        more = spare * columns[i].grow // shares if shares else 0
        widths[i] = columns[i].width + more
    return widths


class Rows(ScrollView, can_focus=True):
    """The table. ``Highlighted`` follows the cursor, ``Chosen`` is enter or a second click."""

    DEFAULT_CSS = "Rows { overflow-x: hidden; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--header", "rows--cursor", "rows--cursor-blurred"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "edge(-1)", show=False),
        Binding("end,G", "edge(1)", show=False),
        Binding("enter", "choose", show=False),
    ]

    class Highlighted(Message):
        """The cursor is on another row, or its row has changed."""

        def __init__(self, rows: Rows, key: str | None) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> Rows:
            return self.rows

    class Chosen(Message):
        """A row was chosen."""

        def __init__(self, rows: Rows, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> Rows:
            return self.rows

    cursor: reactive[int] = reactive(0)

    def __init__(
        self,
        columns: Sequence[FlexColumn],
        *,
        header: bool = True,
        empty: str = "",
        ellipsis: str = "…",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        """A table without rows.

        Args:
            columns: The columns, from the left.
            header: Whether their names stand above the rows.
            empty: What is shown while there are no rows.
            ellipsis: What a cell ends in where it is cut.
            id: Id of the widget.
            classes: Classes of the widget.
        """
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._header = header
        self._empty = empty
        self._ellipsis = ellipsis
        self._rows: tuple[Row, ...] = ()

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self.cursor].key if self._rows else None

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys, from the top."""
        return tuple(row.key for row in self._rows)

    def show(self, rows: Sequence[Row], *, empty: str | None = None) -> None:
        """Shows other rows; the cursor stays on its key, or else in its place."""
        key = self.key
        self._rows = tuple(rows)
        if empty is not None:
            self._empty = empty
        keys = self.keys
        place = keys.index(key) if key in keys else min(self.cursor, max(0, len(keys) - 1))
        moved = place != self.cursor
        self.set_reactive(Rows.cursor, place)
        self._measure()
        self.refresh()
        if key != self.key:
            self._tell()
        if moved:
            self._reveal()

    def go_to(self, key: str) -> None:
        """Puts the cursor on a row, if it is there."""
        if key in self.keys:
            self.cursor = self.keys.index(key)

    # Keys and mouse

    def action_move(self, by: int) -> None:
        self._move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        self._move_to(self.cursor + by * max(1, self._body_height - 1))

    def action_edge(self, which: int) -> None:
        self._move_to(0 if which < 0 else len(self._rows) - 1)

    def action_choose(self) -> None:
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        y = event.get_content_offset_capture(self).y - self._header
        if y < 0:
            return
        row = y + self.scroll_offset.y
        if row < len(self._rows):
            if row == self.cursor and event.chain > 1:
                self.action_choose()
            self.cursor = row

    def _move_to(self, row: int) -> None:
        if self._rows:
            self.cursor = max(0, min(row, len(self._rows) - 1))

    def watch_cursor(self, before: int, now: int) -> None:
        if before != now:
            self._reveal()
            self._tell()
            self.refresh()

    def _tell(self) -> None:
        self.post_message(self.Highlighted(self, self.key))

    # Drawing

    @property
    def _body_height(self) -> int:
        return max(0, self.scrollable_content_region.height - self._header)

    def on_resize(self) -> None:
        self._measure()
        self._reveal()

    def _measure(self) -> None:
        self.virtual_size = Size(
            self.scrollable_content_region.width, len(self._rows) + self._header
        )

    def _reveal(self) -> None:
        region = Region(0, self.cursor, 1, 1 + self._header)
        self.scroll_to_region(region, animate=False, force=True, immediate=True)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        if not self._rows:
            text = self._empty if y == (1 if self._header else 0) else ""
            if self._header and y == 0:
                return self._header_line(width)
            muted = self.get_component_rich_style("rows--header")
            return Strip([Segment(text[:width].ljust(width), muted)], width)
        if self._header and y == 0:
            return self._header_line(width)
        index = y - self._header + self.scroll_offset.y
        if not 0 <= index < len(self._rows):
            return Strip.blank(width, base)
        style = base
        if index == self.cursor:
            name = "rows--cursor" if self.has_focus else "rows--cursor-blurred"
            style = self.get_component_rich_style(name)
        return self._line(self._rows[index].cells, width, style)

    def _header_line(self, width: int) -> Strip:
        style = self.get_component_rich_style("rows--header")
        return self._line([Text(column.title) for column in self._columns], width, style)

    def _line(self, cells: Sequence[Text], width: int, style: Style) -> Strip:
        segments: list[Segment] = []
        used = 0
        for i, room in layout(self._columns, width).items():
            if segments:
                segments.append(Segment(" " * GAP, style))
                used += GAP
            segments += _fitted(
                cells[i], room, self._columns[i].align, style, self.app.console, self._ellipsis
            )
            used += room
        if used < width:
            segments.append(Segment(" " * (width - used), style))
        return Strip(segments).adjust_cell_length(width, style)


def _fitted(
    cell: Text,
    width: int,
    align: Literal["left", "right"],
    style: Style,
    console: Console,
    ellipsis: str,
) -> list[Segment]:
    """A cell in exactly ``width`` cells, over the style of its row."""
    text = cell
    if cell_len(text.plain) > width:
        text = cell.copy()
        text.truncate(max(0, width - 1), overflow="crop")
        text.append(ellipsis[:width])
    base = style + console.get_style(cell.style)
    segments = [
        Segment(part.text, base + part.style if part.style else base)
        for part in text.render(console, end="")
    ]
    padding = Segment(" " * max(0, width - cell_len(text.plain)), style)
    return [padding, *segments] if align == "right" else [*segments, padding]
