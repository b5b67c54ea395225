"""Comparisons side by side: the speed of every model, and the effect of every variant."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from report.content import Figure, Text
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
from report.speech import STOPPED_EARLY, clips_caption
from report.study import Case, Study, shape
from report.variants import VariantEffect

MOST_ROWS = 24


@by_width
def overview(study: Study, palette: Palette) -> Figure | Text:
    """RTFx of every configuration at the point that most of them share."""
    point = study.common_point(study.baseline)
    cases = [
        case
        for case in study.baseline
        if case.point == point and case.model in palette.models and case.row.rtfx
    ]
    if point is None or len(cases) < 2:
        return Text("No figure of speed: fewer than two configurations share a point of the grid.")
    cases = sorted(cases, key=lambda case: -(case.row.rtfx or 0))[:MOST_ROWS]
    several = len(study.places) > 1
    with canvas(height=0.9 + 0.27 * len(cases)) as (figure, (axes,)):
        for position, case in enumerate(cases):
            low, high = _rtfx_interval(case)
            colour = palette.colour(case.model)
            axes.hlines(position, low, high, color=colour, linewidth=5, alpha=0.35)
            axes.plot(
                case.row.rtfx or 0,
                position,
                marker=palette.marker(case.model),
                color=colour,
                markersize=7,
                markeredgecolor=PAPER,
            )
        log_axis(axes, "x", [end for case in cases for end in _rtfx_interval(case)])
        labels = [
            (STOPPED_EARLY if case.stopped_early else "")
            + (f"{case.model}, {case.place}" if several else case.model)
            for case in cases
        ]
        axes.set_yticks(range(len(cases)), labels)
        axes.set_ylim(len(cases) - 0.5, -0.5)
        axes.set_xlabel("RTFx (times real time)")
        axes.axvline(1, color=FAINT, linestyle="--", linewidth=1)
        return drawn(
            figure,
            "speed",
            f"Speed at {shape(*point)}, on a logarithmic axis; bands are 95 % intervals. 1 is as "
            f"fast as the audio itself.{_early(cases)}{clips_caption([case.row for case in cases])}"
            f"{palette.note}",
            f"RTFx of {len(cases)} configurations at {shape(*point)}.",
        )


@by_width
def variant_speed(effects: Sequence[VariantEffect], palette: Palette) -> Figure | Text:
    """Speed-up of every variant with its interval."""
    shown = [effect for effect in effects if effect.variant.model in palette.models]
    if not shown:
        return Text("No variant was measured beside its baseline.")
    where = ""
    if len(shown) > MOST_ROWS:
        point = max(
            Counter(effect.variant.point for effect in shown).items(), key=lambda n: n[::-1]
        )[0]
        shown = [effect for effect in shown if effect.variant.point == point]
        where = f" Only at {shape(*point)}; the table has more."
    shown = sorted(shown, key=lambda effect: effect.latency.ratio)[:MOST_ROWS]
    with canvas(height=1.1 + 0.25 * len(shown)) as (figure, (axes,)):
        ends = [1.0]
        for position, effect in enumerate(shown):
            colour = palette.colour(effect.variant.model)
            speed = 1 / effect.latency.ratio
            low, high = 1 / effect.latency.high, 1 / effect.latency.low
            if not math.isnan(low):
                axes.hlines(position, low, high, color=colour, linewidth=5, alpha=0.35)
                ends += [low, high]
            ends.append(speed)
            axes.plot(
                speed,
                position,
                marker=palette.marker(effect.variant.model),
                color=colour,
                markersize=6.5,
                markerfacecolor=colour if effect.latency.significant else PAPER,
                markeredgewidth=1.2,
            )
        axes.set_yticks(
            range(len(shown)),
            [f"{effect.title}, {shape(*effect.variant.point)}" for effect in shown],
        )
        axes.set_ylim(len(shown) - 0.5, -0.5)
        log_axis(axes, "x", ends)
        axes.axvline(1, color=INK, linewidth=1)
        axes.set_xlabel("speed-up over the baseline (times)")
        legend_below(figure, palette.handles({e.variant.model for e in shown}, line=False))
        return drawn(
            figure,
            "variants",
            "Speed-up of each variant, with the interval that allows for their number; hollow "
            f"where chance can explain it.{where}"
            f"{clips_caption([effect.variant.row for effect in shown])}{palette.note}",
            f"Speed-up of {len(shown)} optimised cases over their baseline.",
        )


def _early(cases: Sequence[Case]) -> str:
    if not any(case.stopped_early for case in cases):
        return ""
    return f" {STOPPED_EARLY} stopped early: its speed is of less work."


def _rtfx_interval(case: Case) -> tuple[float, float]:
    row = case.row
    rtfx, latency = row.rtfx or 0.0, row.latency_s or 0.0
    # A short latency is a high speed, so the ends change places.
    low = rtfx * latency / row.latency_high_s if row.latency_high_s else rtfx
    high = rtfx * latency / row.latency_low_s if row.latency_low_s else rtfx
    return low, high
