"""Latency against throughput under load, one line for each way of sending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from report.content import Figure
from report.figures.style import (
    COLOURS,
    INK,
    MARKERS,
    PAPER,
    by_width,
    canvas,
    drawn,
    legend_below,
    log_axis,
    plain,
)
from report.load import Loaded
from report.load_curves import has_point
from report.text import plural
from store import LoadLevel

MOST_LINES = len(COLOURS)
_WIDE = 20.0
"""Ratio of the rates from which their axis is logarithmic."""


@by_width
def latency_by_rate(found: Sequence[Loaded]) -> Figure | None:
    """The curve: p95 with its interval, p50 below it, the SLO across, the knee ringed.

    Args:
        found: What was loaded; the first ten are drawn.

    Returns:
        None where no level has a p95.
    """
    shown = [one for one in found if any(map(has_point, one.levels))][:MOST_LINES]
    if not shown:
        return None
    drawn_levels = [level for one in shown for level in one.levels if has_point(level)]
    limits = sorted({1e3 * level.slo_p95_s for level in drawn_levels})
    with canvas(height=3.6) as (figure, (axes,)):
        for number, one in enumerate(shown):
            _line(axes, one, _style(number))
        rates = [level.requests_per_s or 0.0 for level in drawn_levels]
        for limit in limits:
            axes.axhline(limit, color=INK, linestyle=":", linewidth=1.2, zorder=1)
            axes.annotate(
                f"SLO {plain(round(limit))} ms",
                (0.005, limit),
                xycoords=("axes fraction", "data"),
                xytext=(0, 2),
                textcoords="offset points",
                va="bottom",
            )
        if max(rates) > _WIDE * min(rates):
            log_axis(axes, "x", rates)
        else:
            axes.set_xlim(0, 1.08 * max(rates))
        ends = [value for level in drawn_levels for value in _heights(level)]
        log_axis(axes, "y", [*ends, *limits])
        axes.set_xlabel("answers a second")
        axes.set_ylabel("latency of a request (ms)")
        handles = [
            Line2D([], [], label=one.title, **_style(number)) for number, one in enumerate(shown)
        ]
        grey: Any = {"color": INK, "linestyle": ""}
        handles += [
            Line2D([], [], color=INK, linestyle="--", linewidth=0.9, label="dashed: p50"),
            Line2D([], [], **grey, marker="o", markerfacecolor=PAPER, label="hollow: ended early"),
        ]
        if any(one.at_knee is not None for one in shown):
            ring: Any = {"marker": "o", "markersize": 11, "markerfacecolor": "none"}
            handles.append(Line2D([], [], **grey, **ring, label="ring: the knee"))
        legend_below(figure, handles, columns=2)
        left_out = len(found) - len(shown)
        more = f" {left_out} more are in the store." if left_out else ""
        return drawn(
            figure,
            "latency-by-rate",
            "Latency of a request under load against the rate of right answers; a line joins the "
            "levels of one way of sending. Solid: p95 with its 95 % interval. A curve that turns "
            f"upwards has no more to give.{more}",
            "Median and 95th percentile of latency against requests a second, "
            f"{plural(len(shown), 'line')}.",
        )


def _heights(level: LoadLevel) -> list[float]:
    known = (
        *(level.latency_p50_s, level.latency_p95_s),
        *(level.latency_p95_low_s, level.latency_p95_high_s),
    )
    return [1e3 * value for value in known if value]


def _line(axes: Axes, one: Loaded, style: dict[str, Any]) -> None:
    levels = [level for level in one.levels if has_point(level)]
    x = [level.requests_per_s or 0.0 for level in levels]
    high = [1e3 * (level.latency_p95_s or 0.0) for level in levels]
    axes.plot(x, high, color=style["color"], zorder=2)
    half = [
        (rate, 1e3 * level.latency_p50_s)
        for rate, level in zip(x, levels, strict=True)
        if level.latency_p50_s
    ]
    dashed: Any = {"color": style["color"], "linestyle": "--", "linewidth": 0.9, "zorder": 2}
    axes.plot([rate for rate, _ in half], [value for _, value in half], **dashed)
    for rate, value, level in zip(x, high, levels, strict=True):
        if level.latency_p95_low_s and level.latency_p95_high_s:
            ends = (1e3 * level.latency_p95_low_s, 1e3 * level.latency_p95_high_s)
            axes.vlines(rate, *ends, color=style["color"], linewidth=0.9)
        filling = style["color"] if level.held else PAPER
        axes.plot(rate, value, **style | {"markerfacecolor": filling}, zorder=3)
        if level is one.at_knee:
            ring: Any = {"markersize": 11, "markerfacecolor": "none", "linestyle": ""}
            axes.plot(rate, value, marker="o", markeredgecolor=INK, **ring, zorder=4)


def _style(number: int) -> dict[str, Any]:
    return {"color": COLOURS[number], "marker": MARKERS[number]}
