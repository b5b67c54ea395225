"""Draws a plot as characters: axes with round numbers, marks that differ without colour."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len

from report.text import plural
from tui.glyphs import UNICODE, Glyphs
from tui.plain import fit, plain
from tui.plot.bars import draw_bars
from tui.plot.canvas import Canvas, Role
from tui.plot.model import Axis, Plot, Point
from tui.plot.scale import Scale, fit_scale, thin, tick_label

LEGEND_BESIDE = 72
"""Least width of a drawing that has its legend at the right."""
LEGEND_WIDTH = 30
_ASIDE = (0, 1, -1, 2, -2)
"""How far a mark may be moved to lie on no other one, in cells."""
LEGEND_ROWS = 4
"""Most rows of a legend below."""


@dataclass(frozen=True)
class Drawing:
    """A plot, drawn."""

    rows: tuple[tuple[tuple[str, Role], ...], ...]
    """Each a row of runs of text."""
    places: dict[tuple[int, int], tuple[int, Point]]
    """The series and the point that lie on a cell, by column and row; the uppermost."""
    left_out: int = 0
    """Series that the legend had no room for."""
    hidden: tuple[tuple[int, Point], ...] = ()
    """Points that no cell was left for, with their series; the drawing counts and names them."""


@dataclass(frozen=True)
class _Frame:
    """Where things are: the inner area of the axes, in cells."""

    left: int
    top: int
    width: int
    height: int

    @property
    def bottom(self) -> int:
        return self.top + self.height


def draw(
    plot: Plot,
    width: int,
    height: int,
    *,
    glyphs: Glyphs = UNICODE,
    current: Point | None = None,
) -> Drawing:
    """Draws a plot into so many cells.

    Args:
        plot: What to draw.
        width: Columns.
        height: Rows.
        glyphs: Signs to draw with; the ASCII set draws lines of dots.
        current: The point to emphasise.
    """
    ascii = glyphs.series.isascii()
    canvas = Canvas(width, height, ascii)
    points = list(plot.points())
    if not points or width < 24 or height < 8:
        words = plot.empty if not points else "too small to draw"
        canvas.put(max(0, (width - len(words)) // 2), height // 2, plain(words), "text")
        return Drawing(_frozen(canvas), {})
    if plot.bars:
        places, left_out = draw_bars(canvas, plot, points, glyphs, current)
        return Drawing(_frozen(canvas), places, left_out)
    limits = [rule.y for rule in plot.shown_rules]
    y_scale = fit_scale([*_values_of(points), *limits], plot.y)
    x_scale = fit_scale([point.x for _, point in points], plot.x)
    legend = _legend(plot, glyphs)
    beside = width >= LEGEND_BESIDE and height >= 10
    below = 0 if beside else min(LEGEND_ROWS, _legend_rows(legend, width))
    rows = height - 4 - below
    y_ticks = _ticks(plot.y, y_scale, max(2, rows // 2 if rows < 16 else rows // 3))
    margin = max(len(tick_label(tick)) for tick in y_ticks) + 1
    right = LEGEND_WIDTH + 2 if beside else 1
    frame = _Frame(margin + 1, 1, width - margin - 1 - right, rows)
    _axes(canvas, plot, frame, (x_scale, y_scale), y_ticks)
    marks = _Marks(canvas, plot, frame, (x_scale, y_scale), glyphs)
    places, hidden = marks.draw(points, current)
    if hidden:
        names = ", ".join(dict.fromkeys(_name_of(plot, *entry) for entry in hidden))
        start = len(plain(plot.y.title)) + (7 if plot.y.log else 1) + 2
        words = f"{plural(len(hidden), 'point')} hidden: {names}"
        canvas.put(start, 0, fit(words, frame.left + frame.width - start), "muted")
    if beside:
        left = width - LEGEND_WIDTH
        left_out = plot.left_out + _legend_beside(canvas, legend, left, rows + 1, glyphs)
        if left_out:
            row = min(len(legend), rows) + 1
            canvas.put(left + 2, row, f"and {left_out} more: filter", "muted")
    else:
        left_out = plot.left_out + _legend_below(canvas, legend, height - below, width)
        if left_out:
            words = f"{left_out} more: filter"
            canvas.put(width - len(words), 0, words, "muted")
    return Drawing(_frozen(canvas), places, left_out, hidden)


def mark_of(series: int, glyphs: Glyphs) -> str:
    """The sign of a series, or of a kind of points."""
    return glyphs.series[series % len(glyphs.series)]


def _name_of(plot: Plot, number: int, point: Point) -> str:
    kind = "" if point.kind is None else f" {plot.kinds[point.kind]}"
    return f"{plain(plot.series[number].label)}{kind}"


def _values_of(points: list[tuple[int, Point]]) -> list[float]:
    values = [point.y for _, point in points]
    for _, point in points:
        values += [end for end in (point.low, point.high) if end is not None]
    return values


def _ticks(axis: Axis, scale: Scale, most: int) -> list[float]:
    if axis.at:
        inside = [tick for tick in axis.at if scale.low <= tick <= scale.high]
        if inside:
            return thin(inside, most)
    return scale.ticks(most)


def _axes(
    canvas: Canvas,
    plot: Plot,
    frame: _Frame,
    scales: tuple[Scale, Scale],
    y_ticks: list[float],
) -> None:
    up, along, corner, tee, cross = "|-++'" if canvas.ascii else "│─└┤┬"
    x_scale, y_scale = scales
    canvas.put(0, 0, plain(plot.y.title), "text")
    if plot.y.log:
        canvas.put(len(plain(plot.y.title)) + 1, 0, "(log)", "muted")
    for row in range(frame.top, frame.bottom):
        canvas.put(frame.left - 1, row, up, "axis")
    for tick in y_ticks:
        row = frame.bottom - 1 - round(y_scale.place(tick) * (frame.height - 1))
        if not frame.top <= row < frame.bottom:
            continue
        label = tick_label(tick)
        canvas.put(frame.left - 2 - len(label), row, label, "muted")
        canvas.put(frame.left - 1, row, tee, "axis")
        for column in range(frame.left + 3, frame.left + frame.width, 4):
            canvas.put(column, row, "." if canvas.ascii else "·", "grid")
    canvas.put(frame.left - 1, frame.bottom, corner + along * frame.width, "axis")
    free = 0
    for tick in _ticks(plot.x, x_scale, max(2, frame.width // 6)):
        label = tick_label(tick)
        column = frame.left + round(x_scale.place(tick) * (frame.width - 1))
        start = max(frame.left - 1, min(column - len(label) // 2, canvas.width - len(label)))
        canvas.put(column, frame.bottom, cross, "axis")
        if start >= free:
            canvas.put(start, frame.bottom + 1, label, "muted")
            free = start + len(label) + 1
    title = plain(plot.x.title)
    end = frame.left + frame.width
    note = " (log)" if plot.x.log else ""
    start = max(0, end - len(title) - len(note))
    canvas.put(start, frame.bottom + 2, title, "text")
    canvas.put(start + len(title), frame.bottom + 2, note, "muted")


class _Marks:
    """Lines, intervals, the front and the marks of one plot."""

    def __init__(
        self,
        canvas: Canvas,
        plot: Plot,
        frame: _Frame,
        scales: tuple[Scale, Scale],
        glyphs: Glyphs,
    ) -> None:
        self._canvas = canvas
        self._plot = plot
        self._frame = frame
        self._x, self._y = scales
        self._glyphs = glyphs
        self._wide, self._high = (1, 1) if canvas.ascii else (2, 4)

    def draw(
        self, points: list[tuple[int, Point]], current: Point | None
    ) -> tuple[dict[tuple[int, int], tuple[int, Point]], tuple[tuple[int, Point], ...]]:
        """Draws all; gives the cells of the marks, and the points that found none."""
        self._rules()
        if self._plot.lines:
            self._lines(points)
        for number, point in points:
            self._interval(number, point)
        self._front()
        front = {point.id for point in self._plot.front}
        # The most important first, for whoever comes later must make way.
        ordered = sorted(points, key=lambda e: (e[1] != current, e[1].id not in front))
        places: dict[tuple[int, int], tuple[int, Point]] = {}
        hidden = []
        for number, point in ordered:
            cell = self._free(self._cell(point.x, point.y), places)
            if cell is None:
                hidden.append((number, point))
                continue
            role = "current" if point == current else f"series-{number}"
            sign = number if point.kind is None else point.kind
            self._canvas.put(*cell, point.mark or mark_of(sign, self._glyphs), role)
            places[cell] = number, point
        self._names(places)
        return places, tuple(hidden)

    def _free(
        self, cell: tuple[int, int], taken: dict[tuple[int, int], tuple[int, Point]]
    ) -> tuple[int, int] | None:
        """The cell, or one beside it if another mark has it."""
        column, row = cell
        inside = range(self._frame.left, self._frame.left + self._frame.width)
        for aside in _ASIDE:
            if column + aside in inside and (column + aside, row) not in taken:
                return column + aside, row
        return None

    def _names(self, places: dict[tuple[int, int], tuple[int, Point]]) -> None:
        """Writes names beside marks, where they cover neither a mark nor another name."""
        taken, named = set(places), set()
        front = {point.id for point in self._plot.front}
        first, last = self._frame.left, self._frame.left + self._frame.width - 1
        for (column, row), (number, point) in places.items():
            name = plain(point.name)
            size = cell_len(name)
            if not name or (number in named and point.id not in front):
                continue
            above, below = row - 1, row + 1
            tries = [(column + 2, row), (column - 1 - size, row)]
            tries += [
                (start, line)
                for line in (above, below)
                if self._frame.top <= line < self._frame.bottom
                for start in (column - size // 2, column, column - size + 1)
            ]
            for start, line in tries:
                around = {(at, line) for at in range(start - 1, start + size + 1)}
                fits = first <= start and start + size - 1 <= last
                if fits and not (around - {(column, row)}) & taken:
                    for end in {start - 1, start + size} & set(range(first, last + 1)):
                        if (end, line) not in taken:
                            self._canvas.put(end, line, " ", "")
                    self._canvas.put(start, line, name, f"series-{number}")
                    taken |= around
                    named.add(number)
                    break

    def _rules(self) -> None:
        for rule in self._plot.shown_rules:
            _, row = self._cell(0.0 if not self._plot.x.log else 1.0, rule.y)
            across = _rule_sign(self._canvas.ascii) * self._frame.width
            self._canvas.put(self._frame.left, row, across, "front")

    def _lines(self, points: list[tuple[int, Point]]) -> None:
        by_series: dict[tuple[int, int | None], list[Point]] = {}
        for number, point in points:
            by_series.setdefault((number, point.kind), []).append(point)
        for (number, _), found in by_series.items():
            ordered = sorted(found, key=lambda point: point.x)
            for a, b in pairwise(ordered):
                self._canvas.line(self._dot(a.x, a.y), self._dot(b.x, b.y), f"series-{number}")

    def _interval(self, number: int, point: Point) -> None:
        low, high = point.low, point.high
        if low is None or high is None or (self._plot.y.log and low <= 0):
            return
        x, top = self._dot(point.x, high)
        _, bottom = self._dot(point.x, low)
        if bottom - top >= self._high:  # What the mark covers needs no line.
            self._canvas.line((x, top), (x, bottom), f"series-{number}")

    def _front(self) -> None:
        shown = [
            point
            for point in self._plot.front
            if (point.x > 0 or not self._plot.x.log) and (point.y > 0 or not self._plot.y.log)
        ]
        for a, b in pairwise(shown):
            # A step, not a slope: nothing was measured that lies between the two.
            corner = self._dot(a.x, b.y)
            self._canvas.line(self._dot(a.x, a.y), corner, "front", every=2)
            self._canvas.line(corner, self._dot(b.x, b.y), "front", every=2)

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        across, down = self._dot(x, y)
        return across // self._wide, down // self._high

    def _dot(self, x: float, y: float) -> tuple[int, int]:
        frame = self._frame
        across = self._x.place(x) * (frame.width * self._wide - self._wide)
        down = (1 - self._y.place(y)) * (frame.height * self._high - self._high)
        return (
            frame.left * self._wide + round(across) + (self._wide - 1) // 2,
            frame.top * self._high + round(down) + (self._high - 1) // 2,
        )


def _rule_sign(ascii: bool) -> str:
    return "-" if ascii else "╌"


def _legend(plot: Plot, glyphs: Glyphs) -> list[tuple[str, str, Role]]:
    """Sign, label and role of each entry."""
    shown = {number for number, _ in plot.points()}
    entries: list[tuple[str, str, Role]] = [
        (
            glyphs.rule if plot.kinds else mark_of(number, glyphs),
            plain(series.label),
            f"series-{number}",
        )
        for number, series in enumerate(plot.series)
        if number in shown
    ]
    entries += [(mark_of(kind, glyphs), plain(w), "text") for kind, w in enumerate(plot.kinds)]
    drawn = {point.mark for _, point in plot.points()}
    entries += [(mark, words, "text") for mark, words in plot.mark_meanings if mark in drawn]
    ascii = glyphs.series.isascii()
    entries += [(_rule_sign(ascii), plain(rule.label), "front") for rule in plot.shown_rules]
    if plot.front:
        entries.append(("." if ascii else "⠒", plot.front_label, "front"))
    return entries


def _legend_beside(
    canvas: Canvas, legend: list[tuple[str, str, Role]], left: int, rows: int, glyphs: Glyphs
) -> int:
    room = rows if len(legend) <= rows else rows - 1
    for row, (sign, label, role) in enumerate(legend[:room], start=1):
        canvas.put(left, row, sign, role)
        canvas.put(left + 2, row, fit(label, LEGEND_WIDTH - 2, ellipsis=glyphs.ellipsis), "text")
    return len(legend) - min(room, len(legend))


def _legend_rows(legend: list[tuple[str, str, Role]], width: int) -> int:
    rows, column = 1, 0
    for _, label, _ in legend:
        size = len(label) + 4
        if column and column + size > width:
            rows, column = rows + 1, 0
        column += size
    return rows


def _legend_below(canvas: Canvas, legend: list[tuple[str, str, Role]], top: int, width: int) -> int:
    row, column = top, 0
    for number, (sign, label, role) in enumerate(legend):
        size = len(label) + 4
        if column and column + size > width:
            row, column = row + 1, 0
        if row >= canvas.height:
            return len(legend) - number
        canvas.put(column, row, sign, role)
        canvas.put(column + 2, row, label, "text")
        column += size
    return 0


def _frozen(canvas: Canvas) -> tuple[tuple[tuple[str, Role], ...], ...]:
    return tuple(tuple(row) for row in canvas.rows())
