"""Shows a running session: a progress line for people, JSON lines for machines."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from report.text import plural
from runner.cli.plain import cell, plain
from runner.config import Strict
from runner.estimate import duration
from runner.events import (
    CaseFinished,
    CaseProgress,
    CaseRemark,
    CaseStarted,
    ClipsProgress,
    JobFinished,
    JobRemark,
    JobStarted,
    SessionEvent,
)
from runner.grid import Case
from runner.task import utc_now
from store import LoadGauge, Result

REFRESH_HZ = 4
"""Redrawing costs CPU time beside the measurement: seldom is better."""


class JsonLines:
    """One JSON object a line on stdout: ``event``, ``at`` (UTC) and the event's own fields.

    A reader that has gone away must not end a night's run: the lines go nowhere then, and the
    results are in the store all the same.
    """

    def __init__(self) -> None:
        self._read = True

    def __call__(self, event: SessionEvent) -> None:
        if not self._read:
            return
        document: dict[str, Any] = {"event": type(event).__name__, "at": utc_now()}
        for name, value in vars(event).items():
            document[name] = _plain(value)
        try:
            sys.stdout.write(json.dumps(_finite(document), allow_nan=False) + "\n")
            sys.stdout.flush()
        except OSError:
            self._read = False
            # The interpreter flushes stdout once more when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_LONG = ("samples", "power_samples", "operators", "transcripts", "decoder_steps", "environment")
"""Fields of a result that may have hundreds of rows."""


def _plain(value: object) -> object:
    if isinstance(value, Case):
        return {"key": value.key, "title": value.title}
    if isinstance(value, Result):
        summary = asdict(value)
        # The rest is in the store; a line stays short enough for a container's log.
        for long in _LONG:
            summary.pop(long)
        return summary
    if isinstance(value, LoadGauge):
        return asdict(value)
    if isinstance(value, Strict):
        return value.model_dump(mode="json")
    return value


def _gauge_words(load: LoadGauge | None) -> str:
    if load is None:
        return ""
    p95 = "" if load.p95_s is None else f", p95 {1000 * load.p95_s:,.0f} ms"
    return (
        f" {load.requests_per_s:.3g} requests/s, {load.in_flight} in flight{p95}, "
        f"{plural(load.errors, 'error')}"
    )


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: null, for what is no number."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _figures(result: Result) -> str:
    """What a case came to, in a few words."""
    if result.latency is not None:
        return f"{result.latency.median_s * 1e3:.1f} ms, RTFx {result.latency.rtfx:.1f}"
    total = next((one.flops for one in result.flops if one.stage == "total"), None)
    return "no latency asked for" if total is None else f"{total / 1e9:,.1f} GFLOP a batch"


class ProgressView:
    """The case in hand, its progress and the time left; plain lines off a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._pending = 0
        self._what, self._told = "", 0.0
        self._remarks: set[str] = set()
        self._progress: Progress | None = None
        if console.is_terminal:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                TextColumn("{task.fields[step]}", style="dim", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[done]}", style="dim", markup=False),
                TextColumn("{task.fields[left]}", style="dim"),
                console=console,
                refresh_per_second=REFRESH_HZ,
                transient=True,
            )
            self._task = self._progress.add_task("preparing", total=None, step="", done="", left="")
            self._progress.start()

    def close(self) -> None:
        """Leaves the terminal as it was."""
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, event: SessionEvent) -> None:
        if isinstance(event, JobStarted):
            self._pending = event.pending
            self._update(total=event.pending, completed=0, done=f"0/{event.pending}")
        elif isinstance(event, ClipsProgress):
            self._prepared(event)
        elif isinstance(event, CaseStarted):
            self._update(completed=event.index, description=plain(event.case.title), step="")
        elif isinstance(event, CaseProgress):
            self._update(
                description=plain(event.case.title),
                step=f"{plain(event.what)} {event.share:4.0%}{_gauge_words(event.load)}",
            )
        elif isinstance(event, JobRemark) and event.text in self._remarks:
            pass  # It was said before the job had a number.
        elif isinstance(event, JobRemark | CaseRemark):
            if isinstance(event, JobRemark):
                self._remarks.add(event.text)
            self._print(Text.assemble(("note   ", "yellow"), " ", cell(event.text)))
        elif isinstance(event, CaseFinished):
            self._finished(event)
        elif isinstance(event, JobFinished):
            self.close()

    def _prepared(self, event: ClipsProgress) -> None:
        what = f"clips: {plain(event.what)}"
        now = time.monotonic()
        # A corpus may tell of a hundred thousand utterances.
        if what != self._what or now - self._told >= 1 / REFRESH_HZ or event.share >= 1:
            self._what, self._told = what, now
            self._update(
                description=what, total=1.0, completed=event.share, done=f"{event.share:.0%}"
            )

    def _finished(self, event: CaseFinished) -> None:
        result, done = event.result, event.index + 1
        each = (time.monotonic() - self._began) / done
        self._update(
            completed=done,
            done=f"{done}/{self._pending}",
            left=f"about {duration(each * (self._pending - done))} left",
        )
        where = f"[{done}/{self._pending}] {event.case.title}"
        if result.state != "ok":
            line = Text.assemble(
                (f"{result.state:7}", "red"), " ", cell(f"{where}: {result.reason or ''}")
            )
        else:
            if event.case.batch_size == "max":
                where += f" = {result.batch_size}"
            figures = _figures(result)
            line = Text.assemble(("ok     ", "green"), " ", cell(f"{where}: {figures}"))
        self._print(line)

    def _print(self, line: Text) -> None:
        console = self._progress.console if self._progress is not None else self._console
        console.print(line, soft_wrap=True, highlight=False)

    def _update(self, **changes: Any) -> None:
        if self._progress is not None:
            self._progress.update(self._task, **changes)
