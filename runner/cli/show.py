"""Commands that only show: `schema`, `models`, `doctor`, `results`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.cli.plain import cell, plain
from runner.cli.run import StoreOption, store_path
from runner.cli.table import print_results
from runner.cli.variants import print_effects
from runner.config import Benchmark
from runner.doctor import Check
from runner.engines.catalogue import CATALOGUE
from runner.errors import UserError
from store import Store

MAX_ROW = 2**63 - 1
"""SQLite's largest integer."""

JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


def schema() -> None:
    """Print the JSON Schema of a benchmark config."""
    typer.echo(json.dumps(Benchmark.model_json_schema(), indent=2))


def models(as_json: JsonOption = False) -> None:
    """List the models asrprof knows by name."""
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in CATALOGUE.values()], indent=2))
        return
    console = Console()
    wide = console.width >= 120
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("model", overflow="fold", min_width=30)
    table.add_column("architecture", overflow="fold")
    table.add_column("M", justify="right", no_wrap=True)
    table.add_column("window", justify="right", no_wrap=True)
    table.add_column("weights", no_wrap=True)
    if wide:
        table.add_column("family", no_wrap=True)
        table.add_column("rate", justify="right", no_wrap=True)
        table.add_column("licence", no_wrap=True)
    for entry in CATALOGUE.values():
        table.add_row(
            entry.name,
            entry.architecture,
            f"{entry.parameters / 1e6:.4g}" if entry.parameters else "-",
            f"{entry.window_seconds:g} s" if entry.window_seconds else "any",
            ("bundled" if entry.bundled else "hub") + (", random" if entry.random else ""),
            *([entry.family, f"{entry.sample_rate_hz / 1e3:g} kHz", entry.licence] if wide else []),
        )
    console.print(table)
    narrow = "" if wide else " At 120 columns: family, sample rate and licence too."
    console.print(
        f"M: million parameters.{narrow} Any other Hugging Face repository or local folder of "
        "these architectures runs too.",
        style="dim",
    )


def doctor(
    store: StoreOption = None,
    as_json: JsonOption = False,
    hub: Annotated[
        bool, typer.Option("--hub", help="Also try to reach the Hugging Face hub.")
    ] = False,
) -> None:
    """Say what this machine can measure, what it cannot, and what to do about it."""
    from runner.doctor import examine

    report = examine(store_path=store_path(store), check_hub=hub)
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=2, default=str))
        return
    print_checks(report.checks)


def print_checks(checks: Sequence[Check]) -> None:
    """Prints what was examined, with what to do about it."""
    styles = {"ok": "green", "limited": "yellow", "missing": "red"}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("what")
    table.add_column("found", overflow="fold")
    for check in checks:
        detail = cell(check.detail)
        if check.remedy:
            detail.append_text(Text("\n")).append_text(cell(f"-> {check.remedy}", "dim"))
        table.add_row(Text(check.state, styles[check.state]), cell(check.name), detail)
    Console().print(table)


def results(
    store: StoreOption = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where", help="SQL condition, for example \"device = 'cpu' and wer < 0.1\"."
        ),
    ] = None,
    job: Annotated[int | None, typer.Option("--job", help="Only this job.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most rows.")] = 200,
    show: Annotated[int | None, typer.Option("--show", help="Everything of one result.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show results from the store, the newest last."""
    path = store_path(store)
    for option, number in (("--job", job), ("--limit", limit), ("--show", show)):
        if number is not None and not 0 < number <= MAX_ROW:
            raise UserError(f"{option} {number}: write a number from 1 to {MAX_ROW}")
    if where is not None and any("\ud800" <= letter <= "\udfff" for letter in where):
        raise UserError("--where is not UTF-8 text")
    with Store.open_to_read(path) as opened:
        if show is not None:
            typer.echo(json.dumps(asdict(opened.result(show)), indent=2, default=str))
            return
        rows = opened.leaderboard(job_id=job, where=where, limit=limit)
        if as_json:
            typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        elif rows:
            console = Console()
            print_results(console, opened, rows)
            # Of what is shown alone: a store may hold any number of older comparisons.
            shown = f"result_id >= {min(row.result_id for row in rows)}"
            condition = shown if where is None else f"{shown} AND (\n{where}\n)"
            print_effects(console, opened, job_id=job, where=condition)
        else:
            typer.echo(f"no results in {plain(str(path))}")
