"""Charts: scales, ticks, drawings of characters, SVG."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.data import HOSTILE
from tui.glyphs import ASCII, UNICODE, Glyphs
from tui.plot.draw import Drawing, draw
from tui.plot.model import Axis, Plot, Point, Rule, Series
from tui.plot.scale import Scale, fit_scale, tick_label
from tui.plot.svg import to_svg

BATCHES = (1.0, 2.0, 4.0, 8.0, 16.0)


def law(speed: float, first: int) -> tuple[Point, ...]:
    """Latency that grows tenfold with ten times the batch."""
    return tuple(
        Point(batch, speed * batch, 0.7 * speed * batch, 1.4 * speed * batch, id=first + index)
        for index, batch in enumerate(BATCHES)
    )


PLOT = Plot(
    "Latency against batch size",
    Axis("batch size", log=True, at=BATCHES),
    Axis("latency", "ms", log=True),
    (Series("tiny", law(10, 100)), Series("base", law(30, 200))),
)
SIZES = [(80, 24), (120, 40), (44, 12), (200, 60)]


def by_id(plot: Plot, id: int) -> Point:
    return next(point for _, point in plot.points() if point.id == id)


def text(drawing: Drawing) -> list[str]:
    return ["".join(part for part, _ in row) for row in drawing.rows]


finite = st.floats(-1e12, 1e12, allow_nan=False)
positive = st.floats(1e-9, 1e12)


@given(values=st.lists(finite, min_size=1, max_size=20), most=st.integers(1, 20))
def test_a_linear_scale_holds_its_values_and_ticks(values: list[float], most: int) -> None:
    scale = fit_scale(values, Axis("x"))
    assert all(-1e-9 <= scale.place(value) <= 1 + 1e-9 for value in values)
    ticks = scale.ticks(most)
    assert 1 <= len(ticks) <= most + 1
    assert all(-1e-6 <= scale.place(tick) <= 1 + 1e-6 for tick in ticks)


@given(values=st.lists(positive, min_size=1, max_size=20), most=st.integers(2, 20))
def test_a_log_scale_holds_its_values_and_ticks(values: list[float], most: int) -> None:
    scale = fit_scale([0.0, -1.0, *values], Axis("x", log=True))
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    ticks = scale.ticks(most)
    assert 1 <= len(ticks) <= most + 1
    assert all(-1e-6 <= scale.place(tick) <= 1 + 1e-6 for tick in ticks)


def test_ticks_are_round() -> None:
    assert Scale(0, 103).ticks(6) == [0, 20, 40, 60, 80, 100]
    assert Scale(0.9, 1100, log=True).ticks(5) == [1, 10, 100, 1000]
    assert Scale(0.9, 12, log=True).ticks(6) == [1, 2, 5, 10]
    assert Scale(4.2, 7.3, log=True).ticks(4) == [5, 6, 7]
    assert [tick_label(value) for value in (0, 0.001, 0.25, 20, 1500, 3e9, 1e-7)] == [
        *("0", "0.001", "0.25", "20", "1,500", "3e9", "1e-7"),
    ]


def test_equal_steps_of_a_log_axis_are_equally_far() -> None:
    scale = fit_scale(BATCHES, PLOT.x)
    places = [scale.place(value) for value in BATCHES]
    steps = [b - a for a, b in pairwise(places)]
    assert all(math.isclose(step, steps[0]) for step in steps)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["braille", "ascii"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_law_is_a_straight_line_of_marks(width: int, height: int, glyphs: Glyphs) -> None:
    drawing = draw(PLOT, width, height, glyphs=glyphs)
    assert [cell_len(line) for line in text(drawing)] == [width] * height
    places = {point.id: place for place, (_, point) in drawing.places.items()}
    for first in (100, 200):
        columns = [places[first + i][0] for i in range(5)]
        rows = [places[first + i][1] for i in range(5)]
        steps = [b - a for a, b in pairwise(columns)]
        assert max(steps) - min(steps) <= 1
        drops = [a - b for a, b in pairwise(rows)]
        assert sum(drops) >= 3
        assert max(drops) - min(drops) <= 1
    assert all(places[200 + i][1] < places[100 + i][1] for i in range(5))


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["braille", "ascii"])
def test_series_differ_without_colour(glyphs: Glyphs) -> None:
    shown = "\n".join(text(draw(PLOT, 80, 24, glyphs=glyphs)))
    assert f"{glyphs.series[0]} tiny" in shown
    assert f"{glyphs.series[1]} base" in shown
    marks = shown.replace("log", "").replace("batch", "")  # Whose letters are ASCII marks too.
    assert marks.count(glyphs.series[0]) == marks.count(glyphs.series[1]) == 6
    assert shown.isascii() == (glyphs is ASCII)


def test_axes_say_what_they_are() -> None:
    lines = text(draw(PLOT, 80, 24))
    assert lines[0].startswith("latency, ms (log)")
    assert "batch size (log)" in lines[-1]
    labels = lines[-2].split()
    assert labels == ["1", "2", "4", "8", "16"]
    assert any(line.strip().startswith("100 ┤") for line in lines)


def test_an_interval_is_a_line_through_its_mark() -> None:
    wide = replace(PLOT, series=(Series("s", (Point(1, 50, 5, 500, id=1), Point(9, 50, id=2))),))
    drawing = draw(wide, 60, 24)
    places = {point.id: place for place, (_, point) in drawing.places.items()}
    column, row = places[1]
    lines = text(drawing)
    for other in (row - 3, row + 3):
        assert 0x2800 < ord(lines[other][column]) <= 0x28FF
        assert lines[other][places[2][0]] in " ·"


def test_a_front_is_a_staircase_that_touches_its_points() -> None:
    points = (
        Point(1, 0.05, id=1),
        Point(10, 0.1, id=2),
        Point(100, 0.4, id=3),
        Point(5, 0.5, id=4),
    )
    plot = Plot(
        "WER against RTFx",
        Axis("RTFx", log=True),
        Axis("WER", "%", log=True),
        (Series("all", points),),
        lines=False,
        front=points[:3],
    )
    drawing = draw(plot, 60, 24)
    roles = {role for row in drawing.rows for _, role in row}
    assert "front" in roles
    assert "Pareto front" in "\n".join(text(drawing))


def crowd(count: int) -> Plot:
    """Points at one place, of as many series."""
    series = tuple(Series(f"model {n}", (Point(5, 5, id=n),)) for n in range(count))
    others = Series("far", (Point(1, 1, id=90), Point(9, 9, id=91)))
    return Plot("all alike", Axis("x"), Axis("y"), (*series, others), lines=False)


@pytest.mark.parametrize("width", [60, 100])
def test_points_at_one_place_stand_side_by_side_or_are_counted_and_named(width: int) -> None:
    drawing = draw(crowd(5), width, 20)
    assert drawing.hidden == ()
    ids = sorted(point.id for _, point in drawing.places.values())
    assert ids == [0, 1, 2, 3, 4, 90, 91]
    columns = sorted(c for (c, _), (_, point) in drawing.places.items() if point.id < 90)
    assert columns == list(range(columns[0], columns[0] + 5))
    drawing = draw(crowd(7), width, 20)
    assert [point.id for _, point in drawing.hidden] == [5, 6]
    assert "2 points hidden: model 5, model 6" in text(drawing)[0]
    # Whatever is chosen can be seen.
    chosen = draw(crowd(7), width, 20, current=by_id(crowd(7), 6))
    assert [point.id for _, point in chosen.hidden] == [4, 5]
    assert 6 in {point.id for _, point in chosen.places.values()}


def test_kinds_are_told_by_signs_and_series_by_names() -> None:
    slow = Series("tiny", (Point(1, 5, id=1, kind=0, name="tiny"),))
    fast = Series("base", (Point(10, 9, id=2, kind=1, name="base"),))
    plot = Plot("t", Axis("x"), Axis("y"), (slow, fast), lines=False, kinds=("cpu", "cuda"))
    drawing = draw(plot, 100, 20)
    rows = text(drawing)
    signs = {point.id: rows[row][column] for (column, row), (_, point) in drawing.places.items()}
    assert signs == {1: "●", 2: "▲"}
    beside = "\n".join(row[:68] for row in rows)
    assert "● tiny" in beside
    assert "base ▲" in beside  # At the right end, so the name is on its left.
    legend = [row[70:].strip() for row in rows]
    assert [line for line in legend if line] == ["─ tiny", "─ base", "● cpu", "▲ cuda"]
    assert to_svg(plot).count(">tiny</text>") == 2


BARS = Plot(
    "latency by model",
    Axis("place"),
    Axis("latency", "ms"),
    (
        Series("quick", (Point(1, 10, 9, 11, id=1),)),
        Series("slow", (Point(2, 40, id=2, note="unstable"),)),
        Series("slowest", (Point(3, 80, id=3, mark="!"),)),
    ),
    bars=True,
)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_bars_are_as_long_as_their_values(glyphs: Glyphs) -> None:
    drawing = draw(BARS, 80, 12, glyphs=glyphs)
    rows = text(drawing)
    lengths = [row.count(glyphs.bar_full) for row in rows[1:4]]
    assert abs(lengths[2] - 2 * lengths[1]) <= 2
    assert abs(lengths[2] - 8 * lengths[0]) <= 8
    assert rows[1].rstrip().endswith("10.0 ms [9.00, 11.0]")
    assert rows[2].rstrip().endswith("40.0 ms unstable")
    assert rows[3].rstrip().endswith("!80.0 ms")
    assert sorted(point.id for _, point in drawing.places.values()) == [1, 2, 3]
    svg = to_svg(BARS)
    for words in ("10.0 ms [9.00, 11.0]", "slowest", "latency by model"):
        assert words in svg


def test_bars_without_room_are_counted() -> None:
    series = tuple(Series(f"m{n}", (Point(n, n + 1, id=n),)) for n in range(30))
    drawing = draw(replace(BARS, series=series), 80, 12)
    assert len(drawing.places) == 10
    assert text(drawing)[-1].strip() == "and 20 more: filter"


def test_the_current_point_is_emphasised() -> None:
    drawing = draw(PLOT, 80, 24, current=by_id(PLOT, 102))
    assert [part for row in drawing.rows for part, role in row if role == "current"] == ["●"]


def test_of_points_of_one_result_only_the_current_one_is_emphasised() -> None:
    twins = Series("s", (Point(1, 10, id=7), Point(4, 40, id=7)))
    drawing = draw(replace(PLOT, series=(twins,)), 80, 24, current=twins.points[1])
    assert sum(role == "current" for line in drawing.rows for _, role in line) == 1


@pytest.mark.parametrize(("glyphs", "sign"), [(UNICODE, "╌"), (ASCII, "-")])
def test_a_limit_is_a_line_that_the_axis_holds(glyphs: Glyphs, sign: str) -> None:
    limit = Rule(2000.0, "SLO 2,000 ms")
    lines = text(draw(replace(PLOT, rules=(limit,)), 100, 24, glyphs=glyphs))
    assert any(sign * 20 in line for line in lines[:4]), "beyond every point, at the top"
    assert any(f"{sign} SLO 2,000 ms" in line for line in lines)
    svg = to_svg(replace(PLOT, rules=(limit,)))
    assert svg.count('stroke-dasharray="6 4"') == 2 and "SLO 2,000 ms" in svg
    none = replace(PLOT, rules=(Rule(0.0, "SLO 0 ms"),))
    assert "SLO" not in "".join(text(draw(none, 100, 24, glyphs=glyphs))) + to_svg(none)


def test_points_of_two_kinds_are_two_lines() -> None:
    points = tuple(
        Point(rate, kind * 100 + 10.0, id=1, kind=kind) for rate in (1.0, 10.0) for kind in range(2)
    )
    plot = replace(PLOT, series=(Series("s", points),), kinds=("p95", "p50"))
    svg = to_svg(plot)
    root = ElementTree.fromstring(svg)
    drawn = [
        path.get("d") or ""
        for path in root.iter("{http://www.w3.org/2000/svg}path")
        if path.get("stroke-width") == "1.5"
    ]
    assert len(drawn) == 2
    for path in drawn:
        (a, b) = (place.split()[1] for place in path.removeprefix("M").split("L"))
        assert a == b, "each kind is level"
    middle = text(draw(plot, 80, 24))[8:16]
    assert not any("⡠" in line or "⠊" in line for line in middle), "nothing joins the two"


@pytest.mark.parametrize("points", [(), (Point(0, 1),), (Point(-1, 5), Point(3, 0))])
def test_nothing_to_show_is_said(points: tuple[Point, ...]) -> None:
    plot = replace(PLOT, series=(Series("s", points),), empty="no latency here")
    assert "no latency here" in "\n".join(text(draw(plot, 80, 24)))
    assert "no latency here" in to_svg(plot)


def test_too_small_is_said() -> None:
    assert "too small" in "\n".join(text(draw(PLOT, 30, 6)))
    assert draw(PLOT, 0, 0).rows == ()


def test_more_series_than_rows_are_counted() -> None:
    many = tuple(Series(f"series {i}", law(i + 1, 10 * i)) for i in range(60))
    drawing = draw(replace(PLOT, series=many), 120, 24)
    assert drawing.left_out == 60 - 20
    assert "and 40 more" in "\n".join(text(drawing))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_labels_stay_text(name: str) -> None:
    plot = Plot(name, Axis(name), Axis(name, name), (Series(name, law(3, 1)),), empty=name)
    for width in (60, 120):
        lines = text(draw(plot, width, 20))
        assert [cell_len(line) for line in lines] == [width] * 20
        assert "\x1b" not in "".join(lines)
        assert "\u202e" not in "".join(lines)
    root = ElementTree.fromstring(to_svg(plot))
    assert root.tag.endswith("svg")


def test_svg_shows_what_the_terminal_shows() -> None:
    plot = replace(PLOT, front=PLOT.series[0].points[:2])
    root = ElementTree.fromstring(to_svg(plot))
    namespace = {"s": "http://www.w3.org/2000/svg"}
    words = [node.text for node in root.iterfind(".//s:text", namespace)]
    for word in ("Latency against batch size", "tiny", "base", "latency, ms (log)", "16", "100"):
        assert word in words, word
    circles = root.findall(".//s:circle", namespace)
    assert len(circles) == 5 + 1  # One for each point of the first series, one in the legend.
    xs = [float(circle.attrib["cx"]) for circle in circles[:5]]
    assert xs == sorted(xs)
    steps = [b - a for a, b in pairwise(xs)]
    assert max(steps) - min(steps) < 0.2
