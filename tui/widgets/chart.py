"""A chart of braille dots, or of ASCII, with a cursor that goes from point to point."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.glyphs import UNICODE, Glyphs
from tui.plot.canvas import Role
from tui.plot.draw import Drawing, draw
from tui.plot.model import Axis, Plot, Point

EMPTY = Plot("", Axis(""), Axis(""), ())
COLOURS = 8
"""Series after these take the colours again, with the same marks."""


class Chart(Widget, can_focus=True):
    """Shows one plot."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "along(-1)", "Left", show=False),
        Binding("right,l", "along(1)", "Right", show=False),
        Binding("up,k", "series(-1)", "Series before", show=False),
        Binding("down,j", "series(1)", "Next series", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"chart--{name}" for name in ("text", "muted", "axis", "grid", "front", "current")
    } | {f"chart--series-{number}" for number in range(COLOURS)}

    DEFAULT_CSS = """
    Chart {
        height: 1fr;
        & > .chart--text { color: $foreground; }
        & > .chart--muted { color: $text-muted; }
        & > .chart--axis { color: $border; }
        & > .chart--grid { color: $border-blurred; }
        & > .chart--front { color: $accent; }
        & > .chart--current {
            background: $block-cursor-background; color: $block-cursor-foreground;
            text-style: bold;
        }
        & > .chart--series-0 { color: $primary; }
        & > .chart--series-1 { color: $error; }
        & > .chart--series-2 { color: $success; }
        & > .chart--series-3 { color: $warning; }
        & > .chart--series-4 { color: $secondary; }
        & > .chart--series-5 { color: $accent; }
        & > .chart--series-6 { color: $foreground; }
        & > .chart--series-7 { color: $text-muted; }
    }
    """

    class Moved(Message):
        """Another point is current."""

        def __init__(self, chart: Chart) -> None:
            super().__init__()
            self.chart = chart

        @property
        def control(self) -> Chart:
            """The chart."""
            return self.chart

    class Chosen(Message):
        """Enter on a point, or a second click."""

        def __init__(self, chart: Chart, point: Point) -> None:
            super().__init__()
            self.chart = chart
            self.point = point

        @property
        def control(self) -> Chart:
            """The chart."""
            return self.chart

    def __init__(self, *, glyphs: Glyphs = UNICODE, id: str | None = None) -> None:
        """An empty chart."""
        super().__init__(id=id)
        self._glyphs = glyphs
        self._plot = EMPTY
        self._current: tuple[int, Point] | None = None
        self._drawing: Drawing | None = None
        self._styles_of: dict[Role, Style] = {}

    @property
    def plot(self) -> Plot:
        """What it shows."""
        return self._plot

    @property
    def current(self) -> tuple[str, Point] | None:
        """The label of the current point's series, and the point."""
        if self._current is None:
            return None
        number, point = self._current
        return self._plot.series[number].label, point

    def show(self, plot: Plot) -> None:
        """Shows another plot; the current point stays where it is still there."""
        before = None if self._current is None else self._current[1]
        self._plot = plot
        if before is not None:
            # Points may stand for the same result: rather the very one than another of it.
            there = [entry for entry in plot.points() if entry[1].id == before.id]
            there.sort(key=lambda entry: entry[1] != before)
            self._current = next(iter(there), None)
        self._redraw()

    def _redraw(self) -> None:
        self._drawing = None
        self.refresh()
        if self.is_mounted:
            self.post_message(self.Moved(self))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles_of.clear()

    def on_resize(self) -> None:
        self._drawing = None

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.size.width
        if self._drawing is None:
            current = None if self._current is None else self._current[1]
            self._drawing = draw(
                self._plot, width, self.size.height, glyphs=self._glyphs, current=current
            )
        if y >= len(self._drawing.rows):
            return Strip.blank(width, self.rich_style)
        return Strip(
            [Segment(text, self._style(role)) for text, role in self._drawing.rows[y]], width
        )

    def _style(self, role: Role) -> Style:
        found = self._styles_of.get(role)
        if found is None:
            name = role
            if role.startswith("series-"):
                name = f"series-{int(role.removeprefix('series-')) % COLOURS}"
            found = self.get_component_rich_style(f"chart--{name}") if role else self.rich_style
            self._styles_of[role] = found
        return found

    # Moving

    def _of_series(self, number: int) -> list[Point]:
        found = [point for owner, point in self._plot.points() if owner == number]
        return sorted(found, key=lambda point: (point.x, point.y))

    def _go(self, number: int, point: Point) -> None:
        self._current = number, point
        self._redraw()

    def action_along(self, by: int) -> None:
        """Goes along the current series."""
        if self._current is None:
            self.action_series(1)
            return
        number, point = self._current
        points = self._of_series(number)
        place = points.index(point) + by
        if 0 <= place < len(points):
            self._go(number, points[place])

    def action_series(self, by: int) -> None:
        """Goes to another series, to its nearest point."""
        shown = sorted({number for number, _ in self._plot.points()})
        if not shown:
            return
        if self._current is None:
            self._go(shown[0], self._of_series(shown[0])[0])
            return
        number, point = self._current
        number = shown[(shown.index(number) + by) % len(shown)]
        self._go(number, min(self._of_series(number), key=lambda other: abs(other.x - point.x)))

    def action_choose(self) -> None:
        """Opens what the current point stands for."""
        if self._current is not None:
            self.post_message(self.Chosen(self, self._current[1]))

    def on_click(self, event: events.Click) -> None:
        """Goes to the point at or beside the pointer."""
        if self._drawing is None:
            return
        near = [
            (abs(column - event.x) + 2 * abs(row - event.y), entry)
            for (column, row), entry in self._drawing.places.items()
        ]
        if not near:
            return
        distance, entry = min(near, key=lambda found: found[0])
        if distance > 4:
            return
        if entry == self._current and event.chain > 1:
            self.action_choose()
        else:
            self._go(*entry)
