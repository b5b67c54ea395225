"""Points of all cases: errors against speed and energy, work against time and energy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from report.compare import all_estimated, estimates_apart
from report.content import Figure, Text
from report.figures.style import (
    FAINT,
    INK,
    PAPER,
    Palette,
    by_width,
    canvas,
    drawn,
    error_axis,
    legend_below,
    log_axis,
)
from report.pareto import pareto_front
from report.speech import clips_caption, error_rate, scored_range
from report.study import Case, Study, front_candidates, shape

MOST_PLACES = 3


@by_width
def tradeoff(
    study: Study,
    palette: Palette,
    *,
    cost: Callable[[Case], float | None],
    label: str,
    less_is_better: bool,
    name: str,
    title: str,
) -> Figure | Text:
    """WER against a cost, with the front of what nothing else beats in both.

    Args:
        study: The study.
        palette: The models' looks.
        cost: The horizontal figure of a case.
        label: Of the horizontal axis.
        less_is_better: Whether the front is on the left.
        name: Of the figure's file.
        title: What the caption calls the cost.
    """
    usable = [
        case
        for case in front_candidates(study)
        if case.model in palette.models and (cost(case) or 0) > 0
    ]
    if "energy" in name and all_estimated(case.row for case in usable):
        return Text(
            f"No figure of WER against {title}: all joules here are estimates that follow from "
            "time, so it would be the figure of speed in a mirror."
        )
    if len({case.configuration for case in usable}) < 2:
        return Text(
            f"No figure of WER against {title}: fewer than two configurations have both. "
            + wer_reasons(study)
        )
    with canvas(height=3.4) as (figure, (axes,)):
        points = [(cost(case) or 0.0, 100 * (error_rate(case.row) or 0.0)) for case in usable]
        front = pareto_front(points, minimise=(less_is_better, True))
        edge = [points[index] for index in front]
        axes.step(
            [x for x, _ in edge],
            [y for _, y in edge],
            where="post",
            color=FAINT,
            linestyle="--",
            linewidth=1.1,
            zorder=1,
        )
        variants = sorted({case.row.variant for case in usable})
        for index, case in enumerate(usable):
            low, high = case.row.wer_low, case.row.wer_high
            x, y = points[index]
            colour = palette.colour(case.model)
            if low is not None and high is not None:
                axes.vlines(
                    x, 100 * low, 100 * high, color=colour, linewidth=0.7, alpha=0.5, zorder=1
                )
            hollow = case.row.variant != "fp32"
            axes.plot(
                x,
                y,
                marker=palette.marker(case.model),
                color=colour,
                markerfacecolor=PAPER if hollow else colour,
                markersize=8.5 if index in front else 5.5,
                markeredgewidth=1.3 if hollow else 0.5,
                markeredgecolor=colour if hollow else PAPER,
                linestyle="",
                zorder=3 if index in front else 2,
            )
        log_axis(axes, "x", [x for x, _ in points])
        spread = error_axis(axes, [y for _, y in points])
        axes.set_xlabel(label)
        axes.set_ylabel("WER (%)")
        handles = palette.handles({case.model for case in usable}, line=False)
        handles.append(Line2D([], [], color=FAINT, linestyle="--", label="Pareto front"))
        if len(variants) > 1:
            handles.append(
                Line2D(
                    [],
                    [],
                    color=INK,
                    marker="o",
                    markerfacecolor=PAPER,
                    linestyle="",
                    label="hollow: a variant",
                )
            )
        legend_below(figure, handles)
        where = shape(*usable[0].point)
        side = "left" if less_is_better else "right"
        rows = [case.row for case in usable]
        of = scored_range((row.quality_of, row.scored) for row in rows)
        return drawn(
            figure,
            name,
            f"WER against {title}, of {of}; every point is a case at {where}. The lower "
            f"and the further to the {side}, the better; large points are on the Pareto front. "
            f"Bars are 95 % intervals.{spread}"
            f"{_mixed(usable, name)}{clips_caption(rows)}{palette.note}",
            f"Word error rate of {len(usable)} cases against {title}, with the Pareto front.",
        )


def _mixed(cases: Sequence[Case], name: str) -> str:
    """A warning where joules on one axis were obtained in different ways."""
    labels = sorted({case.row.energy_label for case in cases if case.row.energy_label})
    if "energy" in name and estimates_apart(case.row for case in cases):
        return " Joules here are estimates with different numbers of threads: they do not compare."
    if "energy" not in name or len(labels) < 2:
        return ""
    return f" Joules here are {' and '.join(labels)}: compare points of one kind alone."


def wer_reasons(study: Study) -> str:
    """Why cases have no WER, in a sentence."""
    reasons = {
        case.row.quality_reason or "not measured" for case in study.ok if case.row.wer is None
    }
    return f"WER is missing because: {'; '.join(sorted(reasons)[:3])}." if reasons else ""


@by_width
def work(study: Study, palette: Palette) -> Figure | Text:
    """FLOPs against latency and against energy, every baseline case a point."""
    usable = [
        case
        for case in study.baseline
        if case.model in palette.models and case.row.flops and case.row.latency_s
    ]
    if len(usable) < 3:
        return Text("No figure of work against time: fewer than three cases have FLOPs.")
    energetic = [
        case
        for case in usable
        if (case.row.energy_j or 0) > 0 and case.row.energy_label != "estimated"
    ]
    columns: list[tuple[str, Sequence[Case], Callable[[Case], float]]] = [
        ("latency of a batch (ms)", usable, lambda case: 1e3 * (case.row.latency_s or 0.0))
    ]
    if len(energetic) >= 3:
        columns.append(("energy of a batch (J)", energetic, lambda case: case.row.energy_j or 0.0))
    against = "time and energy" if len(columns) > 1 else "time"
    places = study.places[:MOST_PLACES]
    with canvas(1, len(columns), height=3.3) as (figure, axes):
        for panel, (label, cases, value) in zip(axes, columns, strict=True):
            for case in cases:
                if case.place not in places:
                    continue
                hollow = places.index(case.place) > 0
                colour = palette.colour(case.model)
                panel.plot(
                    case.row.flops / 1e9 if case.row.flops else 0,
                    value(case),
                    marker=palette.marker(case.model),
                    color=colour,
                    markerfacecolor=PAPER if hollow else colour,
                    linestyle="",
                    markeredgewidth=1.2,
                )
            flops = [(case.row.flops or 0) / 1e9 for case in cases]
            log_axis(panel, "x", flops)
            log_axis(panel, "y", [value(case) for case in cases])
            _iso_rates(panel, flops, [value(case) for case in cases])
            panel.set_xlabel("work of a batch (GFLOP)")
            panel.set_ylabel(label)
        handles = palette.handles({case.model for case in usable}, line=False)
        if len(places) > 1:
            handles.append(
                Line2D(
                    [],
                    [],
                    color=INK,
                    marker="o",
                    markerfacecolor=PAPER,
                    linestyle="",
                    label=f"hollow: {places[1]}",
                )
            )
        legend_below(figure, handles)
        return drawn(
            figure,
            "work",
            f"Work against {against}, every case a point. Along a dotted line the rate is the "
            "same; points far above one do their work at a lower rate."
            f"{clips_caption([case.row for case in usable])}{palette.note}",
            f"FLOPs of every case against its {against}.",
        )


def _iso_rates(panel: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    """Dotted lines of one rate through the fastest and the median point."""
    rates = np.asarray(y) / np.asarray(x)
    ends = np.array([min(x) / 2, max(x) * 2])
    for rate in (rates.min(), float(np.median(rates))):
        panel.plot(ends, rate * ends, color=FAINT, linestyle=":", linewidth=1.0, zorder=0)
