"""A running job as people read it: its head, its case, its figures, its operators."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from report.text import plural
from store import HELD, JobRow, LeaderboardRow, Operator
from tui.following import JobProgress
from tui.glyphs import Glyphs
from tui.palette import Palette
from tui.plain import cell, plain
from tui.present import (
    NO_VALUE,
    about,
    clips_mark,
    duration,
    joules,
    latency_marks,
    milliseconds,
    model_name,
    moment,
    number,
    percent,
    state_glyph,
    wer_words,
)
from tui.present_queue import FLEET, bar, needs_words, node_name, seconds_since, state_word
from tui.snapshot import Snapshot
from tui.table import FlexColumn

CASE_COLUMNS = (
    FlexColumn("", 1),
    FlexColumn("model", 16, grow=3),
    FlexColumn("audio", 8, align="right"),
    FlexColumn("variant", 7, keep=2),
    FlexColumn("latency", 9, align="right"),
    FlexColumn("RTFx", 5, align="right", keep=5),
    FlexColumn("energy", 8, align="right", keep=4),
    FlexColumn("WER", 7, align="right", keep=6),
    FlexColumn("reason", 10, grow=2, keep=1),
)
OPERATOR_COLUMNS = (
    FlexColumn("operator", 18, grow=2),
    FlexColumn("share", 18, grow=1),
    FlexColumn("time", 8, align="right", keep=5),
    FlexColumn("calls", 5, align="right", keep=3),
)
SHARE_BAR = 10


def job_tabs(jobs: Sequence[JobRow], chosen: int | None, palette: Palette) -> Text:
    """The jobs that run, if there are several; the chosen one is in brackets.

    Args:
        jobs: The jobs that run.
        chosen: Id of the job that is shown; None for none.
        palette: Colours of the theme.
    """
    text = Text(no_wrap=True, overflow="ellipsis")
    for job in jobs:
        words = f"{job.id} {plain(job.benchmark)}"
        if job.id == chosen:
            text.append(f"[{words}] ", f"bold {palette.foreground}")
        else:
            text.append(f" {words}  ", palette.muted)
    return text


def head(
    job: JobRow, snapshot: Snapshot, width: int, palette: Palette, glyphs: Glyphs, *, paused: bool
) -> Text:
    """Two lines: which job and how far, and a bar over the whole width.

    Args:
        job: The job that is shown.
        snapshot: What the store holds.
        width: Cells of a line.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
        paused: Whether the display stands still.
    """
    progress = snapshot.progress.get(job.id, JobProgress())
    style = palette.style(job.state)
    left = Text.assemble(
        (f"{state_glyph(job.state, glyphs)} {state_word(job)}  ", style),
        (f"job {job.id} ", palette.muted),
        cell(job.benchmark, "bold"),
        (f" on {plain(_where(job))}", palette.muted),
        (f", attempt {job.attempt}" if job.attempt > 1 else "", palette.muted),
        ("  display paused" if paused else "", palette.warn),
    )
    right = Text(f"{job.cases_done}/{plural(job.cases_total, 'case')}", "bold")
    right.append(f", {_time(job, progress, snapshot)}", palette.muted)
    room = max(1, width - right.cell_len - 2)
    left.truncate(room, overflow="ellipsis", pad=True)
    share = _share(job, progress)
    line = bar(share, width, palette, glyphs, style)
    return Text("\n", no_wrap=True).join([Text.assemble(left, "  ", right), line])


def _where(job: JobRow) -> str:
    return f"node {node_name(job)} ({job.target})" if job.node else job.target


def _time(job: JobRow, progress: JobProgress, snapshot: Snapshot) -> str:
    if job.state in HELD:
        spent = duration(seconds_since(job.attempt_started_at or job.created_at, snapshot.at))
        left = "" if progress.left_s is None else f", about {about(progress.left_s)} left"
        return f"{spent} so far{left}"
    began, ended = moment(job.attempt_started_at), moment(job.finished_at)
    if began is None or ended is None:
        return "ended"
    return f"took {duration((ended - began).total_seconds())}"


def _share(job: JobRow, progress: JobProgress) -> float:
    if not job.cases_total:
        return 0.0
    return job.cases_done / job.cases_total


def case_line(job: JobRow, progress: JobProgress, snapshot: Snapshot, palette: Palette) -> Text:
    """The case in hand, or why there is none.

    Args:
        job: The job that is shown.
        progress: How far its case in hand is.
        snapshot: What the store holds.
        palette: Colours of the theme.
    """
    if job.state not in HELD:
        words = job.reason or {"done": "done: every case has its result"}.get(job.state, job.state)
        return cell(words, palette.style(job.state))
    if progress.title is None:
        if job.state != "starting":
            return Text("between two cases", palette.muted)
        if job.target == FLEET and not job.node:
            needs = needs_words(job)
            return cell(f"waits for a node{f' with {needs}' if needs else ''}", palette.muted)
        return Text("its runner starts", palette.muted)
    spent = duration(seconds_since(progress.since, snapshot.at))
    return Text.assemble(
        ("case ", palette.muted), cell(progress.title), (f"  for {spent}", palette.muted)
    )


def pass_line(progress: JobProgress, width: int, palette: Palette, glyphs: Glyphs) -> Text:
    """The pass that the case is in, with its own bar.

    Args:
        progress: How far the case in hand is.
        width: Cells of the line.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    if progress.what is None:
        return Text("")
    text = Text.assemble(("pass ", palette.muted), plain(progress.what), "  ")
    if progress.share:
        text.append_text(bar(progress.share, min(24, width), palette, glyphs, palette.secondary))
        text.append(f" {percent(progress.share)}", palette.muted)
    return text


def case_cells(row: LeaderboardRow, palette: Palette, glyphs: Glyphs) -> tuple[Text, ...]:
    """The cells of ``CASE_COLUMNS``.

    Args:
        row: The result of the case.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    name = cell(model_name(row.model))
    if row.weights == "random":
        name = Text.assemble(name, (" r", palette.muted))
    ok = row.state == "ok"
    shown: str = row.state
    if row.latency_ms is not None:
        shown = f"{latency_marks(row)}{milliseconds(row.latency_ms / 1e3)}"
    elif ok:
        shown = NO_VALUE
    audio = f"{clips_mark(row)}{row.audio_seconds:g}s {glyphs.times}{row.batch_size}"
    if row.threads is not None:
        audio += f" t{row.threads}"
    return (
        Text(state_glyph(row.state, glyphs), palette.style(row.state)),
        name,
        Text(audio, palette.muted),
        cell(row.variant, palette.muted),
        Text(shown, "" if ok else palette.style(row.state)),
        Text(f"{latency_marks(row)}{number(row.rtfx)}" if ok else ""),
        Text(joules(row.energy_j, row.energy_label) if ok else "", palette.muted),
        Text(wer_words(row) if ok else ""),
        cell(row.reason or "", palette.muted),
    )


def operator_cells(operator: Operator, palette: Palette, glyphs: Glyphs) -> tuple[Text, ...]:
    """The cells of ``OPERATOR_COLUMNS``.

    Args:
        operator: One operator of the profile.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    share = bar(operator.share, SHARE_BAR, palette, glyphs, palette.secondary)
    return (
        cell(operator.name.removeprefix("aten::")),
        share.append(f" {percent(operator.share)}", palette.muted),
        Text(milliseconds(operator.self_s)),
        Text(str(operator.calls), palette.muted),
    )
