"""Lines of output: drawn as they are, obeyed by nobody."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.logtail import LogTail
from tui.plain import fit

POLL_S = 0.25
NO_OUTPUT = "No output yet."
NO_LOG = "No log: it ran in a terminal, or its log was deleted."


class LogView(ScrollView, can_focus=True):
    """Follows a log's end until the user scrolls up; ``end`` follows again.

    Lines are never cut: what is wider than the screen is reached by the arrow keys.
    """

    DEFAULT_CSS = "LogView { overflow-x: auto; scrollbar-size-horizontal: 1; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"log-view--quiet"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", show=False),
        Binding("down,j", "scroll_down", show=False),
        Binding("left", "sideways(-1)", show=False),
        Binding("right", "sideways(1)", show=False),
    ]

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:
        """Shows ``empty`` as long as there is no line."""
        super().__init__(id=id)
        self.empty = empty
        self._tail: LogTail | None = None
        self._lines: list[str] = []
        self._seen = -1

    @property
    def tail(self) -> LogTail | None:
        """What it shows."""
        return self._tail

    def follow(self, tail: LogTail | None) -> None:
        """Shows another log; the one before is stopped."""
        if self._tail is not None:
            self._tail.stop()
        self._tail = tail
        self._lines, self._seen = [], -1
        self._poll()

    def on_mount(self) -> None:
        self.set_interval(POLL_S, self._poll)

    def on_unmount(self) -> None:
        if self._tail is not None:
            self._tail.stop()

    def _poll(self) -> None:
        count = 0 if self._tail is None else self._tail.count
        if count == self._seen:
            return
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self._seen = count
        self._lines = [] if self._tail is None else self._tail.lines()
        self._measure()
        if at_end:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
        self.refresh()

    def on_resize(self) -> None:
        self._measure()

    def _measure(self) -> None:
        widest = max(map(cell_len, self._lines), default=0)
        width = max(self.scrollable_content_region.width, widest)
        self.virtual_size = Size(width, max(1, len(self._lines)))

    def action_sideways(self, way: int) -> None:
        """Moves by half the width, to the left (-1) or to the right (1)."""
        by = way * max(1, self.scrollable_content_region.width // 2)
        self.scroll_relative(x=by, animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if not self._lines:
            style = self.get_component_rich_style("log-view--quiet")
            return Strip([Segment(fit(self.empty if y == 0 else "", width), style)], width)
        text = self._lines[index] if index < len(self._lines) else ""
        left = self.scroll_offset.x
        whole = Strip([Segment(fit(text, left + width), self.rich_style)], left + width)
        return whole.crop(left, left + width)
