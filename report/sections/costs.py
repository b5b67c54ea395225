"""Where time goes, what errors cost, what work explains, what optimisations change."""

from __future__ import annotations

import math
from collections.abc import Callable

from report.alike import Point, front_of
from report.compare import NO_CLIP_DIFFERS, Difference, all_estimated
from report.content import Block, Column, Section, Table
from report.figures.bars import overview, variant_speed
from report.figures.breakdown import operators, stages
from report.figures.scatter import tradeoff, work
from report.figures.style import Palette
from report.sections.cells import (
    cell_notes,
    energy_cell,
    hour_cell,
    latency_cell,
    rtfx_cell,
    wer_cell,
    wer_notes,
)
from report.sections.effects import effects as shown_of_variants
from report.sections.roof import roof
from report.speech import OTHER_KIND, nouns_of, paired_over
from report.study import (
    Case,
    Study,
    comparable,
    front_candidates,
    group,
    of_one_rate,
    shape,
)
from report.text import MISSING, change, number, plural
from report.variants import (
    VariantEffect,
    reasons_without_interval,
    reasons_without_wer,
    variant_effects,
)
from stats.correlation import correlate

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
            label="energy (J per hour of audio)",
            less_is_better=True,
            name="wer-by-energy",
            title="energy",
        ),
    ]
    front = front_table(study)
    if front is not None:
        blocks.append(front)
    return Section("quality", "Errors against speed and energy", tuple(blocks))


def front_table(study: Study) -> Table | None:
    """What nothing else beats in both speed and errors, at one length and batch size."""
    cases = front_candidates(study)
    if len({case.configuration for case in cases}) < 2:
        return None
    front = front_of(cases, lambda case: case.row)
    rows = tuple(
        (
            case.configuration.title,
            shape(*case.point),
            rtfx_cell(case),
            wer_cell(case),
            energy_cell(case),
            hour_cell(case),
        )
        for case in front[:MOST_ROWS]
    )
    return Table(
        f"The Pareto front of speed and errors at {shape(*cases[0].point)}",
        (
            Column("model and device", text=True),
            Column("case", text=True),
            Column("RTFx"),
            Column("WER", "%"),
            Column("energy", "J a batch"),
            Column("energy", "J per audio hour"),
        ),
        rows,
        (
            *cell_notes(front[:MOST_ROWS]),
            *wer_notes(front[:MOST_ROWS]),
            *_kept_off(study, cases[0].point),
        ),
    )


def _kept_off(study: Study, point: Point) -> list[str]:
    """Why cases of this length and batch that have both figures are not on the front."""
    there = [case for case in study.ok if case.point == point and case.row.wer is not None]
    sound = comparable(there, with_stopped_early=study.with_stopped_early)
    alike = of_one_rate(sound)
    notes = []
    if len(sound) < len(there):
        notes.append(
            f"Left out: {plural(len(there) - len(sound), 'case')} that stopped early "
            "(--with-stopped-early keeps them in)."
        )
    if len(alike) < len(sound):
        notes.append(
            f"Left out: {plural(len(sound) - len(alike), 'case')} whose WER is {OTHER_KIND}."
        )
    return notes


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
            if name == "energy" and all_estimated(case.row for case in members):
                continue
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
    return f"{'! ' if effect.text_mismatch else ''}{row.same_text} of {row.compared_clips}"


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
        "their number."
    )
    judged = [effect.variant.row for effect in ordered if effect.wer is not None]
    paired = paired_over((effect.wer for effect in ordered), nouns_of(judged))
    if paired:
        notes.append(f"WER: {paired}.")
    if any(effect.interleaved for effect in ordered):
        notes.append(
            "The speed-up is of rounds in which the two were interleaved in one process, where "
            "there are such: that ratio holds on a busy machine, where two latencies do not."
        )
    unsure = reasons_without_interval(ordered)
    if unsure:
        notes.append(f"No interval: {'; '.join(unsure)}.")
    if any(row[6] == MISSING for row in rows):
        notes.append("No change of energy where one side has none or it was obtained otherwise.")
    if any(row[8] == MISSING for row in rows):
        reasons = "; ".join(reasons_without_wer(ordered))
        notes.append(f"No change of WER: {reasons}.")
    if any(effect.text_mismatch for effect in ordered):
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
