"""A table of any number of rows: it knows their ids, and asks for rows when they come into sight.

The owner sets columns and ids, answers ``PageWanted`` with ``put`` and sorts when ``Sorted`` says
so. Drawing costs what is visible, whatever the number of rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tui.glyphs import UNICODE, Glyphs
from tui.plain import fit
from tui.table import Cell, Column
from tui.widgets.paged_rows import PAGE_ROWS, PagedRows
from tui.widgets.table_drawing import GUTTER, TableDrawing

Row = TypeVar("Row")


class _Said(Message):
    """What a table says of itself."""

    def __init__(self, table: QueryTable[Any]) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> QueryTable[Any]:
        """The table."""
        return self.table


class QueryTable(ScrollView, Generic[Row], can_focus=True):
    """The table. Its first column stays in sight when it is scrolled sideways."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("left,h", "sideways(-1)", "Left", show=False),
        Binding("right,l", "sideways(1)", "Right", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"query-table--{name}" for name in ("header", "sorted", "cursor", "blurred", "cell", "mark")
    } | {f"query-table--{tone}" for tone in ("muted", "good", "warn", "bad")}

    DEFAULT_CSS = """
    QueryTable {
        height: 1fr;
        background: $background;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .query-table--header { color: $text-muted; background: $surface; }
        & > .query-table--sorted { color: $foreground; background: $surface; text-style: bold; }
        & > .query-table--cursor {
            background: $block-cursor-background; color: $block-cursor-foreground;
        }
        & > .query-table--blurred {
            background: $block-cursor-blurred-background; color: $block-cursor-blurred-foreground;
        }
        & > .query-table--cell { text-style: underline; }
        & > .query-table--mark { color: $accent; text-style: bold; }
        & > .query-table--muted { color: $text-muted; }
        & > .query-table--good { color: $success; }
        & > .query-table--warn { color: $warning; }
        & > .query-table--bad { color: $error; }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)
    """The row that is current, from 0."""
    column: reactive[int] = reactive(0, repaint=False)
    """The column that is current."""

    class PageWanted(_Said):
        """Rows have come into sight; answer with ``put``."""

        def __init__(self, table: QueryTable[Any], ids: Sequence[int]) -> None:
            super().__init__(table)
            self.ids = ids

    class Moved(_Said):
        """Another row or column is current."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, QueryTable.Moved) and message.table is self.table

    class Chosen(_Said):
        """Enter, or a click on the current row."""

        def __init__(self, table: QueryTable[Any], id: int) -> None:
            super().__init__(table)
            self.id = id

    class Sorted(_Said):
        """A heading was clicked."""

        def __init__(self, table: QueryTable[Any], key: str) -> None:
            super().__init__(table)
            self.key = key

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        *,
        sign: Callable[[Row], Cell] = lambda _: ("", ""),
        heading: bool = True,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,
    ) -> None:
        """An empty table.

        Args:
            columns: At least one; the first is fixed.
            sign: One character that stands before a row, for its state.
            heading: Whether the columns' labels stand above.
            glyphs: What to draw with.
            id: The widget's.
        """
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._sign = sign
        self._above = int(heading)
        self._glyphs = glyphs
        self._ids: array[int] = array("q")
        self._rows: PagedRows[Row] = PagedRows()
        self._drawn: dict[int, tuple[Strip, Strip]] = {}
        self._plain_style: Style | None = None
        self._order: tuple[str, bool] | None = None
        self.empty = ""
        """What stands in the place of rows where there is none."""
        self.marked: dict[int, None] = {}
        """Ids of marked rows, in the order in which they were marked."""
        self._draw_anew()

    # What the owner says

    @property
    def columns(self) -> tuple[Column[Row], ...]:
        """What is shown."""
        return self._columns

    @property
    def ids(self) -> array[int]:
        """The rows, in their order."""
        return self._ids

    def set_columns(self, columns: Sequence[Column[Row]]) -> None:
        """Shows other columns; the current one stays where it is still there."""
        key = self._columns[self.column].key if self._columns else ""
        self._columns = tuple(columns)
        self._drawn.clear()
        keys = [column.key for column in columns]
        self.column = keys.index(key) if key in keys else min(self.column, len(keys) - 1)
        self._draw_anew()

    def set_ids(self, ids: array[int], *, follow: bool = True) -> None:
        """Shows other rows.

        Args:
            ids: Their ids, in their order.
            follow: Keep the cursor on its row, if that is still there, and at its place on the
                screen; else it keeps its number.
        """
        current = self.current_id
        offset = self.cursor - round(self.scroll_y)
        self._ids = ids
        self._rows.ask_again()
        place = self.cursor
        if follow and current is not None:
            try:
                place = ids.index(current)
            except ValueError:
                place = self.cursor
        self._measure()
        self.cursor = max(0, min(place, len(ids) - 1))
        if follow:
            self.scroll_to(y=max(0, self.cursor - offset), animate=False, immediate=True)
        self._reveal()
        self.refresh()

    def put(self, rows: Mapping[int, Row]) -> None:
        """Takes rows that were asked for."""
        dropped = self._rows.put(rows)
        for number in (*rows, *dropped):
            self._drawn.pop(number, None)
        self.refresh()
        if self.current_id in rows:
            self.post_message(self.Moved(self))

    def forget(self) -> None:
        """Drops all rows: they mean something else now."""
        self._rows.forget()
        self._drawn.clear()
        self.marked = {}
        self.refresh()

    @property
    def order(self) -> tuple[str, bool] | None:
        """The column that the rows are sorted by, and whether the largest comes first."""
        return self._order

    def show_order(self, key: str, *, descending: bool) -> None:
        """Says in the headings by what the rows are sorted."""
        self._order = (key, descending)
        self.refresh()

    @property
    def current_id(self) -> int | None:
        """The id of the current row, None in an empty table."""
        return self._ids[self.cursor] if 0 <= self.cursor < len(self._ids) else None

    @property
    def current(self) -> Row | None:
        """The current row, None until it has been read."""
        return self._rows.get(self.current_id)

    @property
    def current_column(self) -> Column[Row]:
        """The current column."""
        return self._columns[self.column]

    def at_hand(self) -> frozenset[int]:
        """Ids of the rows that need not be read."""
        return self._rows.at_hand()

    def seen(self, ids: Iterable[int]) -> list[Row]:
        """The rows of some ids that are at hand."""
        found = (self._rows.get(number) for number in ids)
        return [row for row in found if row is not None]

    def mark(self, ids: Iterable[int]) -> None:
        """Marks these rows and no others."""
        self.marked = dict.fromkeys(ids)
        self._drawn.clear()
        self.refresh()

    def toggle_mark(self) -> None:
        """Marks the current row, or takes its mark off."""
        number = self.current_id
        if number is None:
            return
        if number in self.marked:
            del self.marked[number]
        else:
            self.marked[number] = None
        self._drawn.pop(number, None)
        self.refresh()
        self.post_message(self.Moved(self))

    # Layout

    def _draw_anew(self) -> None:
        self._drawing = TableDrawing(self._columns, self._sign, self._glyphs)
        self._measure()

    def _measure(self) -> None:
        places = self._drawing.places
        size = Size(places.width + places.widest, len(self._ids) + self._above)
        if min(size.height, self.virtual_size.height) > self.size.height > 0:
            # The scrollbar was there and stays: rows that come while others write need no new
            # layout of the whole screen, which is what setting the size would bring.
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)
        else:
            self.virtual_size = size
        self.refresh()

    @property
    def _room(self) -> int:
        """Rows that fit below the heading."""
        return max(1, self.scrollable_content_region.height - self._above)

    def _reveal(self) -> None:
        """Scrolls so that the current cell is in sight."""
        top = round(self.scroll_y)
        if self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + self._room:
            top = self.cursor - self._room + 1
        left = self._drawing.places.left_to_show(self.column, self._left, self._width)
        self.scroll_to(x=left, y=top, animate=False, immediate=True)

    @property
    def _left(self) -> int:
        """Cells that are scrolled away."""
        return round(self.scroll_x)

    @property
    def _width(self) -> int:
        """Cells of the table on the screen."""
        return self.scrollable_content_region.width

    # Drawing

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if y < self._above:
            return self._drawing.heading(
                self._order, self._style_of, left=self._left, width=self._width
            )
        place = round(self.scroll_y) + y - self._above
        base = self._base()
        if place >= len(self._ids):
            if self._ids or y > self._above or not self.empty:
                return Strip.blank(self.size.width, base)
            said = Segment(fit(f"{' ' * GUTTER}{self.empty}", self.size.width), base)
            return Strip([said], self.size.width)
        number = self._ids[place]
        if place == self.cursor:
            name = "cursor" if self.has_focus else "blurred"
            style = base + self._style_of(name, True)
            return self._strip(*self._row(number, style, current=True), style)
        drawn = self._drawn.get(number)
        if drawn is None:
            drawn = self._row(number, base, current=False)
            if number in self._rows:
                self._drawn[number] = drawn
            else:
                self._want(place // PAGE_ROWS)
        return self._strip(*drawn, base)

    def _row(self, number: int, style: Style, *, current: bool) -> tuple[Strip, Strip]:
        return self._drawing.row(
            self._rows.get(number),
            style,
            self._style_of,
            marked=number in self.marked,
            current=self.column if current and self.has_focus else None,
        )

    def _strip(self, fixed: Strip, rest: Strip, style: Style) -> Strip:
        return self._drawing.joined(fixed, rest, style, left=self._left, width=self._width)

    def _style_of(self, name: str, partial: bool) -> Style:
        return self.get_component_rich_style(f"query-table--{name}", partial=partial)

    def _base(self) -> Style:
        # Asking costs a third of a millisecond, and every line asks.
        if self._plain_style is None:
            self._plain_style = self.rich_style
        return self._plain_style

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._forget_drawn()

    def _forget_drawn(self) -> None:
        self._drawn.clear()
        self._plain_style = None

    # Reading

    def _want(self, page: int) -> None:
        if self._rows.want(page):
            self.call_next(self._ask)

    def _ask(self) -> None:
        ids = self._rows.wanted(self._ids)
        if ids:
            self.post_message(self.PageWanted(self, ids))

    # Moving

    def watch_cursor(self) -> None:
        self.refresh()
        if self.is_mounted:
            self.post_message(self.Moved(self))

    def watch_column(self) -> None:
        self.watch_cursor()

    def on_resize(self) -> None:
        self._reveal()

    def watch_has_focus(self, value: bool) -> None:
        super().watch_has_focus(value)
        self.refresh()

    def _go(self, place: int) -> None:
        self.cursor = max(0, min(place, len(self._ids) - 1))
        self._reveal()

    def action_move(self, by: int) -> None:
        """Moves by rows."""
        self._go(self.cursor + by)

    def action_sideways(self, by: int) -> None:
        """Moves by columns."""
        self.column = max(0, min(self.column + by, len(self._columns) - 1))
        self._reveal()

    def action_page(self, by: int) -> None:
        """Moves by what fits on the screen; the cursor keeps its line."""
        self.scroll_to(
            y=max(0, round(self.scroll_y) + by * self._room), animate=False, immediate=True
        )
        self._go(self.cursor + by * self._room)

    def action_first(self) -> None:
        """Goes to the first row."""
        self._go(0)

    def action_last(self) -> None:
        """Goes to the last row."""
        self._go(len(self._ids) - 1)

    def action_choose(self) -> None:
        """Opens the current row."""
        if self.current_id is not None:
            self.post_message(self.Chosen(self, self.current_id))

    async def _on_click(self, event: events.Click) -> None:
        place = event.get_content_offset(self)
        if place is None:
            return
        index = self._drawing.places.column_at(place.x, self._left)
        if place.y < self._above:
            if index is not None:
                self.post_message(self.Sorted(self, self._columns[index].key))
            return
        row = round(self.scroll_y) + place.y - self._above
        if row >= len(self._ids):
            return
        event.stop()
        if place.x < GUTTER - 1:
            self._go(row)
            self.toggle_mark()
        elif row == self.cursor and event.chain > 1:
            self.action_choose()
        else:
            if index is not None:
                self.column = index
            self._go(row)
