"""One line: what is seen at the left, what is to be known of the current value at the right."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

GAP = 2


class StatusLine(Widget):
    """The left part is shown whole where it can be, the right takes what is left of the line."""

    DEFAULT_CSS = """
    StatusLine { height: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left, self._right = Text(), Text()

    def show(self, left: Text, right: Text) -> None:
        """Changes both; costs no layout, however often it is called."""
        if (left, right) != (self._left, self._right) or left.spans != self._left.spans:
            self._left, self._right = left, right
            self.refresh()

    def render(self) -> Text:
        width = self.size.width
        left, right = self._left.copy(), self._right.copy()
        left.truncate(width, overflow="ellipsis")
        room = width - left.cell_len - GAP
        line = Text(no_wrap=True, overflow="crop")
        line.append_text(left)
        if room > 8 and right.plain:
            right.truncate(room, overflow="ellipsis")
            line.append(" " * (width - left.cell_len - cell_len(right.plain)))
            line.append_text(right)
        return line
