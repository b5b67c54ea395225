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

from tui.actions import SCOPES
from tui.actions.action import Scope
from tui.base import AppPart
from tui.bindings import bindings
from tui.keys import MOVING, keys_of
from tui.widgets.panel import Panel

KEY_CELLS = 18


class HelpScreen(AppPart, ModalScreen[None]):
    """Keys of a tab, of the app and of tables; those of the other tabs below."""

    SCOPE = "help"
    BINDINGS: ClassVar[list[BindingType]] = bindings("help")
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, here: str) -> None:
        """``here`` is the scope of the tab that shows."""
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        first = [scope for scope in SCOPES if scope.name == self._here]
        app = [scope for scope in SCOPES if scope.name == "app"]
        rest = [scope for scope in SCOPES if scope not in (*first, *app)]
        panel = Panel("Keys", classes="dialog tall")
        panel.retitle("Keys", "esc closes")
        with panel, VerticalScroll():
            for scope in (*first, *app):
                yield self._section(scope)
            yield Static(self._table("Tables and lists", list(MOVING)))
            for scope in rest:
                yield self._section(scope)

    def _section(self, scope: Scope) -> Static:
        keymap = self.asrprof.options.keymap
        rows = [(keys_of(action, keymap), action.help) for action in scope.actions]
        return Static(self._table(scope.title, rows))

    def _table(self, title: str, rows: list[tuple[str, str]]) -> Table:
        palette = self.asrprof.palette
        table = Table.grid(padding=(0, 2, 0, 0))
        table.title = Text(f"\n{title}", "bold")
        table.title_justify = "left"
        table.add_column(width=KEY_CELLS, style=palette.primary)
        table.add_column()
        for keys, words in rows:
            table.add_row(Text(keys), Text(words))
        return table

    def action_close(self) -> None:
        self.dismiss()
