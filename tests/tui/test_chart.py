"""The chart as a widget: its cursor and its colours."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.app import App, ComposeResult

from tests.tui.test_plot import PLOT
from tui.widgets.chart import Chart


class ChartApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []

    def compose(self) -> ComposeResult:
        yield Chart()

    @on(Chart.Chosen)
    def _chosen(self, event: Chart.Chosen) -> None:
        self.heard.append(event.point.id)


async def test_the_cursor_goes_along_a_series_and_across() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(Chart)
        chart.focus()
        chart.show(PLOT)
        assert chart.current is None
        await pilot.press("right")
        assert chart.current == ("tiny", PLOT.series[0].points[0])
        await pilot.press("right", "right", "down")
        assert chart.current == ("base", PLOT.series[1].points[2])
        await pilot.press("left", "left", "left", "enter")
        assert app.heard == [200]
        await pilot.press("up")
        assert chart.current == ("tiny", PLOT.series[0].points[0])


async def test_another_plot_keeps_the_point_that_is_still_there() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(Chart)
        chart.focus()
        chart.show(PLOT)
        await pilot.press("right", "down")
        chart.show(PLOT)
        assert chart.current is not None
        assert chart.current[1].id == 200
        chart.show(type(PLOT)("", PLOT.x, PLOT.y, PLOT.series[:1]))
        assert chart.current is None
        await pilot.press("enter")
        assert app.heard == []


async def test_a_click_finds_the_nearest_point() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(Chart)
        chart.show(PLOT)
        await pilot.pause()
        assert chart._drawing is not None
        (column, row), (_, point) = next(iter(chart._drawing.places.items()))
        await pilot.click(Chart, offset=(column + 1, row))
        assert chart.current is not None
        assert chart.current[1] == point
        await pilot.click(Chart, offset=(column, row), times=2)
        assert app.heard == [point.id]


async def test_it_is_drawn_anew_for_another_size() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 24)) as pilot:
        chart = app.query_one(Chart)
        chart.show(PLOT)
        await pilot.pause()
        await pilot.resize_terminal(110, 30)
        await pilot.pause()
        assert chart.size.width == 110
        assert chart.render_line(0).cell_length == 110
        assert chart._drawing is not None
        assert len(chart._drawing.rows) == 30


async def test_empty_and_tiny_are_no_error() -> None:
    app = ChartApp()
    async with app.run_test(size=(10, 3)) as pilot:
        chart = app.query_one(Chart)
        chart.focus()
        await pilot.press("right", "down", "enter")
        chart.show(PLOT)
        await pilot.pause()
        assert chart.render_line(0).cell_length == 10
