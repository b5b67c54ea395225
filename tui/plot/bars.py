"""Draws bars, one a line, from nothing to the value, which stands beside them as a number."""

from __future__ import annotations

from rich.cells import cell_len

from report.text import number
from tui.glyphs import Glyphs
from tui.plain import fit, plain
from tui.plot.canvas import Canvas
from tui.plot.model import Plot, Point

_LEAST_BAR = 8
"""Cells that are left to the longest bar."""


def draw_bars(
    canvas: Canvas,
    plot: Plot,
    points: list[tuple[int, Point]],
    glyphs: Glyphs,
    current: Point | None,
) -> tuple[dict[tuple[int, int], tuple[int, Point]], int]:
    """Draws the bars of a plot in the order of its series.

    Args:
        canvas: What is drawn on; at least 24 cells wide and 8 high.
        plot: What the bars are.
        points: A bar each, with the number of its series.
        glyphs: The signs of bars.
        current: The bar to emphasise.

    Returns:
        The series and the bar of each cell that one begins at, and how many there was no room for.
    """
    canvas.put(0, 0, plain(plot.y.title), "text")
    room = canvas.height - 1
    shown = points if len(points) <= room else points[: room - 1]
    texts = [bar_text(plot, point) for _, point in shown]
    words = max(map(cell_len, texts))
    labels = [plain(plot.series[series].label) for series, _ in shown]
    most = max(8, canvas.width - words - _LEAST_BAR - 4)
    width = min(max(map(cell_len, labels)), most)
    longest = max(1, canvas.width - width - words - 4)
    top = max((point.y for _, point in shown), default=0.0)
    places = {}
    for row, ((series, point), text, label) in enumerate(
        zip(shown, texts, labels, strict=True), start=1
    ):
        chosen = point == current
        canvas.put(
            0, row, fit(label, width, ellipsis=glyphs.ellipsis), "current" if chosen else "text"
        )
        halves = max(1, round(2 * longest * point.y / top)) if top > 0 else 0
        bar = glyphs.bar_full * (halves // 2) + (
            (glyphs.bar_parts or glyphs.bar_full)[:1] if halves % 2 else ""
        )
        canvas.put(width + 1, row, bar, f"series-{series}")
        canvas.put(width + 2 + cell_len(bar), row, text, "current" if chosen else "text")
        places[width + 1, row] = series, point
    left_out = len(points) - len(shown)
    if left_out:
        canvas.put(0, canvas.height - 1, f"and {left_out} more: filter", "muted")
    return places, left_out + plot.left_out


def bar_text(plot: Plot, point: Point) -> str:
    """The value of a bar with its interval and what is to be known of it."""
    unit = f" {plot.y.unit}" if plot.y.unit else ""
    ends = ""
    if point.low is not None and point.high is not None:
        ends = f" [{number(point.low, 3)}, {number(point.high, 3)}]"
    note = f" {plain(point.note)}" if point.note else ""
    return f"{point.mark}{number(point.y, 3)}{unit}{ends}{note}"
