"""Memory of a batch by what it is for, against batch size and audio length."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from report.content import Figure
from report.figures.style import INK, PAPER, by_width, canvas, drawn, legend_below
from report.memory import PARTS, Split
from report.study import Case

MOST_BARS = 10
"""In a panel; more would be too thin to read."""

_COLOURS = ("#3b5b92", "#d98e3a", "#5a9a68")
_HATCHES = ("", "///", "...")


@by_width
def memory_parts(
    name: str,
    title: str,
    splits: Sequence[Split],
    along: Callable[[Case], float],
    label: str,
) -> Figure:
    """A stacked bar for each case, a panel for each model.

    Args:
        name: Of the figure.
        title: What stays fixed, in words.
        splits: Cases of one model next to each other, at most three models.
        along: What the bars stand at.
        label: Of that axis.
    """
    panels: dict[str, list[Split]] = {}
    for split in splits:
        panels.setdefault(f"{split.case.model}, {split.case.place}", []).append(split)
    with canvas(1, len(panels), height=3.1) as (figure, axes):
        for panel, (heading, members) in zip(axes, panels.items(), strict=True):
            ordered = sorted(members, key=lambda split: along(split.case))[:MOST_BARS]
            _stack(panel, [split.parts for split in ordered])
            ticks = [f"{along(split.case):g}" for split in ordered]
            panel.set_xticks(range(len(ordered)), ticks)
            panel.set_title(heading)
            panel.set_xlabel(label)
            panel.set_ylabel("memory (MB)")
        handles = [
            Patch(facecolor=colour, hatch=hatch, edgecolor=PAPER, label=part)
            for part, colour, hatch in zip(PARTS, _COLOURS, _HATCHES, strict=True)
        ]
        legend_below(figure, handles)
        return drawn(
            figure,
            name,
            f"What a batch needs beyond the process itself, {title}: weights and cache by their "
            "tensors, activations as what is left of the peak of a pass.",
            f"Stacked bars of weights, activations and cache along {label}.",
        )


def _stack(panel: Axes, parts: Sequence[Mapping[str, float]]) -> None:
    bottoms = [0.0] * len(parts)
    for part, colour, hatch in zip(PARTS, _COLOURS, _HATCHES, strict=True):
        heights = [found[part] / 1e6 for found in parts]
        panel.bar(
            range(len(parts)),
            heights,
            bottom=bottoms,
            color=colour,
            hatch=hatch,
            edgecolor=PAPER,
            width=0.7,
        )
        bottoms = [low + high for low, high in zip(bottoms, heights, strict=True)]
    for position, total in enumerate(bottoms):
        panel.annotate(
            f"{total:,.0f}",
            (position, total),
            textcoords="offset points",
            xytext=(0, 2),
            ha="center",
            fontsize=7,
            color=INK,
        )
    panel.set_ylim(0, 1.12 * max(bottoms))
