"""The file to write results or a chart to."""

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

from store import Store
from tui.base import AppPart
from tui.bindings import bindings
from tui.messages import Told
from tui.plain import plain
from tui.results.export import Export
from tui.widgets.choice import Choice
from tui.widgets.keys_in_order import LineInput


class ExportScreen(AppPart, ModalScreen[None]):
    """Asks for format and file, and has the file written by a thread."""

    SCOPE = "export"
    BINDINGS: ClassVar[list[BindingType]] = bindings("export")
    AUTO_FOCUS = "Input"

    def __init__(self, exports: list[Export]) -> None:
        """``exports`` are the formats that there are, the usual one first."""
        super().__init__()
        self._exports = {export.format: export for export in exports}
        self._warned: Path | None = None

    def compose(self) -> ComposeResult:
        first = next(iter(self._exports.values()))
        with Vertical(classes="dialog small"):
            yield Static(Text("Write to a file", "bold"))
            if first.what:
                yield Static(Text(first.what))
            yield Static(Text(f"in {plain(str(self._folder))}"), classes="muted")
            yield Choice(list(self._exports), first.format, id="format")
            yield LineInput(
                f"{first.name}.{first.format}", compact=True, id="export-file", classes="alone"
            )
            yield Static(id="export-error", classes="error", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(Text("enter Write"), id="write", compact=True, variant="primary")
                yield Button(Text("esc Cancel"), id="cancel", compact=True)

    @property
    def _folder(self) -> Path:
        """Where a name without a folder leads, as for configs."""
        return self.asrprof.options.configs

    @on(Choice.Changed)
    def _format_changed(self, event: Choice.Changed) -> None:
        file = self.query_one(Input)
        path = Path(file.value)
        if path.suffix.removeprefix(".") in self._exports:
            file.value = str(path.with_suffix(f".{event.value}"))

    @on(Input.Submitted)
    @on(Button.Pressed, "#write")
    def action_write(self) -> None:
        name = self.query_one(Input).value.strip()
        if not name:
            self._say("write a file name")
            return
        path = self._folder / Path(name).expanduser()
        if not path.suffix:
            path = path.with_suffix(f".{self.query_one(Choice).value}")
        export = self._exports.get(path.suffix.removeprefix("."))
        if export is None:
            self._say(f"the name must end in {' or '.join('.' + name for name in self._exports)}")
            return
        if not path.parent.is_dir():
            self._say(f"there is no folder {path.parent}")
            return
        if path.exists() and path != self._warned:
            self._warned = path
            self._say(f"{path.name} is there already; press enter again to replace it")
            return
        app = self.asrprof
        store_path = app.options.store

        def write(_: None) -> str:
            with Store.open(store_path, readonly=True) as store:
                text = export.make(store)
            path.write_text(text, encoding="utf-8")
            return f"wrote {path}{f': {export.what}' if export.what else ''}"

        app.worker.do(app, write, Told)
        self.dismiss()

    @on(Button.Pressed, "#cancel")
    def action_close(self) -> None:
        self.dismiss()

    def _say(self, words: str) -> None:
        self.query_one("#export-error", Static).update(Text(plain(words)))
