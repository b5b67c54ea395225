"""The tab Configs."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tui.bindings import bindings
from tui.view import View


class ConfigsView(View):
    """Configs."""

    SCOPE = "configs"
    TITLE = "Configs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("configs")
    can_focus = True

    def compose(self) -> ComposeResult:
        yield Static("Configs")
