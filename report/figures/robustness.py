"""Error rates against the ratio of speech to noise, one line a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from report.content import Figure
from report.figures.style import COLOURS, MARKERS, by_width, canvas, drawn, legend_below
from report.robustness import Heard, rate
from store import NoiseLevel

MOST_LINES = len(COLOURS)
_APART = 0.06
"""Between the points of two lines at one ratio, so that their bars do not hide each other."""


@by_width
def rate_by_noise(heard: Sequence[Heard]) -> Figure | None:
    """One panel a kind of noise: from clean speech to the loudest noise.

    Args:
        heard: Cases whose rates compare.

    Returns:
        None where no case has a rate in noise.
    """
    shown = heard[:MOST_LINES]
    noises = sorted(
        {
            level.noise
            for one in shown
            for level in one.levels
            if level.condition == "noise" and level.noise and rate(level)[0] is not None
        },
        reverse=True,
    )
    if not noises:
        return None
    headline = next((one.same.headline for one in shown if one.same), None) or "WER"
    with canvas(1, len(noises), height=3.1, share_y=True) as (figure, axes):
        for panel, noise in zip(axes, noises, strict=True):
            _draw(panel, shown, noise)
            panel.set_title(f"{noise} noise")
            panel.set_xlabel("speech over noise (dB)")
        axes[0].set_ylabel(f"{headline} (%)")
        # The axis is shared: its end would stay that of the first panel.
        axes[0].set_ylim(bottom=0)
        legend_below(figure, [Line2D([], [], **_style(n, one)) for n, one in enumerate(shown)])
        left_out = len(heard) - len(shown)
        more = f" {left_out} more are in the store." if left_out else ""
        return drawn(
            figure,
            "error-rate-by-noise",
            f"{headline} of the same utterances as they are and with seeded noise, at ratios of "
            "the power of the active speech to that of the noise. Bars are 95 % intervals, each of "
            "one point: all points of a line are of the same utterances, so that they move "
            f"together.{more}",
            f"Lines of {headline} against the ratio of speech to noise, {len(shown)} in all.",
        )


def _draw(panel: Axes, shown: Sequence[Heard], noise: str) -> None:
    steps = sorted(
        {level.snr_db for one in shown for level in one.speech(noise) if level.snr_db is not None},
        reverse=True,
    )
    for number, one in enumerate(shown):
        places, values, below, above = [], [], [], []
        for level in one.speech(noise):
            value, low, high = rate(level)
            if value is None:
                continue
            shift = _APART * (number - (len(shown) - 1) / 2)
            places.append(_place(level, steps) + shift)
            values.append(100 * value)
            below.append(0.0 if low is None else 100 * max(0.0, value - low))
            above.append(0.0 if high is None else 100 * max(0.0, high - value))
        style = _style(number, one)
        panel.errorbar(places, values, yerr=(below, above), capsize=2, elinewidth=0.9, **style)
    panel.set_xticks(range(len(steps) + 1), ["clean", *(f"{step:g}" for step in steps)])


def _place(level: NoiseLevel, steps: Sequence[float]) -> int:
    return 0 if level.snr_db is None else 1 + list(steps).index(level.snr_db)


def _style(number: int, one: Heard) -> dict[str, Any]:
    return {
        "color": COLOURS[number],
        "marker": MARKERS[number % len(MARKERS)],
        "label": one.case.configuration.title,
    }
