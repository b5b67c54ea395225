"""The name of the file to save a config to."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from tui.bindings import bindings
from tui.plain import plain
from tui.widgets.keys_in_order import LineInput


class SaveScreen(ModalScreen[Path | None]):
    """Asks for a file; one that is there must be confirmed by entering it twice."""

    SCOPE = "save"
    BINDINGS: ClassVar[list[BindingType]] = bindings("save")
    AUTO_FOCUS = "Input"

    def __init__(self, folder: Path, name: str) -> None:
        """``name`` is proposed; relative ones lie in ``folder``."""
        super().__init__()
        self._folder = folder
        self._name_proposed = name
        self._warned: Path | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static(Text("Save the config as", "bold"))
            yield Static(Text(f"in {plain(str(self._folder))}"), classes="muted")
            yield LineInput(self._name_proposed, compact=True, id="file", classes="alone")
            yield Static(id="save-error", classes="error")
            with Horizontal(classes="buttons"):
                yield Button(Text("enter Save"), id="save", compact=True, variant="primary")
                yield Button(Text("esc Cancel"), id="cancel", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        name = self.query_one(Input).value.strip()
        if not name:
            self._say("write a file name")
            return
        path = self._folder / Path(name).expanduser()
        path = path if path.suffix else path.with_suffix(".json")
        if path.exists() and path != self._warned:
            self._warned = path
            self._say(f"{path.name} is there already; press enter again to replace it")
            return
        self.dismiss(path)

    @on(Button.Pressed, "#cancel")
    def action_close(self) -> None:
        self.dismiss(None)

    def _say(self, words: str) -> None:
        self.query_one("#save-error", Static).update(Text(plain(words)))
