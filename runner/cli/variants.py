"""Variants against their baseline, as the commands print them: speed-up and words lost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from runner.cli.plain import cell
from store import Store

if TYPE_CHECKING:
    from report.compare import Difference, WerDifference
    from report.variants import VariantEffect

_UNJUDGED = "-"


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
    from report.study import Study
    from report.variants import variant_effects

    effects = variant_effects(Study.read(store, where=where, job_id=job_id))
    if not effects:
        return
    console.print()
    console.print(effects_table(effects))
    for note in _notes(effects):
        console.print(cell(note, "dim"))


def effects_table(effects: list[VariantEffect]) -> Table:
    """One row a variant and case: speed-up and difference of WER, each with its interval.

    What a comparison is of stands once, above its variants: on 80 columns names are long.
    """
    from report.study import BASELINE, shape

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("variant, against its baseline", overflow="fold", min_width=16)
    table.add_column("speed-up\ninterval", justify="right", no_wrap=True)
    table.add_column("WER %", justify="right", no_wrap=True)
    table.add_column("WER points\ninterval", justify="right", no_wrap=True)
    above = ""
    for effect in effects:
        case = effect.variant
        heading = f"{case.model} on {case.place}, {shape(*case.point)}"
        if effect.baseline.row.variant != BASELINE:
            heading += f", against {effect.baseline.row.variant}"
        if heading != above:
            table.add_row(cell(heading, "bold"))
            above = heading
        table.add_row(
            cell(f"  {case.row.variant}"),
            cell(speed_up(effect.latency), _style(effect.latency)),
            _UNJUDGED if effect.wer is None else f"{_rate(effect.wer.a)} > {_rate(effect.wer.b)}",
            cell(points(effect.wer), "red" if _worse(effect.wer) else ""),
        )
    return table


def speed_up(latency: Difference) -> str:
    """``x1.42 [1.40, 1.45]``: how many times as fast the variant is."""
    text = f"x{1 / latency.ratio:.2f}"
    if math.isnan(latency.low):
        return text
    return f"{text} [{1 / latency.high:.2f}, {1 / latency.low:.2f}]"


def points(wer: WerDifference | None) -> str:
    """``+0.6 [-0.2, +1.4]``: wrong words more in a hundred."""
    if wer is None:
        return _UNJUDGED
    text = f"{100 * wer.difference:+.2f}"
    if math.isnan(wer.low):
        return text
    return f"{text} [{100 * wer.low:+.2f}, {100 * wer.high:+.2f}]"


def _rate(wer: float) -> str:
    return f"{100 * wer:.1f}"


def _style(latency: Difference) -> str:
    if not latency.significant:
        return "dim"
    return "green" if latency.ratio < 1 else "red"


def _worse(wer: WerDifference | None) -> bool:
    return wer is not None and wer.significant and wer.difference > 0


def _notes(effects: list[VariantEffect]) -> list[str]:
    apart = sum(not effect.in_turns for effect in effects)
    notes = [
        f"{len(effects)} comparisons; the intervals allow for their number: all together are 95 % "
        "sure"
        if len(effects) > 1
        else "95 % intervals"
    ]
    if apart < len(effects):
        notes.append("speed-up: the two took turns in one process")
    if apart:
        notes.append(
            f"speed-up of {apart}: of two runs, one after the other"
            if apart < len(effects)
            else "speed-up: of two runs, one after the other"
        )
    reasons = {effect.latency.reason for effect in effects if effect.latency.reason}
    notes += [f"no interval: {reason}" for reason in sorted(reasons)]
    judged = [effect.wer for effect in effects if effect.wer is not None]
    if judged:
        clips = sorted({wer.clips for wer in judged})
        over = f"{clips[0]}" if len(clips) == 1 else f"{clips[0]} to {clips[-1]}"
        notes.append(f"WER: paired over the same {over} clips")
    if len(judged) < len(effects):
        notes.append("WER -: no clip was scored on both sides, as with random weights")
    return notes
