"""Levels of load as charts: what is a line, what is drawn of it, and what is said instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from report.load import loaded_of
from report.study import Study
from store import LeaderboardRow, LoadLevel, Store
from tests.report.test_load import at
from tests.tui.conftest import OpenApp, settle, shown
from tests.tui.data import Clock, add_job
from tests.tui.records import grid, result
from tests.tui.shots import CHARTS
from tui.plot.model import Point, Rule
from tui.results.plots import make_plot, plot_tsv
from tui.results.points import Choices

SEARCH = (
    at(4, 0.4),
    at(8, 4.0, met=False, requests_per_s=7.0, goodput_per_s=2.0, errors=9, requests=240),
    at(2, 0.2),
)
EARLY = at(16, 9.0, met=False, held=False, reason="all failed", requests_per_s=6.0)
FEW = at(1, 0.1, latency_p95_s=None)


def store_of(path: Path, *levels: LoadLevel) -> None:
    clock = Clock()
    with Store.open(path, clock=clock) as store:
        loaded = replace(result("small-whisper"), load_levels=levels)
        failed = replace(result("openai/w", state="failed", reason="no"), load_levels=())
        add_job(store, clock, "loaded", "done", [loaded, *grid()[:2], failed])


def read(path: Path) -> tuple[Sequence[LeaderboardRow], dict[int, tuple[LoadLevel, ...]]]:
    with Store.open(path, readonly=True) as store:
        rows = store.browse.newest()
        return rows, store.study.children(LoadLevel, [row.result_id for row in rows])


def points_of(path: Path, show: str = "latency", *, log: bool = True) -> list[tuple[str, Point]]:
    plot = make_plot(*_given(path, show, log))
    return [(plot.series[number].label, point) for number, point in plot.points()]


def _given(
    path: Path, show: str, log: bool
) -> tuple[Sequence[LeaderboardRow], Choices, dict[int, tuple[LoadLevel, ...]]]:
    rows, levels = read(path)
    return rows, Choices("load", load=show, log=log), levels


def test_p95_and_p50_stand_over_the_rate_of_right_answers(store_path: Path) -> None:
    store_of(store_path, *SEARCH)
    rows, choices, levels = _given(store_path, "latency", True)
    plot = make_plot(rows, choices, levels)
    found = [point for _, point in plot.points()]
    high = [(p.x, p.y, p.low, p.high) for p in found if p.kind == 0]
    assert high == [
        pytest.approx((2, 200, 180, 220)),
        pytest.approx((4, 400, 360, 440)),
        pytest.approx((7, 4000, 3600, 4400)),
    ]
    assert [(p.x, p.y) for p in found if p.kind == 1] == [(2, 100), (4, 200), (7, 2000)]
    assert plot.kinds == ("p95", "p50")
    assert plot.rules == (Rule(2000.0, "SLO 2,000 ms"),)
    assert [one.label for one in plot.series] == ["small-whisper cpu b8 poisson"]
    assert [p.note for p in found if p.kind == 0] == [
        "p95, 2 a second",
        "p95, 4 a second, the knee",
        "p95, 8 a second, 9 errors",
    ]
    assert [p.mark for p in found if p.kind == 0] == ["", "", "x"]
    assert "small-whisper cpu b8 poisson p50\t" in plot_tsv(plot)


def test_goodput_stands_over_the_requests_that_were_due(store_path: Path) -> None:
    store_of(store_path, *SEARCH)
    found = [point for _, point in points_of(store_path, "goodput")]
    assert [(p.x, p.y) for p in found] == [(2, 2), (2, 4), (8, 2)]
    rows, choices, levels = _given(store_path, "goodput", True)
    assert make_plot(rows, choices, levels).caption == "right answers within 2,000 ms (the SLO)"
    nothing = tuple(replace(one, goodput_per_s=0.0) for one in SEARCH)
    levels = dict.fromkeys(levels, nothing)
    assert len(list(make_plot(rows, choices, levels).points())) == 3, "a log axis has no nought"


def test_lines_are_those_of_the_report(store_path: Path) -> None:
    more = replace(at(3, 0.5), max_batch=1)
    closed = replace(at(5, 0.6), mode="closed", concurrency=4, rate_per_s=None, arrivals=None)
    store_of(store_path, *SEARCH, more, closed, FEW)
    with Store.open(store_path, readonly=True) as store:
        lines = loaded_of(Study.read(store))
    by_line: dict[str, list[Point]] = {}
    for label, point in points_of(store_path):
        by_line.setdefault(label, []).append(point)
    assert len(by_line) == len(lines) == 3
    assert {label.split("cpu ")[1] for label in by_line} == {
        "b8 poisson",
        "b1 poisson",
        "b8 closed",
    }
    rates = sorted([p.x for p in found if p.kind == 0] for found in by_line.values())
    assert rates == sorted(
        [one.requests_per_s for one in line.levels if one.latency_p95_s] for line in lines
    )


def test_what_is_not_drawn_is_said(store_path: Path) -> None:
    store_of(store_path, *SEARCH, FEW, EARLY)
    rows, choices, levels = _given(store_path, "latency", True)
    plot = make_plot(rows, choices, levels)
    assert plot.caption == "1 level without a p95 left out: it needs 20 answers"
    early = [point for _, point in plot.points() if point.mark == "+"]
    assert [(point.x, point.note) for point in early] == [(6.0, "p95, 16 a second, ended early")]
    only = make_plot(rows, choices, dict.fromkeys(levels, (FEW,)))
    assert not list(only.points()) and only.empty == "no level has a p95: it needs 20 answers"


@pytest.mark.parametrize("width", [80, 140])
async def test_the_chart_in_the_terminal(store_path: Path, open_app: OpenApp, width: int) -> None:
    store_of(store_path, *SEARCH)
    async with open_app(store_path, size=(width, 24)) as (app, pilot):
        await pilot.press("5", CHARTS, *["n"] * 6)
        await settle(app, pilot)
        text = shown(app)
        assert "[load]" in text and "[log]" in text, text
        for words in ("show [latency]", "SLO 2,000 ms", "p95", "p50", "answers a second"):
            assert words in text, text
        await pilot.press("right", "right", "right", "right")
        await settle(app, pilot)
        below = shown(app).splitlines()[-2]
        assert "answers a second 4  latency" in below
        assert "p95, 4 a second, the knee" in below or width == 80


async def test_without_levels_the_chart_says_how_to_make_some(
    filled: Path, open_app: OpenApp
) -> None:
    async with open_app(filled) as (app, pilot):
        await pilot.press("5", CHARTS, *["n"] * 6)
        await settle(app, pilot)
        assert "no levels of load among these results: `asrprof run load` makes some" in shown(app)
