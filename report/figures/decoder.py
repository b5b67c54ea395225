"""The decoder's profile: milliseconds for each token, and how they grow with its position."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from report.content import Figure
from report.decoder import Profile
from report.figures.style import COLOURS, INK, by_width, canvas, drawn, legend_below, log_axis
from report.speech import clips_caption
from report.study import shape
from report.text import plural

MOST_MODELS = 3
WINDOW = 5
"""Steps of the running median of the lower row: single steps of a busy machine scatter."""
DASHES = ("-", "--", ":", "-.")


@by_width
def decoder_steps(models: Sequence[tuple[str, Sequence[Profile]]]) -> Figure | None:
    """One column a model: above the time of each token, below its growth.

    Args:
        models: A title and the profiles of one model on one device.

    Returns:
        None where no profile has a token after the prefill.
    """
    shown = [
        (title, drawable)
        for title, profiles in models
        if (drawable := [profile for profile in profiles if len(profile.tokens) > 1])
    ][:MOST_MODELS]
    if not shown:
        return None
    labels = list(dict.fromkeys(_label(p, members) for _, members in shown for p in members))
    styles: dict[str, Any] = {
        label: {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": DASHES[place % len(DASHES)],
        }
        for place, label in enumerate(labels)
    }
    with canvas(2, len(shown), height=4.6) as (figure, axes):
        for column, (title, profiles) in enumerate(shown):
            upper, lower = axes[column], axes[len(shown) + column]
            for profile in profiles:
                style = styles[_label(profile, profiles)]
                positions = [step.position for step in profile.tokens]
                upper.fill_between(
                    positions,
                    [1e3 * step.low_s for step in profile.tokens],
                    [1e3 * step.high_s for step in profile.tokens],
                    color=style["color"],
                    alpha=0.2,
                    linewidth=0,
                )
                medians = [1e3 * step.median_s for step in profile.tokens]
                upper.plot(positions, medians, **style)
                lower.plot(positions, _growth(profile), **style)
            log_axis(
                upper,
                "y",
                [1e3 * s for p in profiles for t in p.tokens for s in (t.low_s, t.high_s)],
            )
            upper.set_title(title)
            lower.axhline(1, color=INK, linewidth=0.8)
            _room(lower, profiles)
            lower.set_xlabel("position of the token")
        axes[0].set_ylabel("time of a token (ms)")
        axes[len(shown)].set_ylabel("against the first tokens (times)")
        legend_below(
            figure,
            [Line2D([], [], label=label, **style) for label, style in styles.items()],
        )
        points = {profile.case.point for _, profiles in shown for profile in profiles}
        where = f", at {shape(*next(iter(points)))}" if len(points) == 1 else ""
        return drawn(
            figure,
            "decoder-steps",
            f"Time of each token against its position{where}, without the prefill. Above: median, "
            "fastest and slowest of the iterations, on a logarithmic axis. Below: a running median "
            f"of {WINDOW} tokens, relative to the first ones; with a cache it should stay near 1."
            f"{clips_caption([p.case.row for _, profiles in shown for p in profiles])}",
            "Lines of milliseconds a token against its position, and of their growth, for "
            f"{plural(len(shown), 'model')}.",
        )


def _label(profile: Profile, among: Sequence[Profile]) -> str:
    """The variant, with the batch where it was looked at with a smaller one too."""
    row = profile.case.row
    smallest = min(
        other.case.row.batch_size for other in among if other.case.row.variant == row.variant
    )
    return f"{row.variant}, batch {row.batch_size}" if row.batch_size > smallest else row.variant


def _growth(profile: Profile) -> list[float]:
    """Each token's time by that of the first ones, smoothed."""
    seconds = [step.median_s for step in profile.tokens]
    half = WINDOW // 2
    first = profile.early_s or median(seconds[:WINDOW])
    return [
        median(seconds[max(0, place - half) : place + half + 1]) / first
        for place in range(len(seconds))
    ]


def _room(axes: Axes, profiles: Sequence[Profile]) -> None:
    """Sets the axis from 0.5 to 1.5 at least, so that noise does not look like growth."""
    values = [value for profile in profiles for value in _growth(profile)]
    axes.set_ylim(min(0.5, 0.9 * min(values)), max(1.5, 1.1 * max(values)))
