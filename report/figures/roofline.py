"""The roofline: achieved FLOP/s against intensity, under the machine's measured roof."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.lines import Line2D

from report.content import Figure
from report.figures.style import (
    FAINT,
    INK,
    PAPER,
    Palette,
    by_width,
    canvas,
    drawn,
    legend_below,
    log_axis,
)
from report.roofline import Roofline

MOST_PLACES = 3


@by_width
def roofline(found: Sequence[Roofline], palette: Palette) -> Figure | None:
    """One panel a device; None where nothing can be drawn."""
    shown = [
        (roof, [point for point in roof.points if point.case.model in palette.models])
        for roof in found[:MOST_PLACES]
    ]
    shown = [(roof, points) for roof, points in shown if points]
    if not shown:
        return None
    with canvas(1, len(shown), height=3.4) as (figure, axes):
        for panel, (roof, points) in zip(axes, shown, strict=True):
            intensities = [point.intensity for point in points] + [roof.ridge]
            rates = [point.flops_per_s / 1e9 for point in points] + [roof.peak.flops_per_s / 1e9]
            x = np.geomspace(min(intensities) / 2, max(intensities) * 2, 100)
            y = np.minimum(roof.peak.flops_per_s, x * roof.peak.bytes_per_s) / 1e9
            panel.plot(x, y, color=INK, linewidth=1.4, zorder=1)
            for point in points:
                colour = palette.colour(point.case.model)
                panel.plot(
                    point.intensity,
                    point.flops_per_s / 1e9,
                    marker=palette.marker(point.case.model),
                    color=colour,
                    markerfacecolor=PAPER if point.stage == "token" else colour,
                    markeredgewidth=1.2,
                    linestyle="",
                )
            log_axis(panel, "x", [float(x[0]), float(x[-1])])
            log_axis(panel, "y", [*rates, float(y[0])])
            panel.set_title(roof.place)
            panel.set_xlabel("intensity (FLOP a byte of weights)")
            panel.set_ylabel("achieved (GFLOP/s)")
        models = {point.case.model for _, points in shown for point in points}
        handles = palette.handles(models, line=False)
        handles.append(Line2D([], [], color=INK, label="measured roof"))
        if any(point.stage == "token" for _, points in shown for point in points):
            handles.append(
                Line2D(
                    [],
                    [],
                    color=FAINT,
                    marker="o",
                    markerfacecolor=PAPER,
                    linestyle="",
                    label="hollow: one decoder step",
                )
            )
        legend_below(figure, handles)
        return drawn(
            figure,
            "roofline",
            "Roofline: filled points are encoders, hollow ones decoder steps. The roof is what "
            "this machine reached in a matrix product and in a copy. Intensity counts the bytes "
            f"of weights alone, so the true one is lower.{palette.note}",
            "Achieved FLOP/s of encoders and decoder steps under the machine's roof.",
        )
