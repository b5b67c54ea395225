"""Results side by side, or two runs case by case."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from report.export import csv_text
from report.text import plural
from store import JobRow, Store
from tui.plain import plain
from tui.present import model_name, number
from tui.results.differences import (
    MOST_RESULTS,
    CaseRow,
    FigureRow,
    ResultsCompared,
    RunsCompared,
    compare_results,
    compare_runs,
    verdict_words,
)
from tui.results.export import Export, clipboard_text
from tui.screens.pick import Option, PickScreen
from tui.table import Cell, Column
from tui.views.results_pane import Pane
from tui.widgets.query_table import QueryTable

EMPTY = """Nothing to compare yet.

Mark two or more results with space in the table and press c,
or press c here to choose two runs."""


class ComparePane(Pane, can_focus=True):
    """The first of several results is the baseline; of two runs it is the older."""

    class Results(Message):
        """Several results, compared."""

        def __init__(self, compared: ResultsCompared) -> None:
            super().__init__()
            self.compared = compared

    class Runs(Message):
        """Two runs, compared."""

        def __init__(self, compared: RunsCompared) -> None:
            super().__init__()
            self.compared = compared

    class Chosen(Message):
        """A result is to be opened."""

        def __init__(self, result_id: int) -> None:
            super().__init__()
            self.result_id = result_id

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._results: ResultsCompared | None = None
        self._runs: RunsCompared | None = None
        self._comparing = False

    def compose(self) -> ComposeResult:
        yield Static(id="compare-title", markup=False)
        yield Static(id="compare-cautions", markup=False)
        yield Static(EMPTY, id="compare-empty", markup=False)
        yield QueryTable([_FIGURE], glyphs=self.asrprof.glyphs, id="compare-table")

    def on_mount(self) -> None:
        self.table.display = self.query_one("#compare-cautions").display = False

    @property
    def table(self) -> QueryTable[Any]:
        """The table: a row is a figure, or a case."""
        return self.query_one("#compare-table", QueryTable)

    def first_focus(self) -> Widget:
        return self.table if self.table.display else self

    def freshen(self) -> None:
        self._say()

    # What is compared

    def compare_results(self, ids: Sequence[int]) -> None:
        """Compares results with the first of them."""
        wanted = tuple(ids)
        self._begin(f"Comparing {min(len(wanted), MOST_RESULTS)} results ...")
        self.asrprof.reader.ask(
            self, "compare", lambda store: compare_results(store, wanted), self.Results
        )
        if len(wanted) > MOST_RESULTS:
            self.asrprof.tell(f"the first {MOST_RESULTS} of {len(wanted)} are compared")

    def compare_runs(self, a: int, b: int) -> None:
        """Compares two jobs, the older as the baseline."""
        first, second = sorted((a, b))
        path = self.asrprof.options.store
        self._begin(f"Comparing run {second} with run {first}; many cases take a few seconds.")

        def compare(_: None) -> RunsCompared:
            # Not the reader, which everything else waits for.
            with Store.open(path, readonly=True) as store:
                return compare_runs(store, first, second)

        self.asrprof.worker.ask(self, "compare", compare, self.Runs)

    def _begin(self, words: str) -> None:
        """Nobody shall think that nothing happens."""
        self.query_one("#compare-title", Static).update(words)
        self.query_one("#compare-empty").display = False
        self._comparing = True
        self._say()

    def choose_runs(self, chosen: Callable[[], None]) -> None:
        """Asks for two jobs and compares them.

        Args:
            chosen: Called when both have been chosen.
        """
        snapshot = self.asrprof.snapshot
        jobs = [job for job in (*snapshot.held, *snapshot.ended) if job.cases_done]
        if len(jobs) < 2:
            self.asrprof.tell("comparing runs needs two runs with results")
            return
        options = [
            Option(str(job.id), f"{job.id}  {job.benchmark[:40]}", _about(job)) for job in jobs
        ]

        def take(keys: list[str] | None) -> None:
            if keys is None:
                return
            if len(keys) != 2:
                self.asrprof.tell("choose two runs, neither more nor fewer", severity="warning")
                return
            self.compare_runs(int(keys[0]), int(keys[1]))
            chosen()

        self.app.push_screen(PickScreen("Two runs to compare", options, ()), take)

    @on(Results)
    def _results_read(self, event: Results) -> None:
        compared = event.compared
        self._results, self._runs = compared, None
        columns: list[Column[FigureRow]] = [_FIGURE]
        for place in range(len(compared.rows)):
            widest = max(len(row.values[place]) for row in compared.figures)
            name, width = chr(65 + place), max(8, min(24, widest))
            columns.append(Column(f"value-{place}", name, width, _value(place), right=True))
            if place:
                columns.append(Column(f"change-{place}", "to A", 9, _change(place), right=True))
                columns.append(Column(f"verdict-{place}", "", 13, _word(place)))
        self._show(columns, compared.figures, compared.cautions)
        title = "Compared with A: "
        first = compared.rows[0]
        words = (
            f"result {first.result_id}, {plain(first.model)}, {plain(first.place_and_variant)}, "
            f"{first.audio_seconds:g} s x {first.batch_size}"
        )
        self.query_one("#compare-title", Static).update(Text.assemble((title, "bold"), words))
        self._say()

    @on(Runs)
    def _runs_read(self, event: Runs) -> None:
        compared = event.compared
        self._results, self._runs = None, compared
        self._show(_CASE_COLUMNS, compared.cases, compared.cautions)
        alone = [
            f"{number} only in {job}"
            for number, job in ((compared.only_a, compared.a), (compared.only_b, compared.b))
            if number
        ]
        if compared.lost:
            alone.insert(0, f"{compared.lost} lost")
        words = ", ".join(
            [
                plural(len(compared.cases), "case"),
                f"{compared.slower} slower",
                f"{compared.faster} faster",
                *alone,
            ]
        )
        title = f"Run {compared.b} against run {compared.a}: "
        self.query_one("#compare-title", Static).update(Text.assemble((title, "bold"), words))
        self._say()

    def _show(
        self, columns: Sequence[Column[Any]], rows: Sequence[Any], cautions: Sequence[str]
    ) -> None:
        table = self.table
        said = self.query_one("#compare-cautions", Static)
        lines = "\n".join(f"caution: {plain(caution)}" for caution in cautions)
        said.update(Text(lines, self.asrprof.palette.warn))
        said.display = bool(cautions)
        had_focus = self.app.focused is None or self in self.app.focused.ancestors_with_self
        table.forget()
        table.set_columns(columns)
        table.put(dict(enumerate(rows)))
        table.set_ids(array("q", range(len(rows))), follow=False)
        self.query_one("#compare-empty").display = False
        table.display = True
        if had_focus:
            table.focus()

    @on(QueryTable.Moved)
    def _moved(self) -> None:
        self._say()

    @on(QueryTable.Chosen)
    def _row_chosen(self, event: QueryTable.Chosen) -> None:
        if self._runs is not None:
            self.post_message(self.Chosen(self._runs.cases[event.id].b.result_id))
            return
        column = self.table.current_column.key
        place = int(column.rpartition("-")[2]) if "-" in column else 0
        if self._results is not None:
            self.post_message(self.Chosen(self._results.rows[place].result_id))

    def _say(self) -> None:
        left, right = (
            Text(no_wrap=True, overflow="ellipsis"),
            Text(no_wrap=True, overflow="ellipsis"),
        )
        muted = self.asrprof.palette.muted
        row = self.table.current if self.table.display else None
        if self._runs is not None:
            left.append("95 % intervals for all cases together")
            if isinstance(row, CaseRow):
                right.append(plain(_notes(row)), muted)
        elif self._results is not None:
            left.append(f"{len(self._results.rows)} results")
            column = self.table.current_column.key
            if isinstance(row, FigureRow) and "-" in column:
                verdict = row.verdicts[int(column.rpartition("-")[2])]
                if verdict is not None:
                    right.append(plain(verdict.note), muted)
        else:
            left.append("comparing ..." if self._comparing else "nothing is compared")
        self.post_message(self.Said(self, left, right))

    # Out of here

    def exports(self) -> list[Export]:
        lines = self._lines()
        if not lines:
            return []
        records = self._records()
        text = json.dumps([asdict(record) for record in records], indent=2) + "\n"
        return [
            Export("csv", "comparison", lambda _: csv_text(lines[0], lines[1:])),
            Export("json", "comparison", lambda _: text),
        ]

    def copied(self) -> str:
        lines = self._lines()
        return clipboard_text(lines[0], lines[1:]) if lines else ""

    def _records(self) -> Sequence[Any]:
        if self._runs is not None:
            return self._runs.cases
        return self._results.figures if self._results is not None else ()

    def _lines(self) -> list[list[str]]:
        records = self._records()
        if not records:
            return []
        columns = self.table.columns
        return [
            [plain(column.label) for column in columns],
            *([plain(column.cell(record)[0]).strip() for column in columns] for record in records),
        ]


def _about(job: JobRow) -> str:
    when = (job.finished_at or job.started_at or job.created_at)[:16].replace("T", " ")
    return f"{plural(job.cases_done, 'case')}  {job.state}  {when}"


def _notes(row: CaseRow) -> str:
    """Intervals, or why there is none; what latency and energy share is said once."""
    notes = {"latency": row.latency.note, "energy": row.energy.note, "WER": row.wer.note}
    if row.latency.note == row.energy.note:
        notes = {"latency, energy": row.latency.note, "WER": row.wer.note}
    return "  ".join(f"{name} {note}" for name, note in notes.items())


def _value(place: int) -> Any:
    return lambda row: (row.values[place], "muted" if row.values[place] == "-" else "")


def _change(place: int) -> Any:
    def cell(row: FigureRow) -> Cell:
        verdict = row.verdicts[place]
        return ("", "") if verdict is None else (verdict.text, verdict.tone)

    return cell


def _word(place: int) -> Any:
    def cell(row: FigureRow) -> Cell:
        verdict = row.verdicts[place]
        if verdict is None:
            return "", ""
        return verdict_words(verdict), verdict.tone or "muted"

    return cell


_FIGURE: Column[FigureRow] = Column("figure", "figure", 15, lambda row: (row.label, "muted"))


def _case_name(row: CaseRow) -> Cell:
    return f"{model_name(row.b.model)}{' r' if row.b.weights == 'random' else ''}", ""


_CASE_COLUMNS: tuple[Column[CaseRow], ...] = (
    Column("model", "model", 25, _case_name),
    Column("on", "on", 13, lambda row: (f"{row.b.device} {row.b.variant}", "")),
    Column(
        "case",
        "audio x batch",
        14,
        lambda row: (f"{row.b.audio_seconds:g} x {row.b.batch_size}", ""),
    ),
    Column("a", "before ms", 11, lambda row: (number(row.a.latency_ms), ""), right=True),
    Column("b", "after ms", 10, lambda row: (number(row.b.latency_ms), ""), right=True),
    Column("latency", "latency", 10, lambda row: (row.latency.text, row.latency.tone), right=True),
    Column(
        "verdict",
        "",
        13,
        lambda row: (verdict_words(row.latency), row.latency.tone or "muted"),
    ),
    Column("energy", "energy", 9, lambda row: (row.energy.text, row.energy.tone), right=True),
    Column(
        "energy-verdict",
        "",
        13,
        lambda row: (verdict_words(row.energy), row.energy.tone or "muted"),
    ),
    Column("wer", "WER", 15, lambda row: (row.wer.text, row.wer.tone), right=True),
    Column("wer-verdict", "", 13, lambda row: (verdict_words(row.wer), row.wer.tone or "muted")),
)
