"""The first line: the tabs, and what the queue does."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from tui.plain import plain
from tui.snapshot import Snapshot


class TabBar(Horizontal):
    """One line; a click on a tab opens it."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    current: reactive[str] = reactive("home")
    said: reactive[str] = reactive("")
    """What the dispatcher said last."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        """``titles`` are the tabs' names, by their ids."""
        super().__init__()
        self._titles = titles

    def compose(self) -> ComposeResult:
        yield Static("asrprof", classes="brand")
        for number, (name, title) in enumerate(self._titles.items(), start=1):
            yield Tab(name, number, title)
        yield Static("", id="queue-state", markup=False)

    def watch_current(self, current: str) -> None:
        for tab in self.query(Tab):
            tab.set_class(tab.tab == current, "-current")

    def receive(self, snapshot: Snapshot) -> None:
        """Shows the queue in a few words."""
        parts = []
        if snapshot.held:
            parts.append(f"{len(snapshot.held)} running")
        if snapshot.waiting:
            parts.append(f"{len(snapshot.waiting)} waiting")
        words = Text(plain(", ".join(parts) or "idle"))
        # Its width is what the tabs leave: a layout of the whole screen would change nothing.
        self.query_one("#queue-state", Static).update(words, layout=False)


class Tab(Static):
    """One tab's title."""

    def __init__(self, tab: str, number: int, title: str) -> None:
        """A tab of the bar.

        Args:
            tab: Id of the tab.
            number: The key that opens it.
            title: Its name.
        """
        super().__init__(Text.assemble((f"{number} ", "dim"), title))
        self.tab = tab

    def on_click(self) -> None:
        self.post_message(TabBar.Chosen(self.tab))
