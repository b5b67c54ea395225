"""The tab Home."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tui.bindings import bindings
from tui.view import View


class HomeView(View):
    """Home."""

    SCOPE = "home"
    TITLE = "Home"
    BINDINGS: ClassVar[list[BindingType]] = bindings("home")
    can_focus = True

    def compose(self) -> ComposeResult:
        yield Static("Home")
