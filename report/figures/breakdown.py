"""Where the time goes: stages of the region, and operators by category."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.patches import Patch

from report.content import Figure, Text
from report.figures.style import COLOURS, HATCHES, PAPER, by_width, canvas, drawn, legend_below
from report.speech import clips_caption
from report.study import Case, Study, group, shape
from store import Operator, Stage

STAGES = ("features", "transfer", "encode", "detect", "prefill", "decode", "text")
CATEGORIES = (
    "matmul",
    "attention",
    "convolution",
    "normalisation",
    "elementwise",
    "memory",
    "other",
)
MOST_BARS = 16


def stages(study: Study) -> Figure | Text:
    """Share of each stage, one bar a model and device."""
    cases = _one_a_model(study, study.children(Stage, study.baseline).keys())
    found = study.children(Stage, cases)
    bars = [
        (
            case,
            {
                stage.stage: stage.median_s
                for stage in found[case.row.result_id]
                if stage.stage in STAGES
            },
        )
        for case in cases
    ]
    if not bars:
        return Text("No figure of stages: they were not measured.")
    return _stacked(
        bars,
        STAGES,
        name="stages",
        caption="Share of each stage of the timed region, from a pass of its own. Beside each "
        "bar: the sum of its stages.",
        alt="Stacked bars: the share of every stage, for each model.",
        totals=True,
    )


def operators(study: Study) -> Figure | Text:
    """Share of self time by category of operator, one bar a model and device."""
    cases = _one_a_model(study, study.children(Operator, study.baseline).keys())
    found = study.children(Operator, cases)
    bars = []
    for case in cases:
        rows = found[case.row.result_id]
        device = "cuda" if any(row.device == "cuda" for row in rows) else "cpu"
        shares: dict[str, float] = {}
        for row in rows:
            if row.device == device:
                category = row.category if row.category in CATEGORIES else "other"
                shares[category] = shares.get(category, 0.0) + row.self_s
        if sum(shares.values()) > 0:
            bars.append((case, shares))
    if not bars:
        return Text("No figure of operators: no profile was made.")
    return _stacked(
        bars,
        CATEGORIES,
        name="operators",
        caption="Share of operator self time by category, from one profiled batch with a short "
        "decoder.",
        alt="Stacked bars: the share of every category of operators, for each model.",
        totals=False,
    )


def _one_a_model(study: Study, with_children: Iterable[int]) -> list[Case]:
    """One case for each model and device: the one that most others can be compared with."""
    have = set(with_children)
    usable = [case for case in study.baseline if case.row.result_id in have]
    common = study.common_point(usable)
    chosen = []
    for members in group(usable, lambda case: case.configuration).values():
        at_common = [case for case in members if case.point == common]
        chosen.append((at_common or members)[0])
    # In the order of the figure of speed above it.
    return sorted(chosen, key=lambda case: -(case.row.rtfx or 0))[:MOST_BARS]


@by_width
def _stacked(
    bars: Sequence[tuple[Case, Mapping[str, float]]],
    kinds: Sequence[str],
    *,
    name: str,
    caption: str,
    alt: str,
    totals: bool,
) -> Figure:
    points = {case.point for case, _ in bars}
    places = {case.place for case, _ in bars}
    with canvas(height=1.25 + 0.3 * len(bars)) as (figure, (axes,)):
        used: list[str] = []
        for position, (_, seconds) in enumerate(bars):
            total, left = sum(seconds.values()), 0.0
            for number, kind in enumerate(kinds):
                share = 100 * seconds.get(kind, 0.0) / total
                if share <= 0:
                    continue
                if kind not in used:
                    used.append(kind)
                axes.barh(
                    position,
                    share,
                    left=left,
                    height=0.68,
                    color=COLOURS[number],
                    hatch=HATCHES[number],
                    edgecolor=PAPER,
                    linewidth=0.6,
                )
                left += share
            if totals:
                axes.text(101, position, f"{_milliseconds(total)}", va="center", fontsize=8)
        labels = []
        for case, _ in bars:
            parts = [case.model]
            if len(places) > 1:
                parts.append(case.place)
            if len(points) > 1:
                parts.append(shape(*case.point))
            labels.append(", ".join(parts))
        axes.set_yticks(range(len(bars)), labels)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("share of time (%)")
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        legend_below(
            figure,
            [
                Patch(
                    facecolor=COLOURS[number],
                    hatch=HATCHES[number],
                    edgecolor=PAPER,
                    label=kind,
                )
                for number, kind in enumerate(kinds)
                if kind in used
            ],
            columns=7,
        )
        where = f" All at {shape(*next(iter(points)))}." if len(points) == 1 else ""
        clips = clips_caption([case.row for case, _ in bars])
        return drawn(figure, name, caption + where + clips, alt)


def _milliseconds(seconds: float) -> str:
    value = 1e3 * seconds
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"
