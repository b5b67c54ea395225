"""The keys that work here, from the registry of actions."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.actions import scope
from tui.bindings import bindings


class HelpScreen(ModalScreen[None]):
    """Keys of a tab and of the app."""

    SCOPE = "help"
    BINDINGS: ClassVar[list[BindingType]] = bindings("help")

    def __init__(self, name: str) -> None:
        """``name`` is the scope of the tab that shows."""
        super().__init__()
        self._of = name

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            for name in (self._of, "app"):
                found = scope(name)
                table = Table.grid(padding=(0, 2))
                for action in found.actions:
                    table.add_row(Text(action.keys, "bold"), Text(action.help))
                yield Static(Text(found.title, "bold"))
                yield Static(table)

    def action_close(self) -> None:
        self.dismiss()
