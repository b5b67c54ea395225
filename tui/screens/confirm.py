"""A question that is answered with yes or no."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.bindings import bindings
from tui.plain import plain


class ConfirmScreen(ModalScreen[bool]):
    """Asks before something is lost; no is the answer that enter gives."""

    SCOPE = "confirm"
    BINDINGS: ClassVar[list[BindingType]] = bindings("confirm")
    AUTO_FOCUS = "#no"

    def __init__(self, question: str, consequence: str = "", *, yes: str = "Yes") -> None:
        """Takes the texts as data.

        Args:
            question: What is asked.
            consequence: What yes would lose.
            yes: Names what will be done.
        """
        super().__init__()
        self._question = question
        self._consequence = consequence
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static(Text(plain(self._question), "bold"))
            if self._consequence:
                yield Static(Text(plain(self._consequence)), classes="muted")
            with Horizontal(classes="buttons"):
                yield Button(Text(f"y {self._yes}"), id="yes", compact=True, variant="error")
                yield Button(Text("n No"), id="no", compact=True)

    @on(Button.Pressed, "#yes")
    def action_yes(self) -> None:
        self.dismiss(True)

    @on(Button.Pressed, "#no")
    def action_no(self) -> None:
        self.dismiss(False)
