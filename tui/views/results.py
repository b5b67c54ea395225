"""The tab Results."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tui.bindings import bindings
from tui.view import View


class ResultsView(View):
    """Results."""

    SCOPE = "results"
    TITLE = "Results"
    BINDINGS: ClassVar[list[BindingType]] = bindings("results")
    can_focus = True

    def show_job(self, job_id: int) -> None:
        """Shows the results of one job; other tabs call it after they have opened this one."""

    def show_result(self, result_id: int) -> None:
        """Opens the detail of one result; other tabs call it after they have opened this one."""

    def compose(self) -> ComposeResult:
        yield Static("Results")
