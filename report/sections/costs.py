"""Where time goes, what errors cost, what work explains, what optimisations change."""

from __future__ import annotations

import math
from collections.abc import Callable

from report.compare import NO_CLIP_DIFFERS, Difference
from report.content import MISSING, Block, Column, Section, Table
from report.correlation import correlate
from report.figures.bars import overview, variant_speed
from report.figures.breakdown import operators, stages
from report.figures.scatter import tradeoff, work
from report.figures.style import Palette
from report.pareto import pareto_front
from report.sections.effects import effects as shown_of_variants
from report.sections.roof import roof
from report.sections.tables import cell_notes, energy_cell, latency_cell
from report.study import Case, Study, front_candidates, group, shape
from report.text import change, number, percent, plural
from report.variants import VariantEffect, reasons_without_interval, variant_effects

MOST_ROWS = 30


def speed(study: Study, palette: Palette) -> Section:
    """How fast, and in which stages and operators."""
    return Section(
        "time",
        "Speed, and where the time goes",
        (overview(study, palette), stages(study), operators(study), *roof(study, palette)),
    )


def quality(study: Study, palette: Palette) -> Section:
    """Errors against speed and energy."""
    blocks: list[Block] = [
        tradeoff(
            study,
            palette,
            cost=lambda case: case.row.rtfx,
            label="RTFx (times real time)",
            less_is_better=False,
            name="wer-by-rtfx",
            title="speed",
        ),
        tradeoff(
            study,
            palette,
            cost=lambda case: case.row.joules_per_audio_hour,
            label="energy (J an audio hour)",
            less_is_better=True,
            name="wer-by-energy",
            title="energy",
        ),
    ]
    front = _front(study)
    if front is not None:
        blocks.append(front)
    return Section("quality", "Errors against speed and energy", tuple(blocks))


def _front(study: Study) -> Table | None:
    cases = front_candidates(study)
    if len({case.configuration for case in cases}) < 2:
        return None
    points = [(case.row.rtfx or 0.0, case.row.wer or 0.0) for case in cases]
    front = [cases[i] for i in pareto_front(points, minimise=(False, True))]
    rows = tuple(
        (
            case.configuration.title,
            shape(*case.point),
            number(case.row.rtfx),
            percent(case.row.wer),
            energy_cell(case),
            number(case.row.joules_per_audio_hour),
        )
        for case in front[:MOST_ROWS]
    )
    return Table(
        "The Pareto front of speed and errors",
        (
            Column("model and device", text=True),
            Column("case", text=True),
            Column("RTFx"),
            Column("WER", "%"),
            Column("energy", "J a batch"),
            Column("energy", "J an audio hour"),
        ),
        rows,
        cell_notes(front[:MOST_ROWS]),
    )


def explained(study: Study, palette: Palette) -> Section:
    """Whether FLOPs explain latency and energy."""
    blocks: list[Block] = [work(study, palette)]
    rows = []
    quantities: tuple[tuple[str, Callable[[Case], float | None]], ...] = (
        ("latency", lambda case: case.row.latency_s),
        ("energy", lambda case: case.row.energy_j),
    )
    for place, members in group(study.baseline, lambda case: case.place).items():
        for name, value in quantities:
            pairs = [
                (float(case.row.flops), found)
                for case in members
                if case.row.flops and (found := value(case) or 0) > 0
            ]
            result = correlate([x for x, _ in pairs], [y for _, y in pairs]) if pairs else None
            if result is None:
                continue
            ends = (
                f"[{result.low:.2f}, {result.high:.2f}]" if not math.isnan(result.low) else MISSING
            )
            rates = sorted(x / y for x, y in pairs)
            unit = 1e9
            rows.append(
                (
                    place,
                    name,
                    f"{result.pearson:.2f}",
                    ends,
                    f"{result.spearman:.2f}",
                    str(result.points),
                    f"{number(rates[0] / unit)} to {number(rates[-1] / unit)}",
                )
            )
    if rows:
        blocks.append(
            Table(
                "FLOPs and what they cost",
                (
                    Column("device", text=True),
                    Column("cost", text=True),
                    Column("correlation"),
                    Column("95 % interval"),
                    Column("of ranks"),
                    Column("cases"),
                    Column("GFLOP a second or joule"),
                ),
                tuple(rows),
                (
                    "Pearson's correlation of the logarithms, and Spearman's of the ranks. A high "
                    "correlation over a wide range of work still leaves the rate, in the last "
                    "column, to vary by its whole range.",
                    *(
                        ("No interval below four cases.",)
                        if any(row[3] == MISSING for row in rows)
                        else ()
                    ),
                ),
            )
        )
    return Section("work", "Work, time and energy", tuple(blocks))


def optimised(study: Study, palette: Palette) -> Section:
    """Variants beside their baseline."""
    effects = variant_effects(study)
    blocks: list[Block] = [variant_speed(effects, palette)]
    if effects:
        blocks.append(_effects(effects))
    shown = shown_of_variants(study)
    if shown is not None:
        blocks.append(shown)
    return Section("variants", "Optimisations", tuple(blocks))


def _saved(energy: Difference | None) -> str:
    if energy is None:
        return MISSING
    if energy.reason:
        return change(energy.ratio)
    return f"{change(energy.ratio)} [{change(energy.low)}, {change(energy.high)}]"


def _texts(effect: VariantEffect) -> str:
    row = effect.variant.row
    if row.same_text is None or row.compared_clips is None:
        return MISSING
    return f"{'! ' if effect.broken_promise else ''}{row.same_text} of {row.compared_clips}"


def _effects(effects: list[VariantEffect]) -> Table:
    ordered = sorted(effects, key=lambda effect: effect.latency.ratio)[:MOST_ROWS]
    rows = []
    for effect in ordered:
        difference = effect.latency
        speed_up = number(1 / difference.ratio)
        ends = (
            MISSING
            if difference.reason
            else f"[{number(1 / difference.high)}, {number(1 / difference.low)}]"
        )
        wer = effect.wer
        lost = MISSING if wer is None else f"{100 * wer.difference:+.1f}"
        if wer is not None and wer.reason == NO_CLIP_DIFFERS:
            lost = wer.reason
        elif wer is not None and not wer.reason:
            lost += f" [{100 * wer.low:+.1f}, {100 * wer.high:+.1f}]"
        rows.append(
            (
                effect.title,
                shape(*effect.variant.point),
                latency_cell(effect.baseline),
                latency_cell(effect.variant),
                speed_up,
                ends,
                _saved(effect.energy),
                change(effect.memory),
                lost,
                _texts(effect),
            )
        )
    notes = list(cell_notes([case for e in ordered for case in (e.baseline, e.variant)]))
    notes.append(
        "Baseline: the same case at fp32, or the variant named behind it. The intervals allow for "
        "their number; WER is compared over the same clips."
    )
    if any(effect.in_turns for effect in ordered):
        notes.append(
            "The speed-up is of rounds in which the two took turns in one process, where there "
            "are such: that ratio holds on a busy machine, where two latencies do not."
        )
    unsure = reasons_without_interval(ordered)
    if unsure:
        notes.append(f"No interval: {'; '.join(unsure)}.")
    if any(row[6] == MISSING for row in rows):
        notes.append("No change of energy where one side has none or it was learnt otherwise.")
    if any(row[8] == MISSING for row in rows):
        notes.append("No change of WER where one side was not scored on the same clips.")
    if any(effect.broken_promise for effect in ordered):
        notes.append(
            "! the variant promises the baseline's text, but for rounding, and has another in "
            "some clips."
        )
    if len(effects) > len(ordered):
        notes.append(f"{plural(len(effects) - len(ordered), 'more comparison')} in the store.")
    return Table(
        "Variants against their baseline",
        (
            Column("variant", text=True),
            Column("case", text=True),
            Column("baseline", "ms"),
            Column("variant", "ms"),
            Column("speed-up", "times"),
            Column("interval", "times"),
            Column("energy", "%"),
            Column("memory", "%"),
            Column("WER", "points"),
            Column("same text"),
        ),
        tuple(rows),
        tuple(notes),
    )
