"""`asrprof show`: one result as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from report.reasons import missing_reason
from report.text import number, plural, with_unit
from runner.cli.options import MAX_ROW, JsonOption, StoreOption, store_path
from runner.cli.plain import cell
from runner.cli.robustness_table import print_robustness
from runner.cli.table import value_cell
from runner.errors import UserError
from store import COLUMNS, Environment, LeaderboardRow, Metric, Result, Store, StoredResult

WORST = 5
"""Utterances with the most errors that are shown."""

_HEAD = ("result_id", "model", "device", "variant", "audio_seconds", "batch_size")
"""Columns that the title says."""
_WITHIN = {
    "latency_ms": ("latency_low_ms", "latency_high_ms"),
    "wer": ("wer_low", "wer_high"),
}
"""Columns with the ends of their interval, which have no line of their own."""


def show(
    result_id: Annotated[int, typer.Argument(metavar="ID", help="As `asrprof results` lists it.")],
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all of one result: figures with their reasons, stages, energy, machine, worst words."""
    if not 0 < result_id <= MAX_ROW:
        raise UserError(f"{result_id}: write a number from 1 to {MAX_ROW}")
    with Store.open_to_read(store_path(store)) as opened:
        stored = opened.result(result_id)
        if as_json:
            print_json(stored)
            return
        browse = opened.browse
        row = browse.rows([result_id])[result_id]
        reasons, scalars = browse.reasons(result_id), browse.scalars()
        _print_result(Console(), opened, stored, row, reasons, scalars)


def _print_result(
    console: Console,
    store: Store,
    stored: StoredResult,
    row: LeaderboardRow,
    reasons: Mapping[str, str],
    scalars: Mapping[str, Metric],
) -> None:
    result = stored.result
    place = "" if row.variant == "fp32" else f" {row.variant}"
    title = f"result {stored.id}: {row.model} on {row.device}{place}, "
    console.print(cell(f"{title}{row.audio_seconds:g} s x {row.batch_size}", "bold"))
    _print(console, "", ("", "", ""), _figures(row, reasons, scalars))
    _print(console, "Stages", ("stage", "ms", "95 % interval"), _stages(result))
    _print(console, "Energy of a batch", ("source", "J", ""), _energy(result))
    print_robustness(console, store, result_id=stored.id)
    if result.robustness_reason is not None:
        console.print(cell(f"noise and silence: {result.robustness_reason}", "dim"))
    if result.environment is not None:
        _print(console, "Machine", ("", "", ""), _machine(result.environment, result))
    for line, style in _words(result):
        console.print(cell(line, style))


def _print(
    console: Console, title: str, headings: Sequence[str], lines: Iterable[Sequence[str]]
) -> None:
    lines = list(lines)
    if not lines:
        return
    table = Table(
        box=box.SIMPLE_HEAD if any(headings) else None,
        pad_edge=False,
        show_edge=False,
        show_header=any(headings),
        title=title or None,
        title_justify="left",
        title_style="bold",
        padding=(0, 2, 0, 0),
    )
    for place, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", justify="right" if place == 1 else "left")
    for line in lines:
        table.add_row(*(cell(text, "dim" if place == 2 else "") for place, text in enumerate(line)))
    if title:
        console.print()
    console.print(table)


def _figures(
    row: LeaderboardRow, reasons: Mapping[str, str], scalars: Mapping[str, Metric]
) -> Iterable[tuple[str, str, str]]:
    """Label, figure with its unit, and its interval or why it is missing or to be doubted."""
    ends = {end for pair in _WITHIN.values() for end in pair}
    for name, metric in COLUMNS.items():
        if name in _HEAD or name in ends:
            continue
        value = row.value(name) if metric.form != "text" else None
        text = value_cell(metric, row)
        note = missing_reason(row, name, reasons) if name not in ("state", "reason") else ""
        if text == "-" and note in ("", "not measured"):
            continue
        unit = "%" if metric.form == "share" else metric.unit
        if name in _WITHIN:
            low, high = (row.value(end) for end in _WITHIN[name])
            if low is not None and high is not None:
                scale = 100 if metric.form == "share" else 1
                ends_said = f"95 %: {number(scale * low)} to {number(scale * high)}"
                note = "; ".join(filter(None, (ends_said, note)))
            text = text.partition(" ")[0]
        shown = f"{text} {unit}".rstrip() if value is not None else text
        yield metric.heading, shown, note
    for name, amount in row.scalars.items():
        if name in scalars and amount is not None:
            yield scalars[name].heading, with_unit(scalars[name], amount), scalars[name].about


def _stages(result: Result) -> Iterable[tuple[str, str, str]]:
    for stage in result.stages:
        interval = ""
        if stage.low_s is not None and stage.high_s is not None:
            interval = f"{number(1e3 * stage.low_s)} to {number(1e3 * stage.high_s)}"
        yield stage.stage, number(1e3 * stage.median_s), interval


def _energy(result: Result) -> Iterable[tuple[str, str, str]]:
    for reading in result.energy:
        chosen = "the one shown; " if reading.source == result.energy_primary else ""
        said = reading.reason or f"{reading.label}, {plural(reading.windows, 'window')}"
        joules = "-" if reading.gross_j is None else number(reading.gross_j)
        yield reading.source, joules, f"{chosen}{said}"


def _machine(machine: Environment, result: Result) -> Iterable[tuple[str, str, str]]:
    threads = result.conditions.threads if result.conditions is not None else None
    used = f"{plural(threads, 'thread')}, " if threads is not None else ""
    yield "host", f"{machine.hostname}, {machine.os}", ""
    yield "CPU", f"{machine.cpu_model}", f"{used}{machine.cpu_affinity} logical CPUs"
    if machine.gpu_name is not None:
        yield "GPU", machine.gpu_name, f"driver {machine.gpu_driver or 'unknown'}"
    yield "software", f"Python {machine.python}", f"asrprof {machine.asrprof}"


def _words(result: Result) -> Iterable[tuple[str, str]]:
    """Lines about the utterances with the most errors, and their styles."""
    scored = [(text.errors, text) for text in result.transcripts if text.errors]
    if scored:
        yield "", ""
        yield "Most errors", "bold"
    for errors, text in sorted(scored, key=lambda one: -one[0])[:WORST]:
        yield f"{text.clip_id}: {errors} of {plural(text.words or 0, 'word')}", ""
        yield f"  said:  {text.reference}", "dim"
        yield f"  wrote: {text.hypothesis}", "dim"
    rest = len(scored) - WORST
    if rest > 0:
        yield f"{plural(rest, 'more utterance')} with errors: --json has them", "dim"


def print_json(stored: StoredResult) -> None:
    """Prints all that is known of a result, for programs."""
    typer.echo(json.dumps(asdict(stored), indent=2, default=str))
