"""Figures as people read them: units, digits, durations, states. No Textual here."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from tui.glyphs import UNICODE, Glyphs

NO_VALUE = "-"


def number(value: float | None, digits: int = 3) -> str:
    """``value`` with so many significant digits, never in exponents where 6 places do."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -4 or size > 8:
        return f"{value:.{digits - 1}e}"
    rounded = round(value, digits - 1 - size)
    # 9.999 has become 10.0, which needs a decimal less.
    size = math.floor(math.log10(abs(rounded)))
    return f"{rounded:.{max(0, digits - 1 - size)}f}"


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
    if count is None:
        return NO_VALUE
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{number(count / factor)} {unit}"
    return f"{count:.0f} B"


def percent(share: float | None, digits: int = 0) -> str:
    """``0.25`` as ``25 %``."""
    return NO_VALUE if share is None else f"{share * 100:.{digits}f} %"


def joules(value: float | None, label: str | None = None) -> str:
    """Joules; an ``e`` says that they are estimated, an ``s`` that they are sampled."""
    if value is None:
        return NO_VALUE
    mark = {"estimated": "e", "sampled": "s"}.get(label or "", "")
    return f"{mark}{number(value)} J"


def seconds_label(audio_seconds: float) -> str:
    """``5.0`` as ``5 s``."""
    return f"{audio_seconds:g} s"


def model_name(name: str) -> str:
    """A model without its organisation or folder."""
    return name.rstrip("/").rsplit("/", 1)[-1]


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


def counted(count: int, thing: str) -> str:
    """``1 case``, ``1,344 cases``."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
