"""The tab Queue: what waits, what runs, what has ended, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from runner.dispatch.catalogue import TARGETS, launcher_of
from store import HELD, EventRow, JobRow, Place, Store
from tui.bindings import bindings
from tui.messages import ShowResults, Told, WatchJob
from tui.plain import plain
from tui.present_queue import event_line, job_cells, job_facts
from tui.screens.confirm import ConfirmScreen
from tui.screens.log import LogScreen
from tui.snapshot import Snapshot
from tui.table import FlexColumn, Row
from tui.view import View
from tui.widgets.panel import Panel
from tui.widgets.rows import Rows

COLUMNS = (
    FlexColumn("", 1),
    FlexColumn("job", 4, align="right", keep=8),
    FlexColumn("benchmark", 12, grow=3),
    FlexColumn("target", 10, grow=2, keep=5),
    FlexColumn("state", 9, keep=7),
    FlexColumn("cases", 16),
    FlexColumn("time", 13, keep=6),
    FlexColumn("reason", 16, grow=5, keep=3),
)
ENDED = 200
"""Ended jobs that are listed."""
EVENTS = 30


class QueueView(View):
    """Every job, the running ones first, then the waiting ones in their order."""

    SCOPE = "queue"
    TITLE = "Queue"
    BINDINGS: ClassVar[list[BindingType]] = bindings("queue")

    class Events(Message):
        """The events of the job under the cursor."""

        def __init__(self, job_id: int, events: list[EventRow]) -> None:
            super().__init__()
            self.job_id = job_id
            self.events = events

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._events: tuple[int, list[EventRow]] = (0, [])
        self._asked: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static(id="dispatcher")
        with Container(id="queue-body"):
            yield Panel(
                "Jobs",
                Rows(
                    COLUMNS,
                    id="jobs",
                    empty="Nothing is queued. Press 2 for configs, or 1 and d for the demo.",
                    ellipsis=self.asrprof.glyphs.ellipsis,
                ),
                id="jobs-panel",
            )
            with Panel("Job", id="job-panel"), VerticalScroll(id="job-scroll"):
                yield Static(id="job")

    def first_focus(self) -> Widget:
        return self.jobs

    @property
    def jobs(self) -> Rows:
        """The table."""
        return self.query_one("#jobs", Rows)

    @property
    def job(self) -> JobRow | None:
        """The job under the cursor."""
        key = self.jobs.key
        return None if key is None else self.asrprof.snapshot.job(int(key))

    def receive(self, snapshot: Snapshot) -> None:
        app = self.asrprof
        listed = (*snapshot.held, *snapshot.waiting, *snapshot.ended[:ENDED])
        self.jobs.show(
            [Row(str(job.id), job_cells(job, snapshot, app.palette, app.glyphs)) for job in listed]
        )
        panel = self.query_one("#jobs-panel", Panel)
        hidden = len(snapshot.ended) - ENDED
        panel.retitle("Jobs", f"{hidden} older: asrprof queue list --all" if hidden > 0 else "")
        self.query_one("#dispatcher", Static).update(self._dispatcher(snapshot))
        self._ask_events()
        self._show_job()

    def _dispatcher(self, snapshot: Snapshot) -> Text:
        app = self.asrprof
        words, style = app.dispatch_words(snapshot)
        return Text(plain(words), style, no_wrap=True, overflow="ellipsis")

    @on(Rows.Highlighted, "#jobs")
    def _highlighted(self) -> None:
        self._ask_events()
        self._show_job()

    def _ask_events(self) -> None:
        job = self.job
        if job is None:
            return
        now = (job.id, job.attempt, job.state, job.cases_done)
        if now != self._asked:
            self._asked = now

            def read(store: Store) -> tuple[int, list[EventRow]]:
                return job.id, store.events(job.id, last=EVENTS, progress=False)

            self.asrprof.reader.ask(self, "events", read, lambda found: self.Events(*found))

    @on(Events)
    def _events_read(self, event: Events) -> None:
        self._events = (event.job_id, event.events)
        self._show_job()

    def _show_job(self) -> None:
        panel = self.query_one("#job-panel", Panel)
        shown = self.query_one("#job", Static)
        job, palette = self.job, self.asrprof.palette
        if job is None:
            panel.retitle("Job")
            shown.update("")
            return
        panel.retitle(f"Job {job.id}")
        facts = Table.grid(padding=(0, 2, 0, 0))
        facts.add_column(style=palette.muted)
        facts.add_column()
        facts.add_row("benchmark", Text(plain(job.benchmark)))
        for label, words in job_facts(job, self.asrprof.snapshot):
            facts.add_row(label, Text(words))
        lines = [event_line(e, self._events[1], palette) for e in reversed(self._events[1])]
        shown.update(Group(facts, Text(), *lines) if self._events[0] == job.id and lines else facts)

    # Actions

    @on(Rows.Chosen, "#jobs")
    def action_open(self) -> None:
        job = self.job
        if job is not None:
            self.post_message((WatchJob if job.state in HELD else ShowResults)(job.id))

    def action_cancel(self) -> None:
        job = self.job
        if job is None:
            return
        if job.state not in HELD:
            self._change(f"job {job.id} cancelled", lambda store: store.queue.cancel(job.id))
            return
        left = job.cases_total - job.cases_done
        self.asrprof.push_screen(
            ConfirmScreen(
                f"Cancel job {job.id}, which is {job.state}?",
                f"{job.cases_done} finished cases stay; {left} will not run. Retry goes on later.",
                yes="Cancel it",
            ),
            lambda sure: (
                self._change(
                    f"job {job.id} is asked to end", lambda store: store.queue.cancel(job.id)
                )
                if sure
                else None
            ),
        )

    def action_retry(self) -> None:
        job = self.job
        if job is not None:
            words = f"job {job.id} queued again, attempt {job.attempt + 1}"
            self._change(words, lambda store: store.queue.retry(job.id))

    def action_up(self) -> None:
        self._move(-1)

    def action_down(self) -> None:
        self._move(1)

    def action_top(self) -> None:
        job = self.job
        if job is not None:
            words = f"job {job.id} is the first now"
            self._change(words, lambda store: store.queue.move(job.id, "top"))

    def _move(self, by: int) -> None:
        job = self.job
        if job is None:
            return
        order = [waiting.id for waiting in self.asrprof.snapshot.waiting]
        if job.id not in order:
            self.asrprof.tell(f"job {job.id} is {job.state}: only a queued job has a position")
            return
        beside = order.index(job.id) + by
        if 0 <= beside < len(order):
            place: Place = "before" if by < 0 else "after"
            self._change("", lambda store: store.queue.move(job.id, place, order[beside]))

    def action_delete(self) -> None:
        job = self.job
        if job is None:
            return
        results = f"{job.cases_done} results" if job.cases_done else "no results"
        self.asrprof.push_screen(
            ConfirmScreen(
                f"Delete job {job.id}, {plain(job.benchmark)}?",
                f"It has {results}; they and its log go with it, and nothing brings them back.",
                yes="Delete it",
            ),
            lambda sure: self._delete(job) if sure else None,
        )

    def _delete(self, job: JobRow) -> None:
        path = self.asrprof.options.store

        def delete(store: Store) -> None:
            store.queue.remove(job.id, with_results=True)
            if job.target in TARGETS:
                launcher_of(job.target, path).forget(job)

        self._change(f"job {job.id} deleted", delete)

    def action_log(self) -> None:
        job = self.job
        if job is not None:
            self.asrprof.push_screen(LogScreen(job))

    def action_pause(self) -> None:
        self.asrprof.toggle_dispatcher()
        self.receive(self.asrprof.snapshot)

    def _change(self, words: str, change: Callable[[Store], object]) -> None:
        self.asrprof.writer.do(self, change, lambda _: Told(words))
