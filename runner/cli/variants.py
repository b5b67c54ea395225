"""Variants against their baseline, as the commands print them: speed-up and words lost."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from runner.cli.plain import cell
from store import Store
from store.metrics import SCALARS

if TYPE_CHECKING:
    from report.compare import Difference, WerDifference
    from report.variants import VariantEffect

_UNJUDGED = "-"
_HEADERS = tuple(
    Text(words, "dim")
    for words in (
        "against baseline",
        "size",
        "speed-up [interval]",
        "WER %",
        "points [interval]",
    )
)
_GAP = 2
_NARROWEST = 12
_SHORT_FIGURES = {
    name: SCALARS[name]
    for name in (
        *("acceptance", "first_text_s", "real_time_factor"),
        *("quality_batch_differing", "quality_batch_wer"),
    )
}


def print_effects(
    console: Console, store: Store, *, job_id: int | None = None, where: str | None = None
) -> None:
    """Prints every variant with a baseline; nothing where there is none.

    Args:
        console: Where to.
        store: Opened read-only if there is a condition.
        job_id: Only results of this job.
        where: Only results for which this SQL condition on the leaderboard holds.
    """
    # Not at the top: a run need not wait for the analyses before it begins.
    from report.one_speech import what_is_left_out
    from report.study import Study

    study = Study.read(store, where=where, job_id=job_id)
    if not study.has_variants:
        return
    from report.variants import variant_effects

    effects = variant_effects(study, energy=False)
    if not effects:
        return
    console.print()
    console.print(effects_table(effects, console.width))
    others = what_is_left_out(study.other_data)
    for note in (*_notes(effects), *([others] if others else [])):
        console.print(cell(note, "dim"))


def effects_table(effects: list[VariantEffect], columns: int) -> RenderableType:
    """One row a variant and case: size, speed-up and difference of WER with their intervals.

    What a comparison is of stands once, above its variants, and as long as the line: names are
    long, and a cell would fold them. Figures that only some variants have stand below theirs.

    Args:
        effects: What to show.
        columns: Of the terminal.
    """
    groups: dict[str, list[tuple[tuple[Text, ...], Text | None]]] = {}
    for effect in effects:
        groups.setdefault(_heading(effect), []).append(
            (
                (
                    cell(f"  {effect.variant.row.variant}"),
                    cell(_UNJUDGED if effect.size is None else f"{effect.size:.2f}"),
                    cell(speed_up(effect.latency), _style(effect.latency)),
                    cell(_UNJUDGED if effect.wer is None else _rates(effect.wer)),
                    cell(points(effect.wer), "red" if _worse(effect.wer) else ""),
                ),
                _aside(effect),
            )
        )
    every = [_HEADERS, *(row for rows in groups.values() for row, _ in rows)]
    widths = [max(row[column].cell_len for row in every) for column in range(len(_HEADERS))]
    # Only the first column may fold, where the terminal is too narrow for all of it.
    widths[0] = max(_NARROWEST, min(widths[0], columns - sum(widths[1:]) - _GAP * len(widths)))
    parts: list[RenderableType] = [_lines(widths, [_HEADERS])]
    for heading, rows in groups.items():
        parts.append(cell(heading, "bold"))
        for row, aside in rows:
            parts.append(_lines(widths, [row]))
            if aside is not None:
                parts.append(aside)
    return Group(*parts)


def _heading(effect: VariantEffect) -> str:
    from report.study import BASELINE, shape

    case, baseline = effect.variant, effect.baseline.row.variant
    against = "" if baseline == BASELINE else f", against {baseline}"
    return f"{case.model} on {case.place}, {shape(*case.point)}{against}"


def _aside(effect: VariantEffect) -> Text | None:
    """What only this variant has to say, or None."""
    from report.sections.effects import own_figures

    texts = effect.texts
    if texts is not None and effect.text_mismatch:
        texts += ", but promised of all"
    words = "; ".join(
        filter(None, (texts, own_figures(effect.figures, _SHORT_FIGURES, notes=False)))
    )
    return cell(f"    {words}", "yellow" if effect.text_mismatch else "dim") if words else None


def _lines(widths: list[int], rows: Iterable[tuple[Text, ...]]) -> Table:
    """Rows that stand under those of other groups."""
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    for number, width in enumerate(widths):
        grid.add_column(width=width, justify="right" if number else "left", overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return grid


def speed_up(latency: Difference) -> str:
    """``x1.42 [1.40, 1.45]``: how many times as fast the variant is."""
    text = f"x{1 / latency.ratio:.2f}"
    if math.isnan(latency.low):
        return text
    return f"{text} [{1 / latency.high:.2f}, {1 / latency.low:.2f}]"


def points(wer: WerDifference | None) -> str:
    """``+0.6 [-0.2, +1.4]``: wrong words more in a hundred."""
    from report.compare import NO_CLIP_DIFFERS

    if wer is None:
        return _UNJUDGED
    if wer.reason == NO_CLIP_DIFFERS:
        return NO_CLIP_DIFFERS
    text = f"{100 * wer.difference:+.2f}"
    if math.isnan(wer.low):
        return text
    return f"{text} [{100 * wer.low:+.2f}, {100 * wer.high:+.2f}]"


def _rates(wer: WerDifference) -> str:
    return f"{100 * wer.a:.1f} → {100 * wer.b:.1f}"


def _style(latency: Difference) -> str:
    if not latency.significant:
        return "dim"
    return "green" if latency.ratio < 1 else "red"


def _worse(wer: WerDifference | None) -> bool:
    return wer is not None and wer.significant and wer.difference > 0


def _notes(effects: list[VariantEffect]) -> list[str]:
    from report.speech import nouns_of, paired_over
    from report.variants import (
        count_intervals,
        reasons_without_interval,
        reasons_without_wer,
    )

    apart = sum(not effect.interleaved for effect in effects)
    intervals = count_intervals(effects)
    notes = []
    if intervals:
        notes.append(
            f"{intervals} intervals, which allow for their number: all together are 95 % sure"
            if intervals > 1
            else "95 % interval"
        )
    if any(effect.text_mismatch for effect in effects):
        notes.append("promised: the method gives the baseline's text, but for rounding")
    if any(effect.size is not None for effect in effects):
        notes.append("size: bytes of the weights, by the baseline's")
    if apart < len(effects):
        notes.append("speed-up: the two were interleaved in one process")
    if apart:
        notes.append(
            f"speed-up of {apart}: of two runs, one after the other"
            if apart < len(effects)
            else "speed-up: of two runs, one after the other"
        )
    notes += [f"no interval: {reason}" for reason in reasons_without_interval(effects)]
    judged = [effect.variant.row for effect in effects if effect.wer is not None]
    paired = paired_over((effect.wer for effect in effects), nouns_of(judged))
    if paired:
        notes.append(f"WER: {paired}")
    if len(judged) < len(effects):
        notes.append(f"WER -: {'; '.join(reasons_without_wer(effects))}")
    return notes
