"""`asrprof doctor`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.cli.options import JsonOption, StoreOption, store_path
from runner.cli.plain import cell

if TYPE_CHECKING:
    from runner.doctor import Check


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
