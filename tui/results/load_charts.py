"""Levels of load as charts: latency and goodput against requests a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from report.load_curves import Curve, curves_of, has_point, level_at_knee
from report.text import number, plural
from store import LoadLevel
from tui.plot.model import Axis, Plot, Point, Rule, Series
from tui.results.points import Choices, Row, grouped, series_name

Levels = Mapping[int, Sequence[LoadLevel]]
"""Levels of load by the id of their result."""

LOADS = ("latency", "goodput")
"""What the chart can show."""

ENDED, MISSED = "+", "x"
MEANINGS = ((ENDED, "ended early"), (MISSED, "missed the SLO"))
PERCENTILES = ("p95", "p50")
NOTHING = "no levels of load among these results: `asrprof run load` makes some"


@dataclass(frozen=True)
class _Line:
    """One line of the chart."""

    label: str
    row: Row
    curve: Curve


def load_chart(rows: Sequence[Row], choices: Choices, levels: Levels) -> Plot:
    """The chart of levels of load that is chosen.

    Args:
        rows: The newest result of each case.
        choices: Latency or goodput, and whether axes are logarithmic.
        levels: Of those results.
    """
    timed = [row for row in rows if row.latency_ms is not None]
    found = [
        _Line(f"{name} {_way(curve[0])}", row, curve)
        for name, members in grouped(timed, series_name).items()
        for row in members
        for curve in curves_of(levels.get(row.result_id, ()))
    ]
    if choices.load == "goodput":
        return _goodput(found, choices.log)
    return _latency(found, choices.log)


def _way(level: LoadLevel) -> str:
    """How the levels of a curve were sent, as short as it can be."""
    batch = "" if level.max_batch is None else f"b{level.max_batch} "
    batch += "" if (level.replicas or 1) == 1 else f"x{level.replicas} "
    streams = " streams" if level.paced else ""
    return f"{batch}{level.mode if level.arrivals is None else level.arrivals}{streams}"


def _latency(lines: list[_Line], log: bool) -> Plot:
    shown = [level for line in lines for level in line.curve if has_point(level)]
    return Plot(
        "Latency under load by rate of right answers",
        Axis("answers a second", log=log),
        Axis("latency", "ms", log=log),
        tuple(Series(line.label, tuple(_latency_points(line))) for line in lines),
        rules=tuple(
            Rule(slo, f"SLO {number(slo)} ms")
            for slo in sorted({1e3 * level.slo_p95_s for level in shown})
        ),
        kinds=PERCENTILES if shown else (),
        mark_meanings=MEANINGS,
        caption=_without(lines),
        empty=NOTHING if not lines else "no level has a p95: it needs 20 answers",
    )


def _latency_points(line: _Line) -> list[Point]:
    knee = level_at_knee(line.curve)
    points = []
    for level in filter(has_point, line.curve):
        for kind, percentile in enumerate(PERCENTILES):
            value, low, high = (
                (level.latency_p95_s, level.latency_p95_low_s, level.latency_p95_high_s)
                if percentile == "p95"
                else (level.latency_p50_s, level.latency_p50_low_s, level.latency_p50_high_s)
            )
            if value is None:
                continue
            note = f"{percentile}, {_sent(level)}{', the knee' if level is knee else ''}"
            points.append(
                Point(
                    *(level.requests_per_s or 0.0, 1e3 * value, _ms(low), _ms(high)),
                    line.row.result_id,
                    note=note + _said(level),
                    mark=_mark(level) if percentile == "p95" else "",
                    kind=kind,
                    name=line.label if percentile == "p95" else "",
                )
            )
    return points


def _goodput(lines: list[_Line], log: bool) -> Plot:
    series = tuple(
        Series(
            line.label,
            tuple(
                Point(
                    level.requests / level.window_s,
                    level.goodput_per_s,
                    id=line.row.result_id,
                    note=f"{_sent(level)}{_said(level)}",
                    mark=_mark(level),
                )
                for level in line.curve
                if level.goodput_per_s is not None and level.window_s
            ),
        )
        for line in lines
    )
    values = [point.y for one in series for point in one.points]
    limits = sorted({1e3 * level.slo_p95_s for line in lines for level in line.curve})
    return Plot(
        "Goodput under load by requests that were due",
        Axis("requests due a second", log=log),
        Axis("goodput a second", log=log and all(value > 0 for value in values)),
        series,
        mark_meanings=MEANINGS,
        caption=f"right answers within {', '.join(map(number, limits))} ms (the SLO)"
        if values
        else "",
        empty=NOTHING if not lines else "no level was held for any time",
    )


def _sent(level: LoadLevel) -> str:
    if level.concurrency is not None:
        return f"{level.concurrency} {'streams' if level.paced else 'at once'}"
    return f"{level.rate_per_s:g} a second"


def _said(level: LoadLevel) -> str:
    parts = [plural(level.errors, "error")] if level.errors else []
    parts += [] if level.held else ["ended early"]
    return "".join(f", {part}" for part in parts)


def _mark(level: LoadLevel) -> str:
    if not level.held:
        return ENDED
    return MISSED if level.slo_met is False else ""


def _without(lines: list[_Line]) -> str:
    """How many levels are not drawn, and why."""
    missing = sum(not has_point(level) for line in lines for level in line.curve)
    return f"{plural(missing, 'level')} without a p95 left out: it needs 20 answers" * bool(missing)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1e3 * seconds
