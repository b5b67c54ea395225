"""The base of the tabs."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Vertical
from textual.widget import Widget

from tui.actions import scope
from tui.base import AppPart
from tui.snapshot import Snapshot


class View(AppPart, Vertical):
    """One tab. It is mounted when it is first opened, and told of the store only while it shows."""

    SCOPE: ClassVar[str]
    """Its scope in ``tui.actions``; its bindings are ``bindings(SCOPE)``."""
    TITLE: ClassVar[str]

    @property
    def shows(self) -> bool:
        """Whether it is the tab that shows."""
        return self.display

    def receive(self, snapshot: Snapshot) -> None:
        """Shows a new state of the store; also called each time the tab is opened."""

    def recolour(self) -> None:
        """Draws in the colours of another theme what it drew in those of the one before."""
        self.receive(self.asrprof.snapshot)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.asrprof.options.readonly:
            return True
        return not any(a.writes and a.method == action for a in scope(self.SCOPE).actions)

    def first_focus(self) -> Widget | None:
        """What has the focus when the tab is opened: without one, its keys would not work."""
        return next((w for w in (*self.query("*"), self) if w.focusable), None)
