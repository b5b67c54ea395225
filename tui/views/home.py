"""The tab Home: the queue in short, the last results, this machine, first steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui.bindings import bindings
from tui.messages import ShowResult, Told
from tui.present import said_of
from tui.present_home import (
    RESULT_COLUMNS,
    first_steps,
    machine,
    queue_summary,
    result_cells,
)
from tui.queueing import Queued, queue_preset_once
from tui.snapshot import Snapshot
from tui.table import Row
from tui.view import View
from tui.widgets.panel import Panel
from tui.widgets.rows import Rows

if TYPE_CHECKING:
    from runner.doctor import Check


class HomeView(View):
    """What one wants to know first."""

    SCOPE = "home"
    TITLE = "Home"
    BINDINGS: ClassVar[list[BindingType]] = bindings("home")

    class Examined(Message):
        """What this machine can measure."""

        def __init__(self, checks: tuple[Check, ...]) -> None:
            super().__init__()
            self.checks = checks

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._checks: tuple[Check, ...] = ()

    def compose(self) -> ComposeResult:
        with Container(id="home-body"):
            with VerticalScroll(id="home-left", can_focus=False):
                yield Panel("First steps", Static(id="steps"), id="steps-panel")
                yield Panel("Queue", Static(id="queue-short"), id="queue-short-panel")
                yield Panel(
                    "Last results",
                    Rows(
                        RESULT_COLUMNS,
                        id="latest",
                        empty="They appear here, the last first.",
                        ellipsis=self.asrprof.glyphs.ellipsis,
                    ),
                    id="latest-panel",
                )
            with Panel("This machine", id="machine-panel"), VerticalScroll(id="machine-scroll"):
                yield Static("Examining ...", id="machine")

    def on_mount(self) -> None:
        self.action_examine()

    def first_focus(self) -> Widget:
        return self.query_one("#latest")

    def receive(self, snapshot: Snapshot) -> None:
        app = self.asrprof
        empty = not snapshot.jobs and not snapshot.results
        self.query_one("#steps-panel").display = empty
        self.query_one("#queue-short-panel").display = bool(snapshot.jobs)
        self.query_one("#latest-panel").display = not empty
        if empty:
            steps = first_steps(app.palette, readonly=app.options.readonly)
            self.query_one("#steps", Static).update(steps)
        words, _ = app.dispatch_words(snapshot)
        self.query_one("#queue-short-panel", Panel).retitle("Queue", words.rstrip("."))
        self.query_one("#queue-short", Static).update(
            queue_summary(snapshot, app.palette, app.glyphs)
        )
        self.query_one("#latest", Rows).show(
            [
                Row(str(row.result_id), result_cells(row, snapshot, app.palette, app.glyphs))
                for row in snapshot.latest
            ]
        )
        count = f"{snapshot.results} in the store" if snapshot.results else ""
        aside = said_of(snapshot.latest, count)
        self.query_one("#latest-panel", Panel).retitle("Last results", aside)
        self._show_machine()

    @on(Examined)
    def _examined(self, event: Examined) -> None:
        self._checks = event.checks
        self._show_machine()

    def _show_machine(self) -> None:
        app = self.asrprof
        if self._checks:
            self.query_one("#machine", Static).update(
                machine(self._checks, app.palette, app.glyphs)
            )

    @on(Rows.Chosen, "#latest")
    def _result_chosen(self, event: Rows.Chosen) -> None:
        self.post_message(ShowResult(int(event.key)))

    def action_examine(self) -> None:
        store, examine_machine = self.asrprof.options.store, self.asrprof.options.examine
        self.asrprof.worker.ask(self, "machine", lambda _: examine_machine(store), self.Examined)

    def action_demo(self) -> None:
        folder = self.asrprof.options.configs
        self.asrprof.writer.do(
            self,
            queue_preset_once("demo", "local", folder=folder),
            lambda queued: Told(self._where_it_is(queued)),
        )

    def _where_it_is(self, queued: Queued) -> str:
        said = f"demo is job {queued.job} already" if queued.already else ""
        said = said or f"demo queued as job {queued.job}"
        dispatcher = self.asrprof.dispatcher
        if dispatcher is None:
            return f"{said}; `asrprof work` starts it"
        if not dispatcher.serves:
            return f"{said}; the queue is paused: press 3, then p"
        return f"{said}; press 4 to watch it"
