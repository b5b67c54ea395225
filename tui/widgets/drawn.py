"""Text that is drawn for the width it gets."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.widget import Widget

Draw = Callable[[int], Text]


class Drawn(Widget):
    """Calls what it was given with its width, each time it is drawn."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw: Draw = lambda _: Text()

    def show(self, draw: Draw) -> None:
        """Draws this from now on."""
        self._draw = draw
        self.refresh()

    def render(self) -> Text:
        return self._draw(self.size.width)
