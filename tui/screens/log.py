"""The log of a job over the whole screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from store import HELD, JobRow
from tui.base import AppPart
from tui.bindings import bindings
from tui.logtail import LogTail
from tui.widgets.log_view import NO_LOG, NO_OUTPUT, LogView
from tui.widgets.panel import Panel


class LogScreen(AppPart, ModalScreen[None]):
    """What the runner of the latest attempt wrote; follows it while it runs."""

    SCOPE = "log"
    BINDINGS: ClassVar[list[BindingType]] = bindings("log")
    AUTO_FOCUS = "LogView"

    def __init__(self, job: JobRow) -> None:
        super().__init__()
        self._job = job

    def compose(self) -> ComposeResult:
        panel = Panel(f"Log of job {self._job.id}", classes="dialog whole")
        panel.retitle(f"Log of job {self._job.id}", self._job.benchmark[:60])
        with panel:
            yield LogView(empty=NO_OUTPUT if self._job.state in HELD else NO_LOG, id="log")

    def on_mount(self) -> None:
        app = self.asrprof
        follow = self._job.state in HELD
        tail = LogTail(app.options.store, self._job, follow=follow)
        self.query_one(LogView).follow(tail.start())

    def action_close(self) -> None:
        self.dismiss()
