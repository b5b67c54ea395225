"""How latency, speed, energy and memory move with audio length and batch size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from report.content import Figure, Text
from report.figures.style import (
    Palette,
    by_width,
    canvas,
    drawn,
    grid_axis,
    legend_below,
    log_axis,
)
from report.speech import clips_caption
from report.study import Case, Study, group
from report.variants import peak_memory

MOST_PLACES = 3


@dataclass(frozen=True)
class Axis:
    """What a line is drawn along, and what it is drawn at."""

    name: str
    label: str
    along: Callable[[Case], float]
    fixed: Callable[[Case], float]
    fixed_text: Callable[[float], str]


LENGTH = Axis(
    "length",
    "audio length (s)",
    lambda case: case.row.audio_seconds,
    lambda case: case.row.batch_size,
    lambda value: f"batch {value:g}",
)
BATCH = Axis(
    "batch",
    "batch size (clips)",
    lambda case: case.row.batch_size,
    lambda case: case.row.audio_seconds,
    lambda value: f"{value:g} s",
)


@dataclass(frozen=True)
class Quantity:
    """What is drawn upwards."""

    name: str
    title: str
    label: str
    value: Callable[[Case], float | None]
    low: Callable[[Case], float | None] = lambda case: None
    high: Callable[[Case], float | None] = lambda case: None


LATENCY = Quantity(
    "latency",
    "Latency",
    "latency of a batch (ms)",
    lambda case: _times(case.row.latency_s, 1e3),
    lambda case: _times(case.row.latency_low_s, 1e3),
    lambda case: _times(case.row.latency_high_s, 1e3),
)
SPEED = Quantity("rtfx", "Speed", "RTFx (times real time)", lambda case: case.row.rtfx)
ENERGY = Quantity(
    "energy", "Energy", "energy (J per hour of audio)", lambda case: case.row.joules_per_audio_hour
)
MEMORY = Quantity(
    "memory", "Peak memory", "peak memory (MB)", lambda case: _times(peak_memory(case), 1e-6)
)


@by_width
def lines(study: Study, palette: Palette, quantity: Quantity, axis: Axis) -> Figure | None:
    """One line a model along an axis of the grid, one panel a device.

    Args:
        study: The results.
        palette: The look of each model; others are left out.
        quantity: What the height of a point shows.
        axis: The axis of the grid that a line follows.

    Returns:
        None where no model has two points of that axis with the other held fixed.
    """
    usable = [
        case
        for case in study.baseline
        if case.model in palette.models and (quantity.value(case) or 0) > 0
    ]
    panels = []
    for place in study.places[:MOST_PLACES]:
        here = [case for case in usable if case.place == place]
        fixed = _fixed(here, axis)
        if fixed is not None:
            panels.append((place, fixed, [case for case in here if axis.fixed(case) == fixed]))
    if not panels:
        return None
    with canvas(1, len(panels), height=3.1) as (figure, axes):
        for panel, (place, fixed, cases) in zip(axes, panels, strict=True):
            _draw(panel, palette, quantity, axis, cases)
            panel.set_title(f"{place}, {axis.fixed_text(fixed)}")
            panel.set_xlabel(axis.label)
            panel.set_ylabel(quantity.label)
        shown = {case.model for _, _, cases in panels for case in cases}
        legend_below(figure, palette.handles(shown))
        bars = " Bars are 95 % intervals." if quantity is LATENCY else ""
        return drawn(
            figure,
            f"{quantity.name}-by-{axis.name}",
            f"{quantity.title} along {axis.label}, {_held(panels, axis)}. Both axes are "
            f"logarithmic: a straight line is a power law.{bars}"
            f"{clips_caption([case.row for _, _, cases in panels for case in cases])}"
            f"{palette.note}",
            f"Lines of {quantity.label} along {axis.label}, one for each of {len(shown)} models.",
        )


@by_width
def memory_by_work(study: Study, palette: Palette) -> Figure | Text:
    """Peak memory against the audio in a batch, every case a point."""
    usable = [
        case
        for case in study.baseline
        if case.model in palette.models and (peak_memory(case) or 0) > 0
    ]
    places = [place for place in study.places if any(case.place == place for case in usable)]
    if len(usable) < 2:
        return Text("No figure of memory: it needs two cases that measured it.")
    places = places[:MOST_PLACES]
    with canvas(1, len(places), height=3.1) as (figure, axes):
        for panel, place in zip(axes, places, strict=True):
            cases = [case for case in usable if case.place == place]
            work = [_work(case) for case in cases]
            for model, ordered in joined(cases):
                panel.plot(
                    [_work(case) for case in ordered],
                    [(peak_memory(case) or 0) / 1e6 for case in ordered],
                    color=palette.colour(model),
                    marker=palette.marker(model),
                    linestyle="-" if len(ordered) > 1 else "",
                    linewidth=1.0,
                )
            log_axis(panel, "x", work)
            log_axis(panel, "y", [(peak_memory(case) or 0) / 1e6 for case in cases])
            panel.set_title(place)
            panel.set_xlabel("audio in a batch (s): length × batch")
            gpu = any(case.row.gpu_reserved_bytes for case in cases)
            panel.set_ylabel("GPU memory reserved (MB)" if gpu else "resident memory (MB)")
        shown = {case.model for case in usable if case.place in places}
        legend_below(figure, palette.handles(shown))
        return drawn(
            figure,
            "memory-by-work",
            "Peak memory against the audio in a batch; a line joins the batch sizes of one length "
            "of clips. On a CPU it is the resident set of the "
            "process, interpreter and libraries included; on a GPU what the framework "
            f"reserved.{palette.note}",
            "Peak memory of each model against the seconds of audio in a batch.",
        )


def joined(cases: Sequence[Case]) -> list[tuple[str, list[Case]]]:
    """What one line joins against the work of a batch: a model's batch sizes at one length.

    Points of equal work may differ in both, and a line through all of them would zigzag.

    Args:
        cases: Those of one device.
    """
    lines_of = group(cases, lambda case: (case.model, case.row.audio_seconds))
    return [(model, sorted(members, key=_work)) for (model, _), members in lines_of.items()]


def _draw(
    panel: Axes, palette: Palette, quantity: Quantity, axis: Axis, cases: Sequence[Case]
) -> None:
    values: list[float] = []
    for model, members in group(cases, lambda case: case.model).items():
        ordered = sorted(members, key=axis.along)
        x = [axis.along(case) for case in ordered]
        y = [quantity.value(case) or 0.0 for case in ordered]
        values += y
        style: Any = {"color": palette.colour(model), "marker": palette.marker(model)}
        bars = [(quantity.low(case), quantity.high(case)) for case in ordered]
        if any(low is not None and high is not None for low, high in bars):
            below = [
                max(0.0, v - (v if low is None else low))
                for v, (low, _) in zip(y, bars, strict=True)
            ]
            above = [
                max(0.0, (v if high is None else high) - v)
                for v, (_, high) in zip(y, bars, strict=True)
            ]
            panel.errorbar(x, y, yerr=(below, above), capsize=2, elinewidth=0.9, **style)
        else:
            panel.plot(x, y, **style)
    grid_axis(panel, [axis.along(case) for case in cases])
    log_axis(panel, "y", values)


def _fixed(cases: Sequence[Case], axis: Axis) -> float | None:
    """The value of the other axis at which most points lie along this one.

    Lengths are drawn at the smallest batch and batches at the longest clips that most models have.
    """
    counts: Counter[float] = Counter()
    for (fixed, _), members in group(
        cases, lambda case: (axis.fixed(case), case.configuration)
    ).items():
        along = {axis.along(case) for case in members}
        if len(along) > 1:
            counts[fixed] += len(along)
    # A single case that ran out of memory must not move all lines to shorter clips.
    nearly = [fixed for fixed, count in counts.items() if count >= 0.9 * max(counts.values())]
    return (min if axis is LENGTH else max)(nearly, default=None)


def _held(panels: Sequence[tuple[str, float, list[Case]]], axis: Axis) -> str:
    texts = dict.fromkeys(axis.fixed_text(fixed) for _, fixed, _ in panels)
    return f"at {' and '.join(texts)}"


def _work(case: Case) -> float:
    return case.row.audio_seconds * case.row.batch_size


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
