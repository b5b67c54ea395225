"""Results as plots.

A plot compares like with like: one length, one batch size or both are held fixed, where nothing is
chosen those of the report (`report.alike`), a case counts once (its newest result), and energies of
different labels are different series. Cases that stopped
early are marked, for their times are of less work, and they are on no front. A WER of packed clips
is not drawn beside one of utterances.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from report.alike import common_point, entry_of, front_of, judged
from report.speech import OTHER_KIND, STOPPED_EARLY, RateKind, error_rate, rate_kind
from report.text import plural
from tui.plot.model import Axis, Plot, Point, Series
from tui.results.export import clipboard_text
from tui.results.load_charts import Levels, load_chart
from tui.results.own_charts import bars_by_model, own_axes
from tui.results.points import (
    ANY,
    Choices,
    Row,
    axis_of,
    grouped,
    model_label,
    point_of,
    series_name,
)

MOST_SERIES = 8
"""As many as there are marks."""

_LESS_WORK = ((STOPPED_EARLY, "stopped early: less work"),)


@dataclass(frozen=True)
class Kind:
    """One kind of chart."""

    key: str
    name: str
    """As short as it can be."""
    title: str
    fixes: tuple[str, ...]
    """Columns of which one value is held fixed, the length first."""
    build: Callable[[Sequence[Row], Choices, Levels], Plot]
    """Rows, and levels of load of theirs, to a plot; its title stands instead of ``title``."""
    may_vary: tuple[str, ...] = ()
    """Columns that need not be held fixed where the user says so."""


def make_plot(rows: Sequence[Row], choices: Choices, levels: Levels = MappingProxyType({})) -> Plot:
    """The plot of some rows.

    Args:
        rows: The newest of their cases.
        choices: What the user has chosen.
        levels: The levels of load of those that were loaded.
    """
    kind = KINDS[choices.kind]
    said_fixed = ""
    place = fixed_place(rows, choices)
    if place != ANY:
        rows = [row for row in rows if row.place_and_variant == place]
        said_fixed += f", {place}"
    for column, value in fixed_values(rows, choices).items():
        if value == ANY:
            if kind.key == "wer-rtfx" and rows:
                said_fixed += ", each at its quickest batch size"
            continue
        rows = [row for row in rows if f"{getattr(row, column):g}" == value]
        length = column == "audio_seconds"
        said_fixed += f", {value} s of audio" if length else f", batch size {value}"
    plot = kind.build(rows, choices, levels)
    # The longest series say most; of equally long ones the first by name.
    most = len(plot.series) if plot.bars else MOST_SERIES
    kept = sorted(plot.series, key=lambda series: -len(series.points))[:most]
    said = "" if place == ANY else f" {place}"  # By the title, once for all.
    shown = tuple(
        replace(series, label=series.label.replace(said, "", 1))
        for series in plot.series
        if series in kept and series.points
    )
    ids = {point.id for series in shown for point in series.points}
    packed = _packed([row for row in rows if row.result_id in ids])
    return replace(
        plot,
        title=f"{plot.title or kind.title}{said_fixed}",
        series=shown,
        left_out=sum(1 for s in plot.series if s not in kept),
        mark_meanings=(*plot.mark_meanings, *_LESS_WORK),
        caption=", ".join(part for part in (plot.caption, packed) if part),
    )


def _packed(rows: Sequence[Row]) -> str:
    """How many of the cases that are shown were timed over packed clips."""
    packed = sum(row.clips_mode == "packed" for row in rows)
    return f"{packed:,} of {plural(len(rows), 'case')} timed over packed clips" if packed else ""


def values_of(rows: Sequence[Row], column: str) -> list[str]:
    """The values of a column that a chart can hold fixed, the smallest first."""
    return [f"{value:g}" for value in sorted({getattr(row, column) for row in rows})]


def places_of(rows: Sequence[Row]) -> list[str]:
    """Devices and variants."""
    return sorted({row.place_and_variant for row in rows})


def fixed_values(rows: Sequence[Row], choices: Choices) -> dict[str, str]:
    """The values that are held fixed, by column: the chosen ones if there are such rows.

    Otherwise those of the point that most models share: of what a front may be made of where the
    chart shows one, as in the report.

    Args:
        rows: The results that the chart is drawn of.
        choices: What the user has chosen.
    """
    kind = KINDS[choices.kind]
    if kind.key in ("wer-rtfx", "by-model"):
        sound = [row for row in rows if not row.stopped_early]
        rows = judged(sound, _itself) or judged(rows, _itself) or rows
    values = {}
    for column in kind.fixes:
        if kind.key == "own" and column in (choices.x, choices.y):
            continue
        wanted: str = getattr(choices, column)
        if wanted == ANY and column in kind.may_vary:
            values[column] = ANY
            continue
        if wanted not in values_of(rows, column):
            point = common_point(map(entry_of, rows))
            wanted = ANY if point is None else f"{point[column == 'batch_size']:g}"
        values[column] = wanted
        rows = [row for row in rows if f"{getattr(row, column):g}" == wanted]
    return values


def _itself(row: Row) -> Row:
    return row


def fixed_place(rows: Sequence[Row], choices: Choices) -> str:
    """The device and variant that are held fixed, or ``any``."""
    found = places_of(rows)
    if choices.place in (*found, ANY):
        return choices.place
    many = len({series_name(row) for row in rows}) > MOST_SERIES
    return found[0] if many and choices.kind not in ("wer-rtfx", "by-model") else ANY


def _latency(rows: Sequence[Row], x: str, axis: Axis, log: bool) -> Plot:
    series = tuple(
        Series(name, tuple(_latency_point(row, getattr(row, x)) for row in found))
        for name, found in grouped(
            [row for row in rows if row.latency_ms is not None], series_name
        ).items()
    )
    return Plot(
        "", axis, axis_of("latency_ms", log), series, empty="no latency among these results"
    )


def _latency_point(row: Row, x: float) -> Point:
    assert row.latency_ms is not None
    ends = row.latency_low_ms, row.latency_high_ms
    return point_of(row, x, row.latency_ms, *ends, note="unstable" if row.stable is False else "")


def _batch_axis(rows: Sequence[Row], log: bool) -> Axis:
    return Axis("batch size", log=log, at=tuple(sorted({float(row.batch_size) for row in rows})))


def _length_axis(rows: Sequence[Row], log: bool) -> Axis:
    return Axis("audio", "s", log=log, at=tuple(sorted({row.audio_seconds for row in rows})))


def _latency_by_batch(rows: Sequence[Row], choices: Choices) -> Plot:
    log = choices.log
    return _latency(rows, "batch_size", _batch_axis(rows, log), log)


def _latency_by_length(rows: Sequence[Row], choices: Choices) -> Plot:
    log = choices.log
    return _latency(rows, "audio_seconds", _length_axis(rows, log), log)


def _rtfx_by_batch(rows: Sequence[Row], choices: Choices) -> Plot:
    log = choices.log
    series = tuple(
        Series(
            name,
            tuple(point_of(row, row.batch_size, row.rtfx) for row in found if row.rtfx),
        )
        for name, found in grouped(rows, series_name).items()
    )
    return Plot(
        "", _batch_axis(rows, log), axis_of("rtfx", log), series, empty="no RTFx among these"
    )


def _energy_by_length(rows: Sequence[Row], choices: Choices) -> Plot:
    log = choices.log

    def name(row: Row) -> str:
        return f"{series_name(row)}, {row.energy_label}"

    known = [row for row in rows if row.energy_j is not None]
    series = tuple(
        Series(
            name,
            tuple(
                point_of(row, row.audio_seconds, row.energy_j, note=row.energy_source or "")
                for row in found
                if row.energy_j is not None
            ),
        )
        for name, found in grouped(known, name).items()
    )
    return Plot(
        "",
        _length_axis(known, log),
        Axis("energy of one batch", "J", log=log),
        series,
        empty="no energy was obtained for any of these results; the table says why",
    )


def _wer_by_rtfx(rows: Sequence[Row], choices: Choices) -> Plot:
    log = choices.log
    known = [row for row in rows if error_rate(row) is not None and row.rtfx]
    alike = judged(rows, _itself)
    best: dict[str, Row] = {}
    for row in alike:
        name = series_name(row)
        if name not in best or _better(row, best[name]):
            best[name] = row
    places = places_of(list(best.values()))
    points = {
        name: replace(
            point_of(
                row,
                row.rtfx or 0,
                100 * (error_rate(row) or 0),
                note=f"{row.place_and_variant}, {row.audio_seconds:g} s x {row.batch_size}",
            ),
            kind=places.index(row.place_and_variant) if len(places) > 1 else None,
            name=model_label(row),
        )
        for name, row in sorted(best.items())
    }
    sound = [row for _, row in sorted(best.items()) if not row.stopped_early]
    kind = rate_kind(alike[0]) if alike else RateKind("utterances", "WER", None)
    front = [points[series_name(row)] for row in front_of(sound, _itself)]
    rate = "Character" if kind.headline == "CER" else "Word"
    return Plot(
        f"{rate} error rate of {kind.of} by RTFx",
        axis_of("rtfx", log),
        Axis(
            kind.headline or "WER", "%", log=log and all(point.y > 0 for point in points.values())
        ),
        tuple(
            Series(model, tuple(points[series_name(row)] for row in found))
            for model, found in grouped(list(best.values()), model_label).items()
        ),
        lines=False,
        front=tuple(sorted(front, key=lambda point: point.x)),
        kinds=tuple(places) if len(places) > 1 else (),
        caption=_left_out(alike, len(known) - len(alike)),
        empty="no result here has a word error rate (random weights have none)",
    )


def _better(row: Row, than: Row) -> bool:
    """Whether a result says more of a configuration than another one of it.

    A configuration is as quick as at its best batch size, at which it does all its work.
    """
    return (not row.stopped_early, row.rtfx or 0) > (not than.stopped_early, than.rtfx or 0)


def _left_out(rows: Sequence[Row], others: int) -> str:
    """``2 stopped early left out of the front``, and the same of WER that does not compare."""
    early = sum(bool(row.stopped_early) for row in rows)
    parts = [f"{early:,} stopped early left out of the front" if early else ""]
    parts.append(f"{others:,} with WER {OTHER_KIND} left out" if others else "")
    return ", ".join(part for part in parts if part)


def _of_rows(
    build: Callable[[Sequence[Row], Choices], Plot],
) -> Callable[[Sequence[Row], Choices, Levels], Plot]:
    return lambda rows, choices, _: build(rows, choices)


KINDS = {
    kind.key: kind
    for kind in (
        Kind(
            *("wer-rtfx", "WER/RTFx", "Word error rate by real-time factor"),
            ("audio_seconds", "batch_size"),
            _of_rows(_wer_by_rtfx),
            ("batch_size",),
        ),
        Kind(
            *("by-model", "bars", "By model"),
            ("audio_seconds", "batch_size"),
            _of_rows(bars_by_model),
        ),
        Kind(
            *("latency-batch", "ms/batch", "Latency by batch size"),
            ("audio_seconds",),
            _of_rows(_latency_by_batch),
        ),
        Kind(
            *("latency-length", "ms/length", "Latency by length of the audio"),
            ("batch_size",),
            _of_rows(_latency_by_length),
        ),
        Kind(
            *("rtfx-batch", "RTFx/batch", "Real-time factor by batch size"),
            ("audio_seconds",),
            _of_rows(_rtfx_by_batch),
        ),
        Kind(
            *("energy-length", "J/length", "Energy by length of the audio"),
            ("batch_size",),
            _of_rows(_energy_by_length),
        ),
        Kind(
            *("load", "load", "Under load"),
            (),
            load_chart,
        ),
        Kind(
            *("own", "x/y", "Own axes"),
            ("audio_seconds", "batch_size"),
            _of_rows(own_axes),
            ("audio_seconds", "batch_size"),
        ),
    )
}


def plot_tsv(plot: Plot) -> str:
    """The points of a plot for a clipboard; empty where there is none."""
    rows = [
        (
            plot.series[series].label
            + ("" if p.kind is None or not plot.lines else f" {plot.kinds[p.kind]}"),
            *(None if value is None else f"{value:.6g}" for value in (p.x, p.y, p.low, p.high)),
            p.id,
        )
        for series, p in plot.points()
    ]
    return clipboard_text(("series", plot.x.title, plot.y.title, "low", "high", "result"), rows)
