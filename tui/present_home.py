"""What Home shows: the queue in short, the last results, this machine, and how to begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from store import JobRow, LeaderboardRow
from tui.glyphs import Glyphs
from tui.palette import Palette
from tui.plain import cell, plain
from tui.present import (
    NO_VALUE,
    ago,
    clips_mark,
    joules,
    latency_marks,
    milliseconds,
    model_name,
    number,
    state_glyph,
    wer_words,
)
from tui.present_queue import bar, time_words
from tui.snapshot import Snapshot
from tui.table import FlexColumn

if TYPE_CHECKING:
    from runner.doctor import Check

RESULT_COLUMNS = (
    FlexColumn("", 1),
    FlexColumn("model", 18, grow=4),
    FlexColumn("on", 6, keep=5),
    FlexColumn("audio", 8, align="right"),
    FlexColumn("latency", 9, align="right"),
    FlexColumn("RTFx", 5, align="right", keep=6),
    FlexColumn("energy", 8, align="right", keep=4),
    FlexColumn("WER", 7, align="right"),
    FlexColumn("benchmark", 12, grow=2, keep=2),
    FlexColumn("stored", 9, align="right", keep=1),
)
WAITING = 3
"""Waiting jobs that Home names."""


def result_cells(
    row: LeaderboardRow, snapshot: Snapshot, palette: Palette, glyphs: Glyphs
) -> tuple[Text, ...]:
    """The cells of ``RESULT_COLUMNS``.

    Args:
        row: The result.
        snapshot: What the store holds.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    sign = Text(state_glyph(row.state, glyphs), palette.style(row.state))
    name = cell(model_name(row.model))
    if row.weights == "random":
        name = Text.assemble(name, (" r", palette.muted))
    length = f"{clips_mark(row)}{row.audio_seconds:g}s {glyphs.times}{row.batch_size}"
    audio = Text(length, palette.muted)
    if row.state != "ok":
        figures = (Text(row.state, palette.style(row.state)), Text(), Text(), Text())
    else:
        figures = (
            Text(
                NO_VALUE
                if row.latency_ms is None
                else f"{latency_marks(row)}{milliseconds(row.latency_ms / 1e3)}"
            ),
            Text(number(row.rtfx)),
            Text(joules(row.energy_j, row.energy_label), palette.muted),
            Text(wer_words(row)),
        )
    return (
        sign,
        name,
        cell(row.place, palette.muted),
        audio,
        *figures,
        cell(row.benchmark, palette.muted),
        Text(ago(row.created_at, snapshot.at), palette.muted),
    )


def queue_summary(snapshot: Snapshot, palette: Palette, glyphs: Glyphs) -> RenderableType:
    """What runs, what comes next, and how the last job ended.

    Args:
        snapshot: What the store holds.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    for ratio in (None, 3, None, None, 4):
        table.add_column(ratio=ratio, no_wrap=True, overflow="ellipsis")
    jobs = [*snapshot.held, *snapshot.waiting[:WAITING], *snapshot.ended[:1]]
    for job in jobs:
        table.add_row(*_job_line(job, snapshot, palette, glyphs))
    more = len(snapshot.waiting) - WAITING
    if more > 0:
        return Group(table, Text(f"  and {more} more are waiting", palette.muted))
    return table


def _job_line(
    job: JobRow, snapshot: Snapshot, palette: Palette, glyphs: Glyphs
) -> tuple[Text, ...]:
    sign = Text(state_glyph(job.state, glyphs), palette.style(job.state))
    done = f"{job.cases_done}/{job.cases_total}"
    if job.state == "running":
        share = job.cases_done / job.cases_total if job.cases_total else 0
        progress = bar(share, 12, palette, glyphs, palette.good).append(f" {done}", palette.muted)
        title = snapshot.progress[job.id].title if job.id in snapshot.progress else None
        words = title or job.reason or ""
    else:
        progress = Text(f"{job.state} {done}" if job.cases_done else job.state, palette.muted)
        words = job.reason or ("" if job.state == "queued" else ago(job.finished_at, snapshot.at))
    return (
        sign,
        cell(job.benchmark),
        progress,
        Text(time_words(job, snapshot), palette.muted),
        cell(words, palette.muted),
    )


def first_steps(palette: Palette, *, readonly: bool) -> RenderableType:
    """What to do with an empty store."""
    steps = Table.grid(padding=(0, 2, 0, 1))
    steps.add_column(style=f"bold {palette.primary}")
    steps.add_column()
    if not readonly:
        steps.add_row("d", "run the demo: small trained models, a few minutes, no network, no GPU")
    steps.add_row("2", "open Configs: take a preset, or say what to measure")
    steps.add_row("?", "see the keys of the tab you are on; ctrl+p finds any action by name")
    return Group(Text("Nothing has been measured yet.", "bold"), Text(), steps)


def machine(checks: Sequence[Check], palette: Palette, glyphs: Glyphs) -> RenderableType:
    """What `asrprof doctor` says: what works in short, what does not with its remedy.

    Args:
        checks: What was looked at.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(width=1)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=16)
    table.add_column(ratio=1)
    for check in checks:
        detail = Text(plain(check.detail), overflow="fold")
        if check.state == "missing":
            detail.stylize(palette.muted)
        if check.remedy is not None:
            detail.append(f"\n{glyphs.arrow} {plain(check.remedy)}", palette.muted)
        table.add_row(
            Text(state_glyph(check.state, glyphs), palette.style(check.state)),
            Text(plain(check.name).replace("energy: ", ""), palette.muted),
            detail,
        )
    return table
