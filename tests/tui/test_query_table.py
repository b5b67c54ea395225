"""The table of any number of rows."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest
from rich.cells import cell_len
from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.tui.data import HOSTILE
from tui.glyphs import ASCII
from tui.table import Column
from tui.widgets.paged_rows import KEPT_ROWS
from tui.widgets.query_table import QueryTable

Row = tuple[int, str]
MANY = 100_000


def columns(count: int = 6) -> list[Column[Row]]:
    first: Column[Row] = Column("name", "name", 12, lambda row: (row[1], ""))
    rest = [
        Column(f"c{place}", f"col {place}", 10, _figure(place), right=True)
        for place in range(1, count)
    ]
    return [first, *rest]


def _figure(place: int) -> Any:
    return lambda row: (f"{row[0] * place}", "bad" if row[0] % 2 else "")


class TableApp(App[None]):
    """A table whose rows are asked for and given."""

    CSS: ClassVar[str] = "QueryTable { height: 12; width: 60; }"

    def __init__(self, name_of: Any = lambda number: f"row {number}", **options: Any) -> None:
        super().__init__()
        self.table: QueryTable[Row] = QueryTable(columns(), **options)
        self.name_of = name_of
        self.asked: list[Sequence[int]] = []
        self.heard: list[Any] = []
        self.answers = True

    def compose(self) -> ComposeResult:
        yield self.table

    @on(QueryTable.PageWanted)
    def _wanted(self, event: QueryTable.PageWanted) -> None:
        self.asked.append(event.ids)
        if self.answers:
            self.table.put({number: (number, self.name_of(number)) for number in event.ids})

    @on(QueryTable.Sorted)
    @on(QueryTable.Chosen)
    def _heard(self, event: Any) -> None:
        self.heard.append(event)


@asynccontextmanager
async def opened(rows: int = MANY, **options: Any) -> AsyncIterator[tuple[TableApp, Pilot[None]]]:
    app = TableApp(**options)
    async with app.run_test(size=(60, 14)) as pilot:
        app.table.focus()
        app.table.set_ids(array("q", range(1, rows + 1)))
        await settled(pilot)
        yield app, pilot


async def settled(pilot: Pilot[None]) -> None:
    for _ in range(3):
        await pilot.pause()
        await asyncio.sleep(0)


def lines(app: TableApp) -> list[str]:
    return [
        "".join(segment.text for segment in app.table.render_line(y))
        for y in range(app.table.size.height)
    ]


async def test_only_what_is_seen_is_asked_for() -> None:
    async with opened() as (app, pilot):
        assert [len(ids) for ids in app.asked] == [64]
        assert "row 1 " in lines(app)[1]
        await pilot.press("end")
        await settled(pilot)
        assert "row 100000" in lines(app)[-1]
        assert sum(len(ids) for ids in app.asked) <= 4 * 64
        assert all(cell_len(line) == 59 for line in lines(app))  # One cell is the scrollbar's.


async def test_a_row_that_is_not_read_yet_shows_that() -> None:
    app = TableApp()
    app.answers = False
    async with app.run_test(size=(60, 14)) as pilot:
        app.table.set_ids(array("q", [5, 6]))
        await settled(pilot)
        assert lines(app)[1].split() == ["·"] * 4
        assert app.table.current is None
        app.table.put({5: (5, "five")})
        await settled(pilot)
        assert lines(app)[1].split()[0] == "five"


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        (["down", "down", "up"], 1),
        (["j", "j", "k"], 1),
        (["up"], 0),
        (["pagedown"], 11),
        (["pagedown", "pagedown", "pageup"], 11),
        (["end"], MANY - 1),
        (["end", "down"], MANY - 1),
        (["end", "home"], 0),
    ],
)
async def test_keys_move_the_cursor_and_keep_it_in_sight(keys: list[str], cursor: int) -> None:
    async with opened() as (app, pilot):
        await pilot.press(*keys)
        await settled(pilot)
        assert app.table.cursor == cursor
        top = round(app.table.scroll_y)
        assert top <= cursor < top + 11
        assert app.table.current == (cursor + 1, f"row {cursor + 1}")


async def test_the_first_column_stays_when_scrolled_sideways() -> None:
    async with opened(100) as (app, pilot):
        assert "col 5" not in lines(app)[0]
        assert lines(app)[0].endswith("›")
        await pilot.press(*["right"] * 5)
        await settled(pilot)
        assert "col 5" in lines(app)[0]
        assert "name" in lines(app)[0]
        words = lines(app)[0].split("  ")
        shown = [word.strip() for word in words if word.strip()]
        assert all(word == "name" or word.startswith("col ") for word in shown), "none is cut"
        assert "row 7 " in lines(app)[7]
        assert app.table.current_column.key == "c5"
        assert not lines(app)[0].endswith("›")
        await pilot.press(*["left"] * 9)
        assert app.table.column == 0
        assert app.table.scroll_x == 0


async def test_a_new_order_keeps_the_cursor_on_its_row() -> None:
    async with opened(500) as (app, pilot):
        await pilot.press(*["down"] * 20)
        assert app.table.current_id == 21
        line = app.table.cursor - round(app.table.scroll_y)
        app.table.set_ids(array("q", range(500, 0, -1)))
        await settled(pilot)
        assert app.table.current_id == 21
        assert app.table.cursor - round(app.table.scroll_y) == line
        app.table.set_ids(array("q", [3, 2, 1]))
        await settled(pilot)
        assert app.table.cursor == 2  # Its row is gone.
        app.table.set_ids(array("q"))
        await settled(pilot)
        assert app.table.current_id is None
        await pilot.press("down", "end", "enter", "space", "pagedown")


async def test_marks_keep_their_order_and_show_without_colour() -> None:
    async with opened(50) as (app, _):
        for place in (4, 2, 9):
            app.table.cursor = place
            app.table.toggle_mark()
        assert list(app.table.marked) == [5, 3, 10]
        assert [line[0] for line in lines(app)[1:12]] == list("  ● ●    ● ")
        app.table.cursor = 2
        app.table.toggle_mark()
        assert list(app.table.marked) == [5, 10]
        app.table.mark([])
        assert all(line[0] == " " for line in lines(app))


async def test_order_is_shown_and_asked_for_by_a_click() -> None:
    async with opened(50) as (app, pilot):
        app.table.show_order("c1", descending=True)
        assert "col 1▼" in lines(app)[0]
        app.table.show_order("name", descending=False)
        assert "name ▲" in lines(app)[0]
        await pilot.click(QueryTable, offset=(25, 0))
        assert [event.key for event in app.heard] == ["c1"]


async def test_clicks_move_mark_and_open() -> None:
    async with opened(50) as (app, pilot):
        await pilot.click(QueryTable, offset=(25, 4))
        assert (app.table.cursor, app.table.column) == (3, 1)
        assert not app.heard
        await pilot.click(QueryTable, offset=(0, 6))
        assert list(app.table.marked) == [6]
        await pilot.click(QueryTable, offset=(10, 8), times=2)
        assert [event.id for event in app.heard] == [8]


async def test_enter_opens_the_current_row() -> None:
    async with opened(50) as (app, pilot):
        await pilot.press("down", "enter")
        assert [event.id for event in app.heard] == [2]


async def test_other_columns_keep_the_current_one() -> None:
    async with opened(50) as (app, pilot):
        await pilot.press("right", "right")
        app.table.set_columns([columns()[0], *columns()[2:]])
        assert app.table.current_column.key == "c2"
        app.table.set_columns(columns()[:2])
        assert app.table.current_column.key == "c1"
        assert "col 2" not in lines(app)[0]


@pytest.mark.e2e
async def test_memory_stays_bounded() -> None:
    async with opened() as (app, pilot):
        for place in range(0, MANY, 640):
            app.table.cursor = place
            app.table.action_move(0)
            await pilot.pause()
        await settled(pilot)
        assert len(app.table.at_hand()) <= KEPT_ROWS
        assert len(app.table._drawn) <= KEPT_ROWS


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_names_stay_in_their_cell(name: str) -> None:
    async with opened(50, name_of=lambda _: name) as (app, _):
        shown = lines(app)
        assert all(cell_len(line) == cell_len(shown[0]) for line in shown[1:])
        assert "\x1b" not in "".join(shown)


async def test_ascii_only() -> None:
    async with opened(50, glyphs=ASCII) as (app, _):
        app.table.toggle_mark()
        app.table.show_order("c1", descending=True)
        assert "".join(lines(app)).isascii()
        assert "col 1 v" in lines(app)[0], "no letter of the heading"


async def test_drawing_costs_what_is_seen_not_what_there_is() -> None:
    """The number of cells asked for, not the time: it is the same for ten and for 100,000 rows."""

    async def cells(rows: int) -> int:
        count = 0

        def name_of(number: int) -> str:
            nonlocal count
            count += 1
            return f"row {number}"

        async with opened(rows, name_of=name_of) as (_, pilot):
            await pilot.press("pagedown", "pagedown")
            await settled(pilot)
        return count

    assert await cells(MANY) == await cells(64)
