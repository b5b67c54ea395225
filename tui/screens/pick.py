"""Choose any of a list."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.base import AppPart
from tui.bindings import bindings
from tui.plain import plain
from tui.table import Column
from tui.widgets.query_table import QueryTable


@dataclass(frozen=True)
class Option:
    """One thing to choose; all texts are data."""

    key: str
    label: str
    help: str = ""


class PickScreen(AppPart, ModalScreen[list[str] | None]):
    """Space marks, enter takes what is marked; gives the keys in the order of the list."""

    SCOPE = "pick"
    BINDINGS: ClassVar[list[BindingType]] = bindings("pick")
    AUTO_FOCUS = "QueryTable"

    def __init__(self, title: str, options: Sequence[Option], chosen: Sequence[str]) -> None:
        """Takes the texts as data.

        Args:
            title: Says what is chosen.
            options: What there is to choose from, in the order of the list.
            chosen: Keys of the options that are marked at first.
        """
        super().__init__()
        self._heading = title
        self._options = tuple(options)
        self._chosen = frozenset(chosen)

    def compose(self) -> ComposeResult:
        glyphs = self.asrprof.glyphs
        label = max((len(plain(option.label)) for option in self._options), default=10)
        help = max((len(plain(option.help)) for option in self._options), default=10)
        columns: list[Column[Option]] = [
            Column("label", "", min(40, label), lambda option: (option.label, "")),
            Column("help", "", max(1, help), lambda option: (option.help, "muted")),
        ]
        with Vertical(classes="dialog pick"):
            yield Static(Text(plain(self._heading), "bold"))
            yield QueryTable(columns, heading=False, glyphs=glyphs, id="pick-table")
            yield Static("space marks, enter takes what is marked", classes="muted", markup=False)

    @property
    def table(self) -> QueryTable[Option]:
        """The list."""
        return self.query_one("#pick-table", QueryTable)

    def on_mount(self) -> None:
        table = self.table
        table.styles.height = min(24, len(self._options))
        table.put(dict(enumerate(self._options)))
        table.set_ids(array("q", range(len(self._options))))
        table.mark(n for n, option in enumerate(self._options) if option.key in self._chosen)

    def action_mark(self) -> None:
        self.table.toggle_mark()

    @on(QueryTable.Chosen)
    def action_done(self) -> None:
        marked = self.table.marked
        self.dismiss([o.key for number, o in enumerate(self._options) if number in marked])

    def action_close(self) -> None:
        self.dismiss(None)
