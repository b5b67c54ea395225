"""Charts by model, and of axes that the user chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from report.speech import error_rate, of_one_kind, rate_kind
from store import COLUMNS
from tui.plot.model import Axis, Plot, Point, Series
from tui.results.points import Choices, Row, axis_of, grouped, point_of, series_name

Ends = tuple[float | None, float | None]
_NO_ENDS: Ends = (None, None)


@dataclass(frozen=True)
class Measure:
    """What bars can show."""

    axis: Axis
    value: Callable[[Row], float | None]
    ends: Callable[[Row], Ends] = lambda _: _NO_ENDS
    note: Callable[[Row], str] = lambda _: ""
    higher: bool = False
    """Whether more is better."""


def _share(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _energy_note(row: Row) -> str:
    return row.energy_label if row.energy_label in ("estimated", "sampled") else ""


def _unstable(row: Row) -> str:
    return "unstable" if row.stable is False else ""


MEASURES = {
    "latency": Measure(
        axis_of("latency_ms", log=False),
        lambda row: row.latency_ms,
        lambda row: (row.latency_low_ms, row.latency_high_ms),
        _unstable,
    ),
    "RTFx": Measure(axis_of("rtfx", log=False), lambda row: row.rtfx, note=_unstable, higher=True),
    "energy": Measure(
        Axis("energy of one batch", "J"), lambda row: row.energy_j, note=_energy_note
    ),
    "WER": Measure(
        Axis("WER", "%"),
        lambda row: _share(error_rate(row)),
        lambda row: (
            (_share(row.wer_low), _share(row.wer_high)) if row.headline != "CER" else _NO_ENDS
        ),
    ),
    "memory": Measure(
        Axis("memory: RAM of the process, or of the GPU where it ran there", "MB"),
        lambda row: row.rss_mb if row.device.startswith("cpu") else row.vram_mb,
    ),
}
"""By the words that they are chosen by."""

_WORDS = {"result_id", "job_id", "scored", "hits", "environment_id", "quality_id"}


def bars_by_model(rows: Sequence[Row], choices: Choices) -> Plot:
    """A bar for each model, device and variant, the best first.

    Args:
        rows: Results of one length and batch size.
        choices: Which measure.
    """
    measure = MEASURES[choices.measure]
    if choices.measure == "WER":
        scored = [row for row in rows if error_rate(row) is not None]
        rows = of_one_kind(scored, rate_kind)
    known = [(value, row) for row in rows if (value := measure.value(row)) is not None]
    known.sort(key=lambda entry: (-entry[0] if measure.higher else entry[0], series_name(entry[1])))
    missing = len({row.result_id for row in rows}) - len(known)
    return Plot(
        f"{choices.measure} by model",
        Axis("place"),
        measure.axis,
        tuple(
            Series(
                series_name(row),
                (point_of(row, place, value, *measure.ends(row), note=measure.note(row)),),
            )
            for place, (value, row) in enumerate(known, start=1)
        ),
        lines=False,
        bars=True,
        caption=f"{missing:,} without it; the table says why" if missing else "",
        empty="none of these results has it; the table says why",
    )


def axes_offered(rows: Sequence[Row]) -> list[str]:
    """The columns of numbers that differ among some results, as axes to choose from."""
    found = []
    for name, column in COLUMNS.items():
        if column.form == "text" or name in _WORDS or _is_end(name):
            continue
        values = {value for row in rows if _is_number(value := row.value(name))}
        if len(values) > 1:
            found.append(name)
    return found


def own_axes(rows: Sequence[Row], choices: Choices) -> Plot:
    """Any figure by any other; energies of different labels are different series.

    Args:
        rows: Results of what is held fixed.
        choices: The columns of the axes.
    """
    energy = any("energy" in name or "joules" in name for name in (choices.x, choices.y))

    def name(row: Row) -> str:
        return f"{series_name(row)}, {row.energy_label}" if energy else series_name(row)

    known = [
        row for row in rows if _is_number(row.value(choices.x)) and _is_number(row.value(choices.y))
    ]
    series = tuple(
        Series(label, tuple(_own_point(row, choices) for row in found))
        for label, found in grouped(known, name).items()
    )
    points = [point for one in series for point in one.points]
    x, y = (
        Axis(
            COLUMNS[column].heading,
            COLUMNS[column].unit,
            log=choices.log and all(value > 0 for value in values),
        )
        for column, values in (
            (choices.x, [point.x for point in points]),
            (choices.y, [point.y for point in points]),
        )
    )
    return Plot(
        f"{COLUMNS[choices.y].heading} by {COLUMNS[choices.x].heading}",
        *(x, y, series),
        lines=choices.x in ("audio_seconds", "batch_size", "threads"),
        empty="no result here has both figures",
    )


def _own_point(row: Row, choices: Choices) -> Point:
    x, y = (
        float(row.value(column)) * (100 if COLUMNS[column].form == "share" else 1)
        for column in (choices.x, choices.y)
    )
    return point_of(row, x, y, note=f"{row.audio_seconds:g} s x {row.batch_size}")


def _is_end(name: str) -> bool:
    """Whether it is an end of an interval: ``latency_low_ms``, ``wer_high``."""
    return not {"low", "high"}.isdisjoint(name.split("_"))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
