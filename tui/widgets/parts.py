"""The names of a few parts, one of which shows: a quiet kind of tabs."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.themes import palette


class Parts(Widget):
    """One line; the current name is bold and underlined, so that it shows without colour."""

    DEFAULT_CSS = """
    Parts { width: auto; height: 1; color: $foreground 62%; }
    """

    class Chosen(Message):
        """A name was clicked."""

        def __init__(self, parts: Parts, key: str) -> None:
            super().__init__()
            self.parts = parts
            self.key = key

        @property
        def control(self) -> Parts:
            """The widget."""
            return self.parts

    current: reactive[str] = reactive("")

    def __init__(self, names: Mapping[str, str], current: str, *, id: str | None = None) -> None:
        """A line of names.

        Args:
            names: What is shown, by key.
            current: Key of the marked one.
            id: Id of the widget.
        """
        super().__init__(id=id)
        self._names = dict(names)
        self.set_reactive(Parts.current, current)

    def render(self) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        colour = palette(self.app.theme_variables).foreground
        for key, name in self._names.items():
            text.append(name, f"bold underline {colour}" if key == self.current else "")
            text.append("  ")
        return text

    def get_content_width(self, container: object, viewport: object) -> int:
        return sum(cell_len(name) + 2 for name in self._names.values())

    def beside(self, by: int) -> str:
        """The key of the part before or after the current one."""
        keys = list(self._names)
        return keys[(keys.index(self.current) + by) % len(keys)]

    def on_click(self, event: events.Click) -> None:
        left = 0
        for key, name in self._names.items():
            left += cell_len(name) + 2
            if event.x < left:
                self.post_message(self.Chosen(self, key))
                return
