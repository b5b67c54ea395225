"""A plot as SVG, for a page or a slide: the same marks and axes, in vectors."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import pairwise

from tui.plain import plain
from tui.plot.bars import bar_text
from tui.plot.model import Axis, Plot, Point
from tui.plot.scale import Scale, fit_scale, thin, tick_label

WIDTH, HEIGHT = 960, 540
_LEFT, _TOP, _BOTTOM, _LEGEND = 76, 52, 58, 250
_INK, _SOFT, _GRID, _FRONT = "#23272F", "#5B626E", "#E3E0D8", "#9A5B1F"
COLOURS = (
    *("#2F5F9E", "#B3362E", "#2F7A3C", "#8A6100", "#6B4FA0", "#1F7A8C", "#A0457C", "#5B626E"),
)
_RULE = f'fill="none" stroke="{_FRONT}" stroke-width="1.5" stroke-dasharray="6 4"'
_FONT = 'font-family="Inter, Helvetica, Arial, sans-serif"'


def to_svg(plot: Plot) -> str:
    """The plot as the text of one SVG file; every label of it is data, never markup."""
    return "\n".join(_lines(plot)) + "\n"


def _lines(plot: Plot) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" {_FONT} font-size="13">'
    )
    yield f"<title>{_safe(plot.title)}</title>"
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#FFFFFF"/>'
    yield _text(_LEFT, 26, plot.title, size=16, weight=600)
    if plot.caption:
        yield _text(_LEFT, HEIGHT - 10, plot.caption, fill=_SOFT)
    points = list(plot.points())
    if points:
        yield from _bars(plot, points) if plot.bars else _Figure(plot, points).lines()
    else:
        yield _text(WIDTH / 2, HEIGHT / 2, plot.empty, anchor="middle", fill=_SOFT)
    yield "</svg>"


class _Figure:
    """Axes, marks and legend of a plot that has points."""

    def __init__(self, plot: Plot, points: list[tuple[int, Point]]) -> None:
        self._plot = plot
        self._points = points
        values = [point.y for _, point in points]
        values += [end for _, p in points for end in (p.low, p.high) if end is not None]
        values += [rule.y for rule in plot.shown_rules]
        self._x = fit_scale([point.x for _, point in points], plot.x)
        self._y = fit_scale(values, plot.y)
        self._right = WIDTH - _LEGEND
        self._base = HEIGHT - _BOTTOM

    def lines(self) -> Iterator[str]:
        yield from self._axes()
        for rule in self._plot.shown_rules:
            y = self._place(self._points[0][1].x, rule.y)[1]
            yield f'<path d="M{_LEFT} {y:.1f}H{self._right}" {_RULE}/>'
        for number, series in enumerate(self._plot.series):
            shown = [point for owner, point in self._points if owner == number]
            if not shown:
                continue
            colour = COLOURS[number % len(COLOURS)]
            yield f'<g fill="{colour}" stroke="{colour}"><desc>{_safe(series.label)}</desc>'
            yield from self._series(number, sorted(shown, key=lambda point: point.x))
            yield "</g>"
        yield from self._front()
        yield from self._legend()

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + self._x.place(x) * (self._right - _LEFT),
            self._base - self._y.place(y) * (self._base - _TOP),
        )

    def _axes(self) -> Iterator[str]:
        for tick in _ticks(self._plot.y, self._y, 8):
            height = self._place(self._points[0][1].x, tick)[1]
            yield (f'<path d="M{_LEFT} {height:.1f}H{self._right}" stroke="{_GRID}" fill="none"/>')
            yield _text(_LEFT - 8, height + 4, tick_label(tick), anchor="end", fill=_SOFT)
        for tick in _ticks(self._plot.x, self._x, 10):
            across = self._place(tick, self._points[0][1].y)[0]
            yield f'<path d="M{across:.1f} {self._base}v5" stroke="{_SOFT}" fill="none"/>'
            yield _text(across, self._base + 20, tick_label(tick), anchor="middle", fill=_SOFT)
        yield (
            f'<path d="M{_LEFT} {_TOP}V{self._base}H{self._right}" stroke="{_SOFT}" fill="none"/>'
        )
        yield _text(_LEFT, _TOP - 8, _title(self._plot.y), fill=_INK)
        yield _text(self._right, self._base + 42, _title(self._plot.x), anchor="end", fill=_INK)

    def _series(self, number: int, points: list[Point]) -> Iterator[str]:
        places = [self._place(point.x, point.y) for point in points]
        for kind in dict.fromkeys(point.kind for point in points if self._plot.lines):
            joined = [at for at, p in zip(places, points, strict=True) if p.kind == kind]
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in joined)
            if len(joined) > 1:
                yield f'<path d="M{path}" fill="none" stroke-width="1.5"/>'
        for point, (x, y) in zip(points, places, strict=True):
            ends = [end for end in (point.low, point.high) if end is not None]
            if len(ends) == 2 and (ends[0] > 0 or not self._plot.y.log):
                low, high = (self._place(point.x, end)[1] for end in ends)
                yield f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" fill="none"/>'
            sign = number if point.kind is None else point.kind
            yield _sign(point.mark, x, y) if point.mark else _mark(sign, x, y)
            if point.name:
                yield _text(x + 8, y + 4, point.name, size=11, stroke="none")

    def _front(self) -> Iterator[str]:
        shown = [p for p in self._plot.front if not self._plot.x.log or p.x > 0]
        for a, b in pairwise(shown):
            (x0, y0), (x1, y1) = self._place(a.x, a.y), self._place(b.x, b.y)
            yield (
                f'<path d="M{x0:.1f} {y0:.1f}V{y1:.1f}H{x1:.1f}" fill="none" stroke="{_FRONT}" '
                'stroke-width="1.5" stroke-dasharray="2 4"/>'
            )

    def _legend(self) -> Iterator[str]:
        left, top = self._right + 24, _TOP + 8
        numbers = sorted({number for number, _ in self._points})
        for row, number in enumerate(numbers):
            colour = COLOURS[number % len(COLOURS)]
            at = top + 22 * row
            sign = _mark(number, left, at)
            if self._plot.kinds:  # The signs tell these, the colours the series.
                sign = f'<path d="M{left - 7} {at}h14" stroke-width="4"/>'
            yield f'<g fill="{colour}" stroke="{colour}">{sign}</g>'
            label = self._plot.series[number].label
            label = label if len(label) <= 30 else label[:29] + "…"
            yield _text(left + 14, top + 22 * row + 4, label, fill=_INK)
        row = len(numbers)
        for kind, words in enumerate(self._plot.kinds):
            sign = _mark(kind, left, top + 22 * row)
            yield f'<g fill="{_INK}" stroke="{_INK}">{sign}</g>'
            yield _text(left + 14, top + 22 * row + 4, words, fill=_INK)
            row += 1
        drawn = {point.mark for _, point in self._points}
        for mark, words in self._plot.mark_meanings:
            if mark in drawn:
                yield f'<g fill="{_INK}">{_sign(mark, left, top + 22 * row)}</g>'
                yield _text(left + 14, top + 22 * row + 4, words, fill=_INK)
                row += 1
        for rule in self._plot.shown_rules:
            yield f'<path d="M{left - 7} {top + 22 * row}h14" {_RULE}/>'
            yield _text(left + 14, top + 22 * row + 4, rule.label, fill=_INK)
            row += 1
        if self._plot.front:
            y = top + 22 * row
            yield (
                f'<path d="M{left - 7} {y}h14" stroke="{_FRONT}" stroke-width="1.5" '
                'stroke-dasharray="2 4"/>'
            )
            yield _text(left + 14, y + 4, self._plot.front_label, fill=_INK)


def _bars(plot: Plot, points: list[tuple[int, Point]]) -> Iterator[str]:
    """A bar each, from nothing to its value, which stands beside it."""
    left, right = 300, WIDTH - 230
    step = min(28.0, (HEIGHT - _TOP - _BOTTOM) / len(points))
    size = max(6, min(13, round(step * 0.7)))
    top = max(point.y for _, point in points)
    yield _text(_LEFT, _TOP - 4, plot.y.title, fill=_SOFT)
    for row, (number, point) in enumerate(points):
        y = _TOP + 6 + row * step
        length = (right - left) * point.y / top if top > 0 else 0.0
        colour = COLOURS[number % len(COLOURS)]
        middle = y + step / 2 + size / 3
        yield _text(left - 8, middle, plot.series[number].label, anchor="end", size=size)
        yield (
            f'<rect x="{left}" y="{y + step * 0.15:.1f}" width="{length:.1f}" '
            f'height="{step * 0.7:.1f}" fill="{colour}"/>'
        )
        yield _text(left + length + 8, middle, bar_text(plot, point), size=size)


def _ticks(axis: Axis, scale: Scale, most: int) -> list[float]:
    inside = [tick for tick in axis.at if scale.low <= tick <= scale.high]
    return thin(inside, most) if inside else scale.ticks(most)


def _mark(number: int, x: float, y: float) -> str:
    """Four shapes, filled and then hollow, as the marks on the terminal."""
    r = 4.5
    shape = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}"',
        f'<path d="M{x:.1f} {y - r:.1f}l{r} {2 * r}h{-2 * r}z"',
        f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}"',
        f'<path d="M{x:.1f} {y - r - 1:.1f}l{r + 1} {r + 1}l{-r - 1} {r + 1}l{-r - 1} {-r - 1}z"',
    )[number % 4]
    return f'{shape} fill="#FFFFFF"/>' if number % 8 >= 4 else f"{shape}/>"


def _sign(mark: str, x: float, y: float) -> str:
    """A letter in the colour of its group."""
    return (
        f'<text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle" stroke="none" font-size="15" '
        f'font-weight="700">{_safe(mark)}</text>'
    )


def _title(axis: Axis) -> str:
    return f"{axis.title} (log)" if axis.log else axis.title


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    fill: str = _INK,
    size: int = 13,
    weight: int = 400,
    stroke: str = "",
) -> str:
    around = f' stroke="{stroke}"' if stroke else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}" '
        f'font-weight="{weight}"{around}>{_safe(words)}</text>'
    )


def _safe(words: str) -> str:
    return escape(plain(words))
