"""What every chart of results is made of: choices, names, points and axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from report.alike import OTHER_ENGINES
from report.speech import STOPPED_EARLY
from store import COLUMNS, LeaderboardRow
from tui.plot.model import Axis, Point
from tui.present import model_name

Row = LeaderboardRow
ANY = "any"
"""No value is held fixed."""


@dataclass(frozen=True)
class Choices:
    """What the user has chosen for a chart."""

    kind: str
    audio_seconds: str = ""
    """A value, or empty for that of the point that most models share."""
    batch_size: str = ""
    """A value, or empty likewise; of errors by RTFx also ``any``: each at its quickest."""
    place: str = ""
    """A device and variant; empty is ``any`` while the marks suffice to tell all series apart."""
    log: bool = True
    measure: str = "latency"
    """What bars show, see ``MEASURES``."""
    load: str = "latency"
    """What the chart of levels of load shows, see ``LOADS``."""
    x: str = "rtfx"
    """Column of the leaderboard along the x axis of the chart whose axes are chosen."""
    y: str = "wer"
    """The same up."""


def series_name(row: Row) -> str:
    """A model and where and how it ran."""
    return f"{model_label(row)} {row.place_and_variant}"


def model_label(row: Row) -> str:
    """A model with its language, engine and weights where they are not what one expects."""
    told = "" if row.language in (None, "en") else f" {row.language}"
    through = f" {row.engine}" if row.engine in OTHER_ENGINES else ""
    return f"{model_name(row.model)}{told}{through}{' r' if row.weights == 'random' else ''}"


def grouped(rows: Sequence[Row], name: Callable[[Row], str]) -> dict[str, list[Row]]:
    """Rows by a name of theirs, in its order."""
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=name):
        found.setdefault(name(row), []).append(row)
    return found


def point_of(
    row: Row,
    x: float,
    y: float,
    low: float | None = None,
    high: float | None = None,
    *,
    note: str = "",
) -> Point:
    """A point of a result, marked where its times are of less work.

    Args:
        row: The result.
        x: Across.
        y: Up.
        low: Lower end of the interval of ``y``.
        high: Its upper end.
        note: What else is to be known of it.
    """
    early, packed = bool(row.stopped_early), row.clips_mode == "packed"
    parts = (note, "stopped early" if early else "", "packed clips" if packed else "")
    return Point(
        *(x, y, low, high, row.result_id),
        note=", ".join(part for part in parts if part),
        mark=STOPPED_EARLY if early else "",
    )


def axis_of(name: str, log: bool) -> Axis:
    """The axis of a column of the leaderboard."""
    return Axis(COLUMNS[name].heading, COLUMNS[name].unit, log=log)
