"""A part of a tab under a titled rule."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual.containers import Vertical
from textual.widget import Widget

from tui.base import AppPart
from tui.plain import fit, plain


class PanelTitle(AppPart, Widget):
    """The rule: a title at its left end, words at its right."""

    def __init__(self, title: str, aside: str = "") -> None:
        super().__init__()
        self._title = plain(title)
        self._aside = plain(aside)

    def retitle(self, title: str, aside: str) -> None:
        """Both are data."""
        if (title, aside) != (self._title, self._aside):
            self._title, self._aside = plain(title), plain(aside)
            self.refresh()

    def render(self) -> Text:
        app, width = self.asrprof, self.size.width
        title = fit(self._title, min(cell_len(self._title), width)) + " "
        aside = f" {self._aside}" if self._aside else ""
        room = width - cell_len(title) - cell_len(aside)
        if room < 1:
            aside, room = "", max(0, width - cell_len(title))
        return Text.assemble(
            title,
            (app.glyphs.rule * room, f"not bold {app.palette.faint}"),
            (aside, f"not bold {app.palette.muted}"),
            no_wrap=True,
            overflow="crop",
        )


class Panel(Vertical):
    """A titled part; the rule costs one line, and no frame is drawn around it."""

    def __init__(
        self, title: str, *children: Widget, id: str | None = None, classes: str = ""
    ) -> None:
        """A panel with its title above its children.

        Args:
            title: The title.
            children: The widgets below the title.
            id: Id of the widget.
            classes: Further classes of the widget, with spaces between them.
        """
        self._head = PanelTitle(title)
        super().__init__(self._head, *children, id=id, classes=f"panel {classes}")

    def retitle(self, title: str, aside: str = "") -> None:
        """Changes the title, and the words at the right end of the rule; both are data."""
        self._head.retitle(title, aside)
