"""Jobs as people read them: rows of the queue, and what is known of one job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from report.text import plural
from runner.dispatch.fleet.needs import in_words
from store import HELD, EventRow, JobRow, event_words, is_gone, machine_of, process_owner
from tui.following import JobProgress
from tui.glyphs import Glyphs
from tui.palette import Palette
from tui.plain import cell, plain
from tui.present import about, ago, duration, moment, state_glyph
from tui.snapshot import Snapshot

FLEET = "ray"
"""The target whose runners are on other machines."""
BAR = 10
"""Cells of a job's progress bar in a table."""


def bar(share: float, width: int, palette: Palette, glyphs: Glyphs, colour: str) -> Text:
    """A progress bar of exactly ``width`` cells.

    Args:
        share: How much of it is full, 0 to 1.
        width: Cells of the bar.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
        colour: Colour of the full part.
    """
    cells = max(0.0, min(1.0, share)) * width
    full = int(cells)
    text = Text(glyphs.bar_full * full, colour)
    parts = len(glyphs.bar_parts)
    if full < width and parts:
        part = int((cells - full) * (parts + 1))
        if part:
            text.append(glyphs.bar_parts[part - 1], colour)
            full += 1
    text.append(glyphs.bar_empty * (width - full), palette.faint)
    return text


def state_word(job: JobRow) -> str:
    """A job's state, or what is about to become of it."""
    if job.state in HELD and job.cancel_requested_at is not None:
        return "ending"
    return "gone" if is_gone(job) else job.state


def state_cell(job: JobRow, palette: Palette) -> Text:
    """The state's word in its colour."""
    word = state_word(job)
    doubtful = word in ("ending", "gone")
    return Text(word, palette.warn if doubtful else palette.style(job.state))


def job_cells(
    job: JobRow, snapshot: Snapshot, palette: Palette, glyphs: Glyphs
) -> tuple[Text, ...]:
    """The cells of a job: sign, number, benchmark, place, state, cases, time, reason.

    Args:
        job: The job.
        snapshot: What the store holds.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    style = palette.style(job.state)
    dim = palette.muted if job.state not in HELD else palette.foreground
    return (
        Text(state_glyph(job.state, glyphs), style),
        Text(str(job.id), palette.muted),
        cell(job.benchmark),
        cell(where_words(job), dim),
        state_cell(job, palette),
        cases_cell(job, palette, glyphs),
        Text(time_words(job, snapshot), dim),
        cell(reason_words(job), palette.muted),
    )


def cases_cell(job: JobRow, palette: Palette, glyphs: Glyphs) -> Text:
    """Bar and numbers of a job's cases.

    Args:
        job: The job.
        palette: Colours of the theme.
        glyphs: Signs to draw with.
    """
    if job.state == "queued" and not job.cases_done:
        return Text(plural(job.cases_total, "case"), palette.muted)
    share = job.cases_done / job.cases_total if job.cases_total else 0.0
    text = bar(share, BAR, palette, glyphs, palette.style(job.state))
    return text.append(f" {job.cases_done}/{job.cases_total}", palette.muted)


def time_words(job: JobRow, snapshot: Snapshot) -> str:
    """How long it will still take, took, or has waited."""
    now = snapshot.at
    if job.state in HELD:
        progress = snapshot.progress.get(job.id, JobProgress())
        if progress.left_s is not None:
            return f"{about(progress.left_s)} left"
        return f"for {duration(seconds_since(job.attempt_started_at or job.heartbeat_at, now))}"
    if job.state == "queued":
        return f"added {ago(job.created_at, now)}"
    began, ended = moment(job.attempt_started_at), moment(job.finished_at)
    if began is None or ended is None:
        return ago(job.finished_at, now)
    return f"took {duration((ended - began).total_seconds())}"


def reason_words(job: JobRow) -> str:
    """Why it is as it is, if there is a reason."""
    if job.reason:
        return job.reason
    parts = []
    if job.state == "queued" and job.attempt > 1:
        parts.append(f"attempt {job.attempt}")
    if job.needs and not job.node and job.state in ("queued", "starting"):
        parts.append(f"needs {needs_words(job)}")
    return ", ".join(parts)


def node_name(job: JobRow) -> str:
    """The host of the fleet's node that the job is on or was on; empty if it has none."""
    return (job.node or "").partition("/")[0]


def where_words(job: JobRow) -> str:
    """The job's target, and the node that it is on: ``ray xeon-1``."""
    return f"{job.target} {node_name(job)}".rstrip()


def needs_words(job: JobRow) -> str:
    """What the job needs of a node; empty if nothing."""
    try:
        return in_words(job.needs)
    except (ValueError, AttributeError):
        return job.needs or ""  # Written by something else: shown as it is.


def others_words(jobs: Sequence[JobRow]) -> str:
    """Who runs jobs that this app did not start."""
    job = jobs[0]
    if job.dispatcher is None:
        return f"Job {job.id} was started by hand"
    host, _, rest = job.dispatcher.partition(":")
    machine, process = machine_of(job.dispatcher), rest.partition(":")[0]
    where = "" if host == process_owner().partition(":")[0] else f" on {plain(machine)}"
    return f"Another dispatcher, process {plain(process)}{where}, runs job {job.id}"


def seconds_since(text: str | None, now: datetime) -> float | None:
    """Seconds from a time of the store until now."""
    then = moment(text)
    return None if then is None else max(0.0, (now - then).total_seconds())


def job_facts(job: JobRow, snapshot: Snapshot) -> list[tuple[str, str]]:
    """What is known of a job, as label and words."""
    now = snapshot.at
    facts = [("cases", f"{job.cases_done} of {job.cases_total} have a row")]
    if job.reason:
        facts.append(("reason", plain(job.reason)))
    where = plain(job.target)
    machine = machine_of(job.lease_owner) if job.lease_owner else job.machine
    if job.node:
        where += f" on node {plain(node_name(job))}"
    elif machine and machine != job.target:
        where += f" on {plain(machine)}"
    facts.append(("target", where))
    if job.needs:
        facts.append(("needs", plain(needs_words(job))))
    if job.part:
        facts.append(("part", f"{plain(job.part)} of the benchmark's cases"))
    times = [f"added {ago(job.created_at, now)}"]
    if job.attempt_started_at:
        times.append(f"started {ago(job.attempt_started_at, now)}")
    if job.finished_at and job.state not in ("queued", *HELD):
        times.append(f"ended {ago(job.finished_at, now)}")
    facts.append(("time", ", ".join(times)))
    if job.attempt > 1:
        facts.append(("attempt", str(job.attempt)))
    if job.retries:
        facts.append(("retries", f"queued again up to {plural(job.retries, 'time')} when lost"))
    if job.time_limit_s:
        facts.append(("limit", duration(job.time_limit_s)))
    if job.priority:
        facts.append(("priority", str(job.priority)))
    if job.folder:
        facts.append(("folder", plain(job.folder)))
    return facts


def event_line(event: EventRow, others: Sequence[EventRow], palette: Palette) -> Text:
    """An event on one line.

    Args:
        event: The event.
        others: Those of the same job.
        palette: Colours of the theme.
    """
    at = moment(event.at)
    clock = at.astimezone().strftime("%H:%M:%S") if at is not None else ""
    words = event_words(event, others)
    return Text.assemble(
        (f"{clock} ", palette.muted),
        (f"{plain(event.kind)} ", palette.primary),
        cell(words),
        no_wrap=True,
        overflow="ellipsis",
    )
