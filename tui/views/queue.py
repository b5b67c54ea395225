"""The tab Queue."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tui.bindings import bindings
from tui.view import View


class QueueView(View):
    """Queue."""

    SCOPE = "queue"
    TITLE = "Queue"
    BINDINGS: ClassVar[list[BindingType]] = bindings("queue")
    can_focus = True

    def compose(self) -> ComposeResult:
        yield Static("Queue")
