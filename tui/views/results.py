"""The tab Results: a table, charts and comparisons over one filter."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, Static

from store import FilterError, Store, filter_sql
from tui.bindings import bindings
from tui.plain import plain
from tui.present import model_name
from tui.snapshot import Snapshot
from tui.view import View
from tui.views.results_charts import ChartsPane
from tui.views.results_compare import ComparePane
from tui.views.results_pane import Pane
from tui.views.results_table import TablePane
from tui.widgets.filter_input import FilterInput
from tui.widgets.filter_suggester import FilterSuggester
from tui.widgets.parts import Parts
from tui.widgets.status_line import StatusLine

PARTS = {"table": "Table", "charts": "Charts", "compare": "Compare"}
TYPING_S = 0.25
"""A filter is tried this long after the last key."""


class ResultsView(View):
    """Results of every job, filtered by words or by a SQL condition."""

    SCOPE = "results"
    TITLE = "Results"
    BINDINGS: ClassVar[list[BindingType]] = bindings("results")

    class Learnt(Message):
        """Words that a filter may hold."""

        def __init__(self, words: list[object]) -> None:
            super().__init__()
            self.words = words

    class Reported(Message):
        """The report was made."""

        def __init__(self, page: Path) -> None:
            super().__init__()
            self.page = page

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._suggester = FilterSuggester()
        self._where: str | None = None
        self._typing: Timer | None = None
        self._tried = ""

    def compose(self) -> ComposeResult:
        with Horizontal(id="results-head"):
            yield Parts(PARTS, "table", id="results-parts")
            yield Static("filter", id="filter-label", markup=False)
            yield FilterInput(
                placeholder="whisper device:cuda wer<10%, or SQL",
                compact=True,
                suggester=self._suggester,
                id="results-filter",
            )
        with ContentSwitcher(initial="table", id="results-panes"):
            yield TablePane(id="table")
            yield ChartsPane(id="charts")
            yield ComparePane(id="compare")
        yield StatusLine(id="results-status")

    # Parts

    @property
    def pane(self) -> Pane:
        """The part that shows."""
        switcher = self.query_one("#results-panes", ContentSwitcher)
        return switcher.get_child_by_id(switcher.current or "table", expect_type=Pane)

    @property
    def table(self) -> TablePane:
        """The table."""
        return self.query_one(TablePane)

    @property
    def filter(self) -> Input:
        """The line to write a filter in."""
        return self.query_one("#results-filter", Input)

    def first_focus(self) -> Widget | None:
        return self.pane.first_focus()

    def receive(self, snapshot: Snapshot) -> None:
        self.pane.freshen()

    def open_part(self, key: str) -> None:
        """Shows one part."""
        self.query_one("#results-panes", ContentSwitcher).current = key
        self.query_one("#results-parts", Parts).current = key
        self.pane.freshen()
        target = self.pane.first_focus()
        if target is not None:
            target.focus()

    @on(Parts.Chosen, "#results-parts")
    def _part_chosen(self, event: Parts.Chosen) -> None:
        self.open_part(event.key)

    def action_next(self) -> None:
        self.open_part(self.query_one("#results-parts", Parts).beside(1))

    def action_previous(self) -> None:
        self.open_part(self.query_one("#results-parts", Parts).beside(-1))

    def show_job(self, job_id: int) -> None:
        """Shows the results of one job; other tabs call it after they have opened this one."""
        self.open_part("table")
        self._set_filter(f"job={job_id}")

    def show_result(self, result_id: int) -> None:
        """Opens the detail of one result; other tabs call it after they have opened this one."""
        from tui.screens.result_detail import ResultScreen  # Not needed to paint the first screen.

        self.app.push_screen(ResultScreen(result_id, self.table.table.ids))

    # The filter

    def action_filter(self) -> None:
        self.asrprof.reader.ask(self, "words", _words, self.Learnt)
        if self.pane.id == "compare":
            self.open_part("table")
        # At once, where `focus` asks for it: what is typed next belongs to the filter.
        self.screen.set_focus(self.filter)

    @on(Learnt)
    def _learnt(self, event: Learnt) -> None:
        self._suggester.learn(event.words)

    def action_clear(self) -> None:
        if self.filter.has_focus:
            self._try_filter()
            target = self.pane.first_focus()
            if target is not None:
                target.focus()
        elif self.filter.value:
            self._set_filter("")

    @on(Input.Changed, "#results-filter")
    def _filter_changed(self) -> None:
        if plain(self.filter.value) != self.filter.value:
            self.filter.value = plain(self.filter.value)  # Pasted: an input shows what it holds.
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_S, self._try_filter)

    @on(Input.Submitted, "#results-filter")
    def _filter_entered(self) -> None:
        self.action_clear()

    def _set_filter(self, words: str) -> None:
        self.filter.value = words
        self._try_filter()

    def _try_filter(self) -> None:
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        words = self.filter.value
        if words == self._tried:
            return
        self._tried = words
        try:
            where = filter_sql(words, self.table.scalars)
        except FilterError as error:
            self._failed(str(error))
            return
        self._failed("")
        self._where = where
        for pane in self.query(Pane):
            pane.refilter(where)
        self.pane.freshen()

    @on(Pane.FilterFailed)
    def _filter_failed(self, event: Pane.FilterFailed) -> None:
        self._failed(event.reason)

    def _failed(self, reason: str) -> None:
        self.set_class(bool(reason), "-filter-failed")
        if reason:
            words = f"filter: {reason}; what is shown is as it was before"
            said = Text(plain(words), self.asrprof.palette.bad)
            self.query_one(StatusLine).show(said, Text())

    @on(TablePane.GroupChosen)
    def _group_chosen(self, event: TablePane.GroupChosen) -> None:
        words = f"{self.filter.value} {event.words}".strip()
        written = filter_sql(words, self.table.scalars) != words
        self._set_filter(words if written else event.words)

    # The line below

    @on(Pane.Said)
    def _said(self, event: Pane.Said) -> None:
        if event.pane is self.pane and not self.has_class("-filter-failed"):
            self.query_one(StatusLine).show(event.left, event.right)
        if self.screen.focused is None and self.shows:
            # The tab was given the focus before its parts were there to take it.
            target = self.first_focus()
            if target is not None:
                target.focus()

    # What the user does

    @on(TablePane.Chosen)
    @on(ChartsPane.Chosen)
    @on(ComparePane.Chosen)
    def _chosen(self, event: TablePane.Chosen | ChartsPane.Chosen | ComparePane.Chosen) -> None:
        self.show_result(event.result_id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        only = {
            "open": ("table",),
            "sort": ("table",),
            "mark": ("table",),
            "unmark": ("table",),
            "columns": ("table",),
            "group": ("table",),
            "chart": ("charts",),
            "log": ("charts",),
        }.get(action)
        return only is None or not self.is_mounted or self.pane.id in only

    def action_open(self) -> None:
        self.table.open_current()

    def action_sort(self) -> None:
        self.table.sort()

    def action_mark(self) -> None:
        self.table.mark()

    def action_unmark(self) -> None:
        self.table.unmark()

    def action_columns(self) -> None:
        self.table.choose_columns()

    def action_group(self) -> None:
        self.table.choose_groups()

    def action_chart(self) -> None:
        self.query_one(ChartsPane).next_kind()

    def action_log(self) -> None:
        self.query_one(ChartsPane).toggle_log()

    def action_compare(self) -> None:
        compare = self.query_one(ComparePane)
        if self.pane is not compare and len(self.table.marked_runs) == 2:
            compare.compare_runs(*self.table.marked_runs)
        elif self.pane is not compare and len(self.table.marked) > 1:
            compare.compare_results(self.table.marked)
        else:
            compare.choose_runs(lambda: self.open_part("compare"))
            return
        self.open_part("compare")

    def action_export(self) -> None:
        exports = self.pane.exports()
        if not exports:
            self.asrprof.tell("there is nothing to export here")
            return
        from tui.screens.export import ExportScreen

        self.app.push_screen(ExportScreen(exports))

    def action_copy(self) -> None:
        words = self.pane.copied()
        if words:
            self.app.copy_to_clipboard(words)
            self.asrprof.tell(f"copied {len(words.splitlines())} lines")

    def action_report(self) -> None:
        from tui.report_command import make_report

        path, where = self.asrprof.options.store, self._where
        self.asrprof.tell("making the report; this takes a while")
        self.asrprof.worker.ask(self, "report", lambda _: make_report(path, where), self.Reported)

    @on(Reported)
    def _reported(self, event: Reported) -> None:
        from tui.report_command import can_show

        self.asrprof.tell(f"the report is {event.page}")
        if can_show() and event.page.is_file():
            self.app.open_url(event.page.resolve().as_uri())


def _words(store: Store) -> list[object]:
    """What the columns that people filter by hold: models also without their organisation."""
    models = [value for value, _ in store.browse.values("model")]
    names = [model_name(str(model)) for model in models]
    others = [
        value
        for column in ("device", "variant", "state", "benchmark")
        for value, _ in store.browse.values(column, limit=50)
    ]
    return [*names, *models, *others, *store.browse.scalars()]
