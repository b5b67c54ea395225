"""Figures as people read them: units, digits, durations, states. No Textual here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from report import text as report_text
from report.speech import (
    BY_CHARACTER,
    PACKED,
    PARTIAL,
    STOPPED_EARLY,
    error_rate,
    rate_marks,
)
from store import LeaderboardRow
from store.energy_marks import energy_mark
from tui.glyphs import UNICODE, UNSTABLE, Glyphs

NO_VALUE = "-"


def number(value: float | None, digits: int = 3) -> str:
    """A figure as the report writes it; a plain dash where there is none."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    return report_text.number(value, digits)


def milliseconds(seconds: float | None) -> str:
    """``0.0421`` as ``42.1 ms``, ``1.2`` as ``1.20 s``."""
    if seconds is None:
        return NO_VALUE
    if seconds >= 1:
        return f"{number(seconds)} s"
    return f"{number(seconds * 1e3)} ms"


def duration(seconds: float | None) -> str:
    """``75`` as ``1m 15s``: how long something took or will take."""
    if seconds is None:
        return NO_VALUE
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02}h"


def about(seconds: float | None) -> str:
    """A duration that is an estimate, rounded as coarsely as it is known."""
    if seconds is None:
        return NO_VALUE
    if seconds < 90:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


def size(count: float | None) -> str:
    """Bytes, in powers of 1000: ``378 MB``."""
    return NO_VALUE if count is None else report_text.size(count)


def percent(share: float | None, digits: int = 0) -> str:
    """``0.25`` as ``25 %``."""
    return NO_VALUE if share is None else f"{report_text.percent(share, digits)} %"


def joules(value: float | None, label: str | None = None) -> str:
    """Joules, with what tells how they were measured."""
    return NO_VALUE if value is None else f"{energy_mark(label)}{number(value)} J"


def model_name(name: str) -> str:
    """A model without its organisation or folder."""
    return name.rstrip("/").rsplit("/", 1)[-1]


def latency_marks(row: LeaderboardRow) -> str:
    """Signs before a latency, empty where nothing is to be said against it."""
    unsure = UNSTABLE if row.stable is False else ""
    return f"{unsure}{STOPPED_EARLY if row.stopped_early else ''}"


def clips_mark(row: LeaderboardRow) -> str:
    """The sign before the length of clips that join speech of unrelated speakers, or nothing."""
    return PACKED if row.clips_mode == "packed" else ""


def wer_words(row: LeaderboardRow) -> str:
    """``4.8 %``; signs say that it is of packed clips, of a part of the data, or a CER."""
    return f"{rate_marks(row)}{percent(error_rate(row), 1)}"


def about_signs(rows: Sequence[LeaderboardRow]) -> list[str]:
    """What the signs before lengths, latencies and WER mean, of those that some rows have."""
    said = []
    if any(latency_marks(row).endswith(STOPPED_EARLY) for row in rows):
        said.append(f"{STOPPED_EARLY} stopped early")
    if any(clips_mark(row) or wer_words(row).startswith(PACKED) for row in rows):
        said.append(f"{PACKED} packed clips")
    if any(PARTIAL in rate_marks(row) for row in rows):
        said.append(f"{PARTIAL} WER of a part")
    if any(BY_CHARACTER in rate_marks(row) for row in rows):
        said.append(f"{BY_CHARACTER} CER")
    return said


def said_of(rows: Sequence[LeaderboardRow], count: str) -> str:
    """Words above a table of results: what its signs mean, or of what its WER is; their number."""
    words = about_signs(rows)
    if not words and any(row.wer is not None for row in rows):
        words = ["WER of utterances"]
    return ", ".join(part for part in (*words, count) if part)


def moment(text: str | None) -> datetime | None:
    """The time that the store's text says, or None if it says none."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def ago(text: str | None, now: datetime) -> str:
    """How long ago a time of the store was: ``3m ago``."""
    then = moment(text)
    if then is None:
        return NO_VALUE
    seconds = (now - then).total_seconds()
    if seconds < 60:
        return "just now" if seconds < 10 else f"{seconds:.0f}s ago"
    for length, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= length:
            return f"{seconds // length:.0f}{unit} ago"
    return NO_VALUE


def state_glyph(state: str, glyphs: Glyphs = UNICODE) -> str:
    """One sign for the state of a job, a result or a check; it differs without colour."""
    return {
        "running": glyphs.running,
        "starting": glyphs.starting,
        "queued": glyphs.queued,
        "done": glyphs.done,
        "failed": glyphs.failed,
        "lost": glyphs.lost,
        "cancelled": glyphs.cancelled,
        "ok": glyphs.done,
        "oom": glyphs.warn,
        "refused": glyphs.warn,
        "limited": glyphs.warn,
        "missing": glyphs.off,
    }.get(state, glyphs.dash)
