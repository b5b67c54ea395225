"""The tab Live: one running job, as it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from report.text import plural
from store import HELD, JobRow, LeaderboardRow, Operator, Store
from tui.bindings import bindings
from tui.following import JobProgress
from tui.logtail import LogTail
from tui.messages import ShowResult, ShowResults, Told
from tui.present import model_name, said_of
from tui.present_live import (
    CASE_COLUMNS,
    OPERATOR_COLUMNS,
    case_cells,
    case_line,
    head,
    job_tabs,
    operator_cells,
    pass_line,
)
from tui.present_queue import FLEET
from tui.screens.confirm import ConfirmScreen
from tui.screens.log import LogScreen
from tui.snapshot import Snapshot
from tui.table import Row
from tui.view import View
from tui.views.live_figures import FinishedCases, LiveFigures
from tui.widgets.drawn import Drawn
from tui.widgets.log_view import NO_LOG, NO_OUTPUT, LogView
from tui.widgets.panel import Panel
from tui.widgets.rows import Rows

CASES = 100
PANELS = ("log", "cases", "operators")
TICK_S = 1.0


def _is_away(job: JobRow | None) -> bool:
    """Whether it runs on a node of a fleet: what this machine does is not of interest then."""
    return job is not None and job.target == FLEET


@dataclass(frozen=True)
class Found:
    """What the store has of a job's finished cases."""

    job_id: int
    rows: list[LeaderboardRow]
    operators: tuple[Operator, ...]
    operators_of: str
    """The case they are of, or why there are none."""


class LiveView(View):
    """The job in hand: case, pass, figures that move, log, finished cases, operators."""

    SCOPE = "live"
    TITLE = "Live"
    BINDINGS: ClassVar[list[BindingType]] = bindings("live")

    class Read(Message):
        """Finished cases of the job that is shown."""

        def __init__(self, found: Found) -> None:
            super().__init__()
            self.found = found

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._wanted: int | None = None
        """The job that was asked for; None follows whatever runs."""
        self._shown: JobRow | None = None
        self._asked: tuple[int, int] | None = None
        self._finished = FinishedCases()
        self._paused = False

    def compose(self) -> ComposeResult:
        ellipsis = self.asrprof.glyphs.ellipsis
        self._sampler = self.asrprof.options.sampler()
        yield Static(id="live-jobs")
        yield Drawn(id="live-head")
        yield Static(id="live-case")
        yield Drawn(id="live-pass")
        yield LiveFigures(id="sparks")
        with Container(id="live-panels", classes="-log"):
            yield Panel("Log", LogView(empty=NO_OUTPUT, id="live-log"), id="panel-log")
            yield Panel(
                "Finished cases",
                Rows(CASE_COLUMNS, id="live-cases", empty="None yet.", ellipsis=ellipsis),
                id="panel-cases",
            )
            yield Panel(
                "Operators",
                Rows(OPERATOR_COLUMNS, id="live-operators", empty="None yet.", ellipsis=ellipsis),
                id="panel-operators",
            )

    def on_mount(self) -> None:
        self.set_interval(TICK_S, self._tick)

    def on_unmount(self) -> None:
        self._sampler.stop()

    def first_focus(self) -> Widget:
        return self.query_one("#live-log")

    @property
    def figures(self) -> LiveFigures:
        """The figures that move."""
        return self.query_one(LiveFigures)

    def show_job(self, job_id: int) -> None:
        """Shows this job, also after it has ended."""
        self._wanted = job_id
        self.receive(self.asrprof.snapshot)

    def recolour(self) -> None:
        self._asked = None
        super().recolour()

    def receive(self, snapshot: Snapshot) -> None:
        if self._paused:
            return
        job = self._choose(snapshot)
        self._follow(job)
        self._shown = job
        palette = self.asrprof.palette
        tabs = self.query_one("#live-jobs", Static)
        tabs.display = len(snapshot.held) > 1
        tabs.update(job_tabs(snapshot.held, job.id if job else None, palette))
        for name in ("#live-case", "#live-pass", "#sparks", "#live-panels"):
            self.query_one(name).display = job is not None
        if job is None:
            words = "Nothing runs. Press 2 to queue a config, or 1 and d for the demo."
            self.query_one("#live-head", Drawn).show(lambda _: Text(words, palette.muted))
            return
        self._show_progress(job, snapshot)
        self._show_figures(snapshot.progress.get(job.id, JobProgress()))
        self.figures.show_machine(self._sampler.readings(), away=_is_away(job))

    def _show_progress(self, job: JobRow, snapshot: Snapshot) -> None:
        palette, glyphs = self.asrprof.palette, self.asrprof.glyphs
        progress = snapshot.progress.get(job.id, JobProgress())
        self._show_head(job, snapshot)
        self.query_one("#live-case", Static).update(case_line(job, progress, snapshot, palette))
        self.query_one("#live-pass", Drawn).show(
            lambda width: pass_line(progress, width // 3, palette, glyphs)
        )

    def _show_head(self, job: JobRow, snapshot: Snapshot) -> None:
        palette, glyphs, paused = self.asrprof.palette, self.asrprof.glyphs, self._paused
        self.query_one("#live-head", Drawn).show(
            lambda width: head(job, snapshot, width, palette, glyphs, paused=paused)
        )

    def _choose(self, snapshot: Snapshot) -> JobRow | None:
        """The job that was asked for; else the one that is shown, until another runs."""
        wanted = None if self._wanted is None else snapshot.job(self._wanted)
        if wanted is not None:
            return wanted
        shown = None if self._shown is None else snapshot.job(self._shown.id)
        if shown is not None and (shown.state in HELD or not snapshot.held):
            return shown
        return next(iter((*snapshot.held, *snapshot.ended)), None)

    def _follow(self, job: JobRow | None) -> None:
        """Reads log and cases of another job, and cases when there are more."""
        log = self.query_one(LogView)
        before = None if log.tail is None else log.tail.job
        if job is None:
            log.follow(None)
            return
        known = before is not None and (before.id, before.attempt) == (job.id, job.attempt)
        if not known:
            self._finished = FinishedCases()  # Those were of the job before.
            log.empty = NO_OUTPUT if job.state in HELD else NO_LOG
            tail = LogTail(self.asrprof.options.store, job, follow=job.state in HELD)
            log.follow(tail.start())
        if self._asked != (job.id, job.cases_done):
            self._asked = (job.id, job.cases_done)
            self._ask_cases(job.id)

    def _ask_cases(self, job_id: int) -> None:
        def read(store: Store) -> Found:
            rows = store.leaderboard(job_id=job_id, order="result_id DESC", limit=CASES)
            good = next((row for row in rows if row.state == "ok"), None)
            if good is None:
                return Found(job_id, rows, (), "")
            operators = store.study.children(Operator, [good.result_id]).get(good.result_id, ())
            title = f"{model_name(good.model)} {good.audio_seconds:g} s x {good.batch_size}"
            by_time = sorted(operators, key=lambda o: -o.self_s)
            return Found(job_id, rows, tuple(by_time), title)

        self.asrprof.reader.ask(self, "cases", read, self.Read)

    @on(Read)
    def _cases_read(self, event: Read) -> None:
        found = event.found
        if self._shown is None or found.job_id != self._shown.id:
            return
        palette, glyphs = self.asrprof.palette, self.asrprof.glyphs
        self.query_one("#live-cases", Rows).show(
            [Row(str(row.result_id), case_cells(row, palette, glyphs)) for row in found.rows]
        )
        self.query_one("#live-operators", Rows).show(
            [
                Row(f"{number}:{operator.name}", operator_cells(operator, palette, glyphs))
                for number, operator in enumerate(found.operators)
            ]
        )
        self.query_one("#panel-operators", Panel).retitle("Operators", found.operators_of)
        self.query_one("#panel-cases", Panel).retitle(
            "Finished cases", said_of(found.rows, plural(len(found.rows), "case"))
        )
        took_ms = [row.latency_ms for row in reversed(found.rows)]
        self._finished = FinishedCases(
            rtfx=tuple(row.rtfx for row in reversed(found.rows) if row.rtfx is not None),
            latency_s=tuple(ms / 1e3 for ms in took_ms if ms is not None),
        )
        self._show_figures(self.asrprof.snapshot.progress.get(found.job_id, JobProgress()))

    # Figures that move

    def _tick(self) -> None:
        """What moves without the store: the machine, and how long things have taken."""
        if not self.shows:
            self._sampler.look_at(None)
            return
        shown = self._shown
        runs = shown is not None and shown.state in HELD
        self._sampler.look_at(shown if runs and not _is_away(shown) else None)
        if shown is None or self._paused:
            return
        self.figures.show_machine(self._sampler.readings(), away=_is_away(shown))
        if runs:
            # Some passes say nothing for a while; the time goes on all the same.
            now = replace(self.asrprof.snapshot, at=self.asrprof.options.clock())
            self._show_progress(shown, now)

    def _show_figures(self, progress: JobProgress) -> None:
        ended = self._shown is not None and self._shown.state not in HELD
        self.figures.show_batches(progress, self._finished, ended=ended)

    # Actions

    def action_previous(self) -> None:
        self._turn(-1)

    def action_next(self) -> None:
        self._turn(1)

    def _turn(self, by: int) -> None:
        held = [job.id for job in self.asrprof.snapshot.held]
        if held:
            shown = self._shown.id if self._shown is not None else held[0]
            at = held.index(shown) if shown in held else -by
            self.show_job(held[(at + by) % len(held)])

    def action_panel(self) -> None:
        panels = self.query_one("#live-panels")
        now = next(name for name in PANELS if panels.has_class(f"-{name}"))
        then = PANELS[(PANELS.index(now) + 1) % len(PANELS)]
        panels.set_class(False, f"-{now}")
        panels.set_class(True, f"-{then}")
        self.query_one(f"#live-{then}").focus()

    def action_log(self) -> None:
        if self._shown is not None:
            self.asrprof.push_screen(LogScreen(self._shown))

    def action_results(self) -> None:
        if self._shown is not None:
            self.post_message(ShowResults(self._shown.id))

    @on(Rows.Chosen, "#live-cases")
    def _case_chosen(self, event: Rows.Chosen) -> None:
        self.post_message(ShowResult(int(event.key)))

    def action_pause(self) -> None:
        if self._paused:
            self._paused = False
            self.receive(self.asrprof.snapshot)
        else:
            self._paused = True
            if self._shown is not None:
                self._show_head(self._shown, self.asrprof.snapshot)

    def action_cancel(self) -> None:
        job = self._shown
        if job is None or job.state not in HELD:
            self.asrprof.tell("only a job that runs can be cancelled here")
            return
        left = job.cases_total - job.cases_done

        def answered(sure: bool | None) -> None:
            if sure:
                self.asrprof.writer.do(
                    self,
                    lambda store: store.queue.cancel(job.id),
                    lambda _: Told(f"job {job.id} is asked to end"),
                )

        self.asrprof.push_screen(
            ConfirmScreen(
                f"Cancel job {job.id}, which is {job.state}?",
                f"{job.cases_done} finished cases stay; {left} will not run. Retry goes on later.",
                yes="Cancel it",
            ),
            answered,
        )
