"""`asrprof compare`: two sets of results, and an exit code for a pipeline."""

from __future__ import annotations

import json
import math
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from report.text import plural
from runner.cli.options import JsonOption, StoreOption, store_path
from runner.cli.plain import cell
from runner.cli.where import WhereOption
from runner.errors import UserError

if TYPE_CHECKING:
    from report.regression import Breach, Comparison, Pair
    from report.sides import Side

SideArgument = Annotated[
    str,
    typer.Argument(
        help="A store's path, PATH#JOB, the number of a job, or a commit of the harness.",
        show_default=False,
    ),
]


def compare(
    a: SideArgument,
    b: SideArgument,
    store: StoreOption = None,
    where: WhereOption = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="LIMIT",
            help="Exit with 1 if a case is past this and chance cannot explain it: latency:+5%, "
            "rtfx:-5%, energy:+10%, memory:+10%, wer:+0.5pp, p95:+10% (of levels of load). May be "
            "repeated.",
        ),
    ] = None,
    allow_missing: Annotated[
        bool,
        typer.Option(
            "--allow-missing", help="With --fail-on: cases that only the first has may be missing."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Compare two sets of results case by case, the first being the baseline."""
    from report.errors import ReportError
    from report.limits import parse_limit
    from report.regression import breaches, compare_studies, doubtful
    from report.sides import open_side

    path = store_path(store)
    try:
        limits = [parse_limit(text) for text in fail_on or ()]
        with ExitStack() as stack:
            sides = open_side(a, path, stack, where), open_side(b, path, stack, where)
            comparison = compare_studies(sides[0].study, sides[1].study)
    except ReportError as error:
        raise UserError(str(error)) from error
    if not comparison.pairs and not comparison.lost:
        raise UserError(
            f"{sides[0].name} and {sides[1].name} have no case in common: the same model, variant, "
            "device, length and batch. `asrprof recommend` weighs different models, and the "
            "terminal UI compares any results (space marks them, c compares)"
        )
    found = breaches(comparison, limits)
    missing = bool(limits) and bool(comparison.only_a) and not allow_missing
    if as_json:
        typer.echo(json.dumps(_as_json(sides, comparison, found), indent=2, allow_nan=False))
    else:
        console = Console()
        _print(console, sides, comparison, found, doubtful(comparison, limits))
        if missing:
            text = f"missing: {plural(len(comparison.only_a), 'case')} of {sides[0].name} did not "
            console.print(
                cell(f"{text}run again; --allow-missing lets them", "red"), soft_wrap=True
            )
    return 1 if limits and (found or comparison.lost or missing) else 0


def _print(
    console: Console,
    sides: tuple[Side, Side],
    comparison: Comparison,
    found: list[Breach],
    doubts: list[Breach],
) -> None:
    console.print(cell(f"{sides[0].name} (baseline) against {sides[1].name}"))
    if comparison.pairs:
        console.print(_table(comparison, console.width))
        for line in _summary(comparison):
            console.print(cell(line, "dim"), soft_wrap=True)
    for caution in comparison.cautions:
        console.print(cell(f"caution: {caution}", "yellow"), soft_wrap=True)
    for before, after in comparison.lost:
        reason = after.row.reason or "no reason given"
        console.print(
            cell(f"lost: {before.title}: {after.row.state}: {reason}", "red"), soft_wrap=True
        )
    for name, cases in ((sides[0].name, comparison.only_a), (sides[1].name, comparison.only_b)):
        if cases:
            text = f"{plural(len(cases), 'case')} only in {name}"
            console.print(cell(text, "dim"), soft_wrap=True)
    for breach in doubts:
        text = f"past {breach.limit.text}, but perhaps by chance: {breach.title}: measure longer"
        if breach.other_work:
            text = f"past {breach.limit.text}, but of different work: {breach.title}"
        console.print(cell(text, "yellow"), soft_wrap=True)
    for breach in found:
        unit = " points" if breach.limit.points else " %"
        change = f"{100 * breach.change:+.1f}{unit}"
        if breach.level is not None and math.isinf(breach.change):
            change = "ended early"
        text = f"past {breach.limit.text}: {breach.title}: {change}"
        console.print(cell(text, "red"), soft_wrap=True)


def _table(comparison: Comparison, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("case", overflow="fold", min_width=20)
    table.add_column("latency ms", justify="right", no_wrap=True)
    table.add_column("change", justify="right", no_wrap=True)
    wide = width >= 100
    if wide:
        table.add_column("interval", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    if wide:
        table.add_column("energy", justify="right", no_wrap=True)
        table.add_column("memory", justify="right", no_wrap=True)
    table.add_column("WER\npoints", justify="right", no_wrap=True)
    for pair in sorted(comparison.pairs, key=lambda pair: -pair.latency.ratio):
        verdict, style = _verdict(pair)
        latency = f"{_ms(pair.a.row.latency_s)} → {_ms(pair.b.row.latency_s)}"
        row = [cell(pair.a.title), cell(latency), cell(_percent(pair.latency.ratio), style)]
        if wide:
            low, high = pair.latency.low, pair.latency.high
            row.append(cell("-" if math.isnan(low) else f"[{_percent(low)}, {_percent(high)}]"))
        row.append(cell(verdict, style))
        if wide:
            row.append(cell("-" if pair.energy is None else _percent(pair.energy.ratio)))
            row.append(cell("-" if pair.memory is None else _percent(pair.memory)))
        wer = "-" if pair.wer is None else f"{100 * pair.wer.difference:+.1f}"
        row.append(cell(wer, "red" if pair.wer and pair.wer.significant else ""))
        table.add_row(*row)
    return table


def _summary(comparison: Comparison) -> list[str]:
    from report.speech import nouns_of, paired_over

    counts = Counter(_verdict(pair)[0] for pair in comparison.pairs)
    unjudged = f", {counts['?']} without a verdict" if counts["?"] else ""
    shaky = counts["slower ~"] + counts["faster ~"]
    unstable = f", {shaky} on an unstable side" if shaky else ""
    lines = [
        f"latency over {plural(len(comparison.pairs), 'case')}: "
        f"{_percent(comparison.latency_ratio)} (geometric mean); "
        f"{counts['slower']} slower, {counts['faster']} faster, "
        f"{counts['same']} within chance{unjudged}{unstable}",
        "intervals allow for the number of cases, and for what varied within each run, not from "
        "run to run",
    ]
    if shaky:
        lines.append("~: not stable on one side: perhaps the machine's; measure on a quiet one")
    unsure = {pair.latency.reason for pair in comparison.pairs if pair.latency.reason}
    lines += [f"?: {reason}" for reason in sorted(unsure)]
    bare = {pair.energy_reason for pair in comparison.pairs if pair.energy_reason}
    lines += [f"energy -: {reason}" for reason in sorted(bare)]
    judged = [pair.a.row for pair in comparison.pairs if pair.wer is not None]
    paired = paired_over((pair.wer for pair in comparison.pairs), nouns_of(judged))
    if paired:
        lines.append(f"WER: {paired}")
    reasons = {pair.wer_reason for pair in comparison.pairs if pair.wer_reason}
    lines += [f"WER -: {reason}" for reason in sorted(reasons)]
    return lines


def _verdict(pair: Pair) -> tuple[str, str]:
    if pair.latency.reason:
        return "?", "yellow"
    if not pair.latency.significant:
        return "same", "dim"
    if pair.unstable:
        return f"{'slower' if pair.latency.ratio > 1 else 'faster'} ~", "yellow"
    return ("slower", "red") if pair.latency.ratio > 1 else ("faster", "green")


def _percent(ratio: float) -> str:
    return f"× {ratio:.0f}" if ratio >= 10 else f"{100 * (ratio - 1):+.1f} %"


def _ms(seconds: float | None) -> str:
    milliseconds = 1e3 * (seconds or 0.0)
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"


def _as_json(
    sides: tuple[Side, Side], comparison: Comparison, found: list[Breach]
) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return None if math.isnan(value) else value

    def pair_json(pair: Pair) -> dict[str, Any]:
        row, other = pair.a.row, pair.b.row
        return {
            "model": row.model,
            "weights": row.weights,
            "device": row.device,
            "variant": row.variant,
            "audio_seconds": row.audio_seconds,
            "batch_size": row.batch_size,
            "threads": [row.threads, other.threads],
            "latency_s": [row.latency_s, other.latency_s],
            "latency_ratio": pair.latency.ratio,
            "latency_interval": [number(pair.latency.low), number(pair.latency.high)],
            "latency_significant": pair.latency.significant,
            "unstable": pair.unstable,
            "energy_ratio": pair.energy.ratio if pair.energy else None,
            "memory_ratio": pair.memory,
            "wer": [pair.wer.a, pair.wer.b] if pair.wer else None,
            "wer_interval": [number(pair.wer.low), number(pair.wer.high)] if pair.wer else None,
            "wer_significant": pair.wer.significant if pair.wer else None,
            "wer_of": row.quality_of if pair.wer else None,
            "wer_reason": pair.wer_reason,
            "clips_mode": [row.clips_mode, other.clips_mode],
            "stopped_early": [row.stopped_early, other.stopped_early],
        }

    return {
        "a": sides[0].name,
        "b": sides[1].name,
        "latency_ratio": comparison.latency_ratio if comparison.pairs else None,
        "pairs": [pair_json(pair) for pair in comparison.pairs],
        "lost": [after.title for _, after in comparison.lost],
        "only_a": [case.title for case in comparison.only_a],
        "only_b": [case.title for case in comparison.only_b],
        "cautions": list(comparison.cautions),
        "breaches": [
            {
                "limit": b.limit.text,
                "case": b.title,
                "change": number(b.change) if math.isfinite(b.change) else None,
            }
            for b in found
        ],
    }
