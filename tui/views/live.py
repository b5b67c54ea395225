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
from store import HELD, JobRow, LeaderboardRow, LoadGauge, Operator, Store
from tui.bindings import bindings
from tui.following import JobProgress
from tui.logtail import LogTail
from tui.machine import Reading
from tui.messages import ShowResult, ShowResults, Told
from tui.present import milliseconds, model_name, number, percent, said_of, size
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
from tui.widgets.drawn import Drawn
from tui.widgets.log_view import NO_LOG, NO_OUTPUT, LogView
from tui.widgets.panel import Panel
from tui.widgets.rows import Rows
from tui.widgets.spark import Spark

CASES = 100
MACHINE = ("power", "cpu", "memory", "gpu")
"""Figures of this machine."""
IDLE = "read while it runs"
"""In the place of curves that nobody has looked at yet."""
PANELS = ("log", "cases", "operators")
TICK_S = 1.0


def _is_away(job: JobRow | None) -> bool:
    """Whether it runs on a node of a fleet: what this machine does is not of interest then."""
    return job is not None and job.target == FLEET


def _watts(power: float) -> str:
    return f"{number(power)} W"


def _per_second(rate: float) -> str:
    return f"{number(rate)}/s" if rate else "0"  # A short end leaves room for the axis.


def _requests(count: float) -> str:
    return f"{count:,.0f}"


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
        self._rtfx: tuple[float, ...] = ()
        self._took_s: tuple[float, ...] = ()
        self._paused = False

    def compose(self) -> ComposeResult:
        ellipsis = self.asrprof.glyphs.ellipsis
        self._sampler = self.asrprof.options.sampler()
        yield Static(id="live-jobs")
        yield Drawn(id="live-head")
        yield Static(id="live-case")
        yield Drawn(id="live-pass")
        with Container(id="sparks"):
            yield Spark(
                "latency",
                from_zero=False,
                nothing="not timed yet",
                said=milliseconds,
                id="spark-latency",
                classes="of-batches",
            )
            yield Spark("RTFx", nothing="not timed yet", id="spark-rtfx", classes="of-batches")
            yield Spark("rate", said=_per_second, id="spark-rate", classes="of-load")
            yield Spark("in flight", said=_requests, id="spark-flight", classes="of-load")
            yield Spark(
                "p95",
                nothing="too few answers",
                said=milliseconds,
                id="spark-p95",
                classes="of-load",
            )
            yield Spark("errors", id="spark-errors", classes="of-load")
            yield Spark("power", nothing="no sensor to read", said=_watts, id="spark-power")
            yield Spark("CPU", nothing=IDLE, top=1.0, said=percent, id="spark-cpu")
            yield Spark("memory", nothing=IDLE, from_zero=False, said=size, id="spark-memory")
            yield Spark("GPU", nothing="none here", top=1.0, said=percent, id="spark-gpu")
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

    def show_job(self, job_id: int) -> None:
        """Shows this job, also after it has ended."""
        self._wanted = job_id
        self.receive(self.asrprof.snapshot)

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
        for name in MACHINE:
            self.query_one(f"#spark-{name}", Spark).quiet("on its node" if _is_away(job) else "")
        self._show_machine(self._sampler.readings())

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
            self._rtfx = self._took_s = ()  # Of the job before.
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
        self._rtfx = tuple(row.rtfx for row in reversed(found.rows) if row.rtfx is not None)
        took_ms = [row.latency_ms for row in reversed(found.rows)]
        self._took_s = tuple(ms / 1e3 for ms in took_ms if ms is not None)
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
        self._show_machine(self._sampler.readings())
        if runs:
            # Some passes say nothing for a while; the time goes on all the same.
            now = replace(self.asrprof.snapshot, at=self.asrprof.options.clock())
            self._show_progress(shown, now)

    def _show_figures(self, progress: JobProgress) -> None:
        self._show_load(progress.gauges)
        latencies, audio_s = progress.latencies_s, progress.batch_audio_s
        spark = self.query_one("#spark-latency", Spark)
        ended = self._shown is not None and self._shown.state not in HELD
        for name in ("latency", "rtfx"):
            self.query_one(f"#spark-{name}", Spark).quiet("no case was timed" if ended else "")
        if latencies:
            spark.show(latencies, milliseconds(latencies[-1]))
        elif ended and self._took_s:
            spark.show(self._took_s, milliseconds(self._took_s[-1]), "finished cases")
        else:
            spark.show((), "")
        live = [audio_s / s for s in latencies if s > 0] if audio_s is not None else []
        if live:
            self.query_one("#spark-rtfx", Spark).show(live, number(live[-1]), "this case")
        elif self._rtfx:
            self.query_one("#spark-rtfx", Spark).show(
                self._rtfx, number(self._rtfx[-1]), "finished cases"
            )
        else:
            self.query_one("#spark-rtfx", Spark).show((), "")

    def _show_load(self, gauges: tuple[LoadGauge, ...]) -> None:
        """How the level of load goes, in place of the batches, while one is held."""
        self.query_one("#sparks").set_class(bool(gauges), "-load")
        if not gauges:
            return
        now = gauges[-1]
        of_level = [gauge for gauge in gauges if gauge.level == now.level]
        known = [gauge.p95_s for gauge in of_level if gauge.p95_s is not None]
        self.query_one("#spark-rate", Spark).show(
            [gauge.requests_per_s for gauge in of_level],
            _per_second(now.requests_per_s),
            "right answers, last 5 s",
        )
        self.query_one("#spark-flight", Spark).show(
            [float(gauge.in_flight) for gauge in of_level], _requests(now.in_flight), "requests"
        )
        p95 = "" if now.p95_s is None else milliseconds(now.p95_s)
        self.query_one("#spark-p95", Spark).show(known if p95 else (), p95, "from when due")
        self.query_one("#spark-errors", Spark).show((), _requests(now.errors), "of this level")

    def _show_machine(self, readings: tuple[Reading, ...]) -> None:
        if not readings or _is_away(self._shown):
            return
        last = readings[-1]
        self.query_one("#spark-cpu", Spark).show(
            [reading.cpu for reading in readings], percent(last.cpu), "of all cores"
        )
        job = f"job {size(last.job_bytes)}" if last.job_bytes is not None else ""
        self.query_one("#spark-memory", Spark).show(
            [float(reading.memory_bytes) for reading in readings], size(last.memory_bytes), job
        )
        if last.power_w is not None:
            watts = [r.power_w for r in readings if r.power_w is not None]
            parts = {"CPU": last.cpu_w, "GPU": last.gpu_w}
            words = " + ".join(name for name, power in parts.items() if power is not None)
            self.query_one("#spark-power", Spark).show(watts, f"{number(last.power_w)} W", words)
        if last.gpu is not None:
            use = [r.gpu for r in readings if r.gpu is not None]
            self.query_one("#spark-gpu", Spark).show(use, percent(last.gpu), size(last.gpu_bytes))

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
