"""Results as plots.

A plot compares like with like: one length, one batch size or both are held fixed, a case counts
once (its newest result), and energies of different labels are different series.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from store import LeaderboardRow
from tui.plot.model import Axis, Plot, Point, Series
from tui.present import model_name

Row = LeaderboardRow
ANY = "any"
"""No value is held fixed."""

MOST_SERIES = 8
"""As many as there are marks."""


@dataclass(frozen=True)
class Kind:
    """One kind of chart."""

    key: str
    name: str
    """As short as it can be."""
    title: str
    fixes: tuple[str, ...]
    """Columns of which one value is held fixed."""
    build: Callable[[Sequence[Row], bool], Plot]
    """Rows, and whether axes are logarithmic, to a plot without its title's second half."""


@dataclass(frozen=True)
class Choices:
    """What the user has chosen for a chart."""

    kind: str
    audio_seconds: str = ""
    """A value, ``any``, or empty for the commonest."""
    batch_size: str = ""
    place: str = ""
    """A device and variant; empty is ``any`` while the marks suffice to tell all series apart."""
    log: bool = True


def make_plot(rows: Sequence[Row], choices: Choices) -> Plot:
    """The plot of some rows, which are the newest of their cases."""
    kind = KINDS[choices.kind]
    title = kind.title
    place = fixed_place(rows, choices)
    if place != ANY:
        rows = [row for row in rows if place_name(row) == place]
        title += f", {place}"
    for column in kind.fixes:
        value = fixed_value(rows, choices, column)
        if value == ANY:
            continue
        rows = [row for row in rows if f"{getattr(row, column):g}" == value]
        title += f", {value} s of audio" if column == "audio_seconds" else f", batch size {value}"
    plot = kind.build(rows, choices.log)
    # The longest series say most; of equally long ones the first by name.
    kept = sorted(plot.series, key=lambda series: -len(series.points))[:MOST_SERIES]
    said = "" if place == ANY else f" {place}"  # By the title, once for all.
    shown = tuple(
        replace(series, label=series.label.replace(said, "", 1))
        for series in plot.series
        if series in kept and series.points
    )
    return replace(
        plot, title=title, series=shown, left_out=sum(1 for s in plot.series if s not in kept)
    )


def values_of(rows: Sequence[Row], column: str) -> list[str]:
    """The values of a column that a chart can hold fixed, the smallest first."""
    return [f"{value:g}" for value in sorted({getattr(row, column) for row in rows})]


def places_of(rows: Sequence[Row]) -> list[str]:
    """Devices and variants."""
    return sorted({place_name(row) for row in rows})


def fixed_value(rows: Sequence[Row], choices: Choices, column: str) -> str:
    """The value that is held fixed: the chosen one if there is such a row, else the commonest."""
    wanted: str = getattr(choices, column)
    found = [f"{getattr(row, column):g}" for row in rows]
    if wanted in found or (wanted == ANY and choices.kind == "wer-rtfx"):
        return wanted
    if choices.kind == "wer-rtfx":
        return ANY
    # The commonest; of equally common ones the smallest.
    return min(sorted(set(found), key=float), key=lambda value: -found.count(value), default=ANY)


def fixed_place(rows: Sequence[Row], choices: Choices) -> str:
    """The device and variant that are held fixed, or ``any``."""
    found = places_of(rows)
    if choices.place in (*found, ANY):
        return choices.place
    many = len({series_name(row) for row in rows}) > MOST_SERIES
    return found[0] if many and choices.kind != "wer-rtfx" else ANY


def place_name(row: Row) -> str:
    """A device, and the variant if it is not the plain one."""
    return row.device if row.variant == "fp32" else f"{row.device} {row.variant}"


def series_name(row: Row) -> str:
    """A model and where and how it ran."""
    return f"{_model(row)} {place_name(row)}"


def _model(row: Row) -> str:
    return f"{model_name(row.model)} r" if row.weights == "random" else model_name(row.model)


def _grouped(rows: Sequence[Row], name: Callable[[Row], str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in sorted(rows, key=name):
        found.setdefault(name(row), []).append(row)
    return found


def _latency(rows: Sequence[Row], x: str, axis: Axis, log: bool) -> Plot:
    series = tuple(
        Series(name, tuple(_latency_point(row, getattr(row, x)) for row in found))
        for name, found in _grouped(
            [row for row in rows if row.latency_ms is not None], series_name
        ).items()
    )
    return Plot(
        "", axis, Axis("latency", "ms", log=log), series, empty="no latency among these results"
    )


def _latency_point(row: Row, x: float) -> Point:
    assert row.latency_ms is not None
    note = "unstable" if row.stable is False else ""
    return Point(x, row.latency_ms, row.latency_low_ms, row.latency_high_ms, row.result_id, note)


def _batch_axis(rows: Sequence[Row], log: bool) -> Axis:
    return Axis("batch size", log=log, at=tuple(sorted({float(row.batch_size) for row in rows})))


def _length_axis(rows: Sequence[Row], log: bool) -> Axis:
    return Axis("audio", "s", log=log, at=tuple(sorted({row.audio_seconds for row in rows})))


def _latency_by_batch(rows: Sequence[Row], log: bool) -> Plot:
    return _latency(rows, "batch_size", _batch_axis(rows, log), log)


def _latency_by_length(rows: Sequence[Row], log: bool) -> Plot:
    return _latency(rows, "audio_seconds", _length_axis(rows, log), log)


def _rtfx_by_batch(rows: Sequence[Row], log: bool) -> Plot:
    series = tuple(
        Series(
            name,
            tuple(Point(row.batch_size, row.rtfx, id=row.result_id) for row in found if row.rtfx),
        )
        for name, found in _grouped(rows, series_name).items()
    )
    return Plot(
        "", _batch_axis(rows, log), Axis("RTFx", log=log), series, empty="no RTFx among these"
    )


def _energy_by_length(rows: Sequence[Row], log: bool) -> Plot:
    def name(row: Row) -> str:
        return f"{series_name(row)}, {row.energy_label}"

    known = [row for row in rows if row.energy_j is not None]
    series = tuple(
        Series(
            name,
            tuple(
                Point(
                    row.audio_seconds, row.energy_j, id=row.result_id, note=row.energy_source or ""
                )
                for row in found
                if row.energy_j is not None
            ),
        )
        for name, found in _grouped(known, name).items()
    )
    return Plot(
        "",
        _length_axis(known, log),
        Axis("energy of one batch", "J", log=log),
        series,
        empty="no energy was learnt for any of these results; the table says why",
    )


def _wer_by_rtfx(rows: Sequence[Row], log: bool) -> Plot:
    best: dict[str, Row] = {}
    for row in rows:
        if row.wer is None or not row.rtfx:
            continue
        name = series_name(row)
        # A configuration is as quick as at its best batch size and length.
        if name not in best or row.rtfx > (best[name].rtfx or 0):
            best[name] = row
    points = {
        name: Point(
            row.rtfx or 0,
            100 * (row.wer or 0),
            id=row.result_id,
            note=f"{place_name(row)}, {row.audio_seconds:g} s x {row.batch_size}",
        )
        for name, row in sorted(best.items())
    }
    ordered = list(points.values())
    # Here, because numpy takes a tenth of a second to import and no other chart needs it.
    from report.pareto import pareto_front

    front = pareto_front([(point.y, point.x) for point in ordered], minimise=(True, False))
    return Plot(
        "",
        Axis("RTFx", log=log),
        Axis("WER", "%", log=log and all(point.y > 0 for point in ordered)),
        tuple(
            Series(model, tuple(points[series_name(row)] for row in found))
            for model, found in _grouped(list(best.values()), _model).items()
        ),
        lines=False,
        front=tuple(sorted((ordered[index] for index in front), key=lambda point: point.x)),
        empty="no result here has a word error rate (random weights have none)",
    )


KINDS = {
    kind.key: kind
    for kind in (
        Kind(
            *("latency-batch", "latency/batch", "Latency by batch size"),
            ("audio_seconds",),
            _latency_by_batch,
        ),
        Kind(
            *("latency-length", "latency/length", "Latency by length of the audio"),
            ("batch_size",),
            _latency_by_length,
        ),
        Kind(
            *("rtfx-batch", "RTFx/batch", "Real-time factor by batch size"),
            ("audio_seconds",),
            _rtfx_by_batch,
        ),
        Kind(
            *("energy-length", "energy/length", "Energy by length of the audio"),
            ("batch_size",),
            _energy_by_length,
        ),
        Kind(
            *("wer-rtfx", "WER/RTFx", "Word error rate by real-time factor"),
            ("audio_seconds", "batch_size"),
            _wer_by_rtfx,
        ),
    )
}


def plot_tsv(plot: Plot) -> str:
    """The points of a plot, tab-separated, for a clipboard; empty where there is none."""
    lines = [
        "\t".join(
            (
                plot.series[series].label,
                f"{point.x:.6g}",
                f"{point.y:.6g}",
                "" if point.low is None else f"{point.low:.6g}",
                "" if point.high is None else f"{point.high:.6g}",
                str(point.id),
            )
        )
        for series, point in plot.points()
    ]
    head = "\t".join(("series", plot.x.title, plot.y.title, "low", "high", "result"))
    return "\n".join([head, *lines]) if lines else ""
