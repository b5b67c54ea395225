"""The base of the three parts of the tab Results."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.text import Text
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from tui.base import AppPart
from tui.results.export import Export

SHARE = 0.1
"""Most of one core that keeping a part up to date may take while others write."""


class Upkeep:
    """Lets a part read again when the store has changed, but not for more than its share."""

    def __init__(self, owner: Widget, ask: Callable[[], None]) -> None:
        """``ask`` has the part read."""
        self._owner = owner
        self._ask = ask
        self._next_at = 0.0
        self._due = False

    def wanted(self) -> None:
        """Asks now, or as soon as the share allows."""
        wait = self._next_at - time.monotonic()
        if wait <= 0:
            self._ask()
        elif not self._due:
            self._due = True
            self._owner.set_timer(wait, self._late)

    def took(self, seconds: float) -> None:
        """Reading took so much of a core's time."""
        self._next_at = time.monotonic() + seconds / SHARE

    def _late(self) -> None:
        self._due = False
        self._ask()


class Pane(AppPart, Vertical):
    """One part. It is told of the filter, and says what stands in the line below."""

    class Said(Message):
        """What to show below: what is seen, and what is to be known of the current value."""

        def __init__(self, pane: Pane, left: Text, right: Text) -> None:
            """Says what a part shows below it.

            Args:
                pane: The part that says it.
                left: What is seen.
                right: What is to be known of the current value.
            """
            super().__init__()
            self.pane = pane
            self.left = left
            self.right = right

    class FilterFailed(Message):
        """SQLite does not understand the filter; one line."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def refilter(self, where: str | None) -> None:
        """Shows only results for which a SQL condition holds."""

    def freshen(self) -> None:
        """The store has changed, or this part is shown again."""

    def first_focus(self) -> Widget | None:
        """What gets the focus when this part is shown."""
        return next((widget for widget in self.query("*") if widget.focusable), None)

    def exports(self) -> list[Export]:
        """What can be written to a file now."""
        return []

    def copied(self) -> str:
        """What is to go to the clipboard; empty where there is nothing."""
        return ""
