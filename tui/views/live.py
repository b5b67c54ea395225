"""The tab Live."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tui.bindings import bindings
from tui.view import View


class LiveView(View):
    """Live."""

    SCOPE = "live"
    TITLE = "Live"
    BINDINGS: ClassVar[list[BindingType]] = bindings("live")
    can_focus = True

    def show_job(self, job_id: int) -> None:
        """Shows this job, if it runs."""

    def compose(self) -> ComposeResult:
        yield Static("Live")
