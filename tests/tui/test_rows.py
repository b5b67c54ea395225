"""The table: columns that make room, and a cursor that stays on its row."""

from __future__ import annotations

from rich.text import Text
from textual.app import App, ComposeResult

from tui.table import FlexColumn, Row
from tui.widgets.rows import GAP, Rows, layout

COLUMNS = (
    FlexColumn("id", 4, align="right"),
    FlexColumn("name", 10, grow=1),
    FlexColumn("why", 12, grow=3, keep=1),
    FlexColumn("when", 8, keep=2),
)


def test_columns_go_in_their_order_when_room_is_short() -> None:
    assert set(layout(COLUMNS, 60)) == {0, 1, 2, 3}
    assert set(layout(COLUMNS, 39)) == {0, 1, 3}
    assert set(layout(COLUMNS, 20)) == {0, 1}
    assert set(layout(COLUMNS, 3)) == {0}


def test_spare_room_goes_by_shares() -> None:
    widths = layout(COLUMNS, 80)
    spare = 80 - (4 + 10 + 12 + 8) - 3 * GAP
    assert widths == {0: 4, 1: 10 + spare // 4, 2: 12 + 3 * spare // 4, 3: 8}


class Table(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str | None] = []
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield Rows(COLUMNS, id="rows")

    def on_rows_highlighted(self, event: Rows.Highlighted) -> None:
        self.told.append(event.key)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        self.chosen.append(event.key)


def rows(*keys: str) -> list[Row]:
    return [Row(key, tuple(Text(f"{key}{i}") for i in range(4))) for key in keys]


async def test_the_cursor_stays_on_its_row() -> None:
    async with Table().run_test(size=(60, 10)) as pilot:
        table = pilot.app.query_one(Rows)
        table.show(rows("a", "b", "c", "d"))
        await pilot.press("down", "down")
        assert table.key == "c"
        table.show(rows("d", "c", "x"))
        assert table.key == "c"
        table.show(rows("d", "x"))
        assert table.key == "x", "the next one, where its row has gone"
        table.show([])
        assert table.key is None
        await pilot.press("down", "enter", "pagedown", "end")
        assert isinstance(pilot.app, Table)
        assert pilot.app.chosen == []


async def test_keys_and_mouse_choose() -> None:
    async with Table().run_test(size=(60, 10)) as pilot:
        app = pilot.app
        assert isinstance(app, Table)
        table = app.query_one(Rows)
        table.show(rows(*(f"row{n:02}" for n in range(50))))
        await pilot.press("end")
        assert table.key == "row49"
        assert table.scroll_offset.y > 0
        await pilot.press("home", "pagedown", "k")
        assert table.key == "row07"
        await pilot.press("enter")
        await pilot.click(Rows, offset=(3, 3))
        clicked = table.key
        await pilot.click(Rows, offset=(3, 3), times=2)
        assert app.chosen == ["row07", clicked]
        assert app.told[-1] == clicked


async def test_a_cell_is_cut_with_an_ellipsis_and_never_wider() -> None:
    async with Table().run_test(size=(40, 6)) as pilot:
        table = pilot.app.query_one(Rows)
        table.show([Row("a", (Text("1"), Text("日本語" * 20), Text("why"), Text("when")))])
        await pilot.pause()
        strip = table.render_line(1)
        assert strip.cell_length == table.scrollable_content_region.width
        assert "…" in strip.text
