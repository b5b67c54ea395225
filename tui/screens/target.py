"""Where, and how urgently, to run a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from runner.dispatch.enqueue import RETRIES
from runner.dispatch.fleet.needs import parse_needs
from runner.errors import UserError
from store import JobRequest
from tui.bindings import bindings
from tui.plain import plain
from tui.present_queue import FLEET
from tui.widgets.choice import Choice
from tui.widgets.keys_in_order import LineInput

MOST_RETRIES = 99


class TargetScreen(ModalScreen[JobRequest | None]):
    """Asks for target, priority and time limit; enter queues."""

    SCOPE = "target"
    BINDINGS: ClassVar[list[BindingType]] = bindings("target")
    AUTO_FOCUS = "#target"

    def __init__(self, name: str, words: str, targets: Sequence[str]) -> None:
        """Takes the texts as data.

        Args:
            name: Name of the benchmark.
            words: How large it is, in words.
            targets: Where it may run.
        """
        super().__init__()
        self._benchmark = name
        self._words = words
        self._targets = targets

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static(Text(f"Queue {plain(self._benchmark)}", "bold"))
            yield Static(Text(plain(self._words)), classes="muted")
            with Horizontal(classes="form-field first"):
                yield Static("target", classes="label")
                yield Choice(self._targets, self._targets[0], id="target")
            with Horizontal(classes="form-field"):
                yield Static("priority", classes="label")
                yield LineInput("0", type="integer", compact=True, id="priority")
            with Horizontal(classes="form-field"):
                yield Static("time limit, min", classes="label")
                yield LineInput(placeholder="none", type="number", compact=True, id="limit")
            with Vertical(id="fleet-fields"):
                with Horizontal(classes="form-field"):
                    yield Static("node needs", classes="label")
                    yield LineInput(
                        placeholder="nothing; or accelerator=H100, site=lab-2",
                        compact=True,
                        id="needs",
                    )
                with Horizontal(classes="form-field"):
                    yield Static("retries when lost", classes="label")
                    yield LineInput(str(RETRIES[FLEET]), type="integer", compact=True, id="retries")
            yield Static(id="target-error", classes="error")
            with Horizontal(classes="buttons"):
                yield Button(Text("enter Queue"), id="queue", compact=True, variant="primary")
                yield Button(Text("esc Cancel"), id="cancel", compact=True)

    def on_mount(self) -> None:
        self._show_fields(self._targets[0])

    @on(Choice.Changed, "#target")
    def _target_changed(self, event: Choice.Changed) -> None:
        self._show_fields(event.value)

    def _show_fields(self, target: str) -> None:
        self.query_one("#fleet-fields").display = target == FLEET

    @on(Input.Submitted)
    @on(Button.Pressed, "#queue")
    def action_queue(self) -> None:
        try:
            priority = int(self.query_one("#priority", Input).value or 0)
            retries = int(self.query_one("#retries", Input).value or 0)
            text = self.query_one("#limit", Input).value
            minutes = float(text) if text else None
        except ValueError:
            self._refuse("write whole numbers")
            return
        if minutes is not None and not 0 < minutes < 1e6:
            self._refuse("a time limit is more than 0 minutes")
            return
        target = self.query_one("#target", Choice).value
        limit_s = None if minutes is None else minutes * 60
        request = JobRequest(target=target, priority=priority, time_limit_s=limit_s)
        if target != FLEET:
            self.dismiss(request)
            return
        if not 0 <= retries <= MOST_RETRIES:
            self._refuse(f"retries: write a number from 0 to {MOST_RETRIES}")
            return
        words = self.query_one("#needs", Input).value.replace(",", " ").split()
        try:
            needs = parse_needs(words)
        except UserError as error:
            self._refuse(str(error))
            return
        self.dismiss(replace(request, needs=needs, retries=retries))

    def _refuse(self, words: str) -> None:
        self.query_one("#target-error", Static).update(Text(plain(words)))

    @on(Button.Pressed, "#cancel")
    def action_close(self) -> None:
        self.dismiss(None)
