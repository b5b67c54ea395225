"""`asrprof export`: a table of the store for other programs."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from runner.cli import complete
from runner.cli.options import StoreOption, store_path
from runner.cli.plain import plain
from runner.cli.where import WhereOption, condition_of
from runner.errors import UserError
from store import TABLES, Store


class TableFormat(StrEnum):
    """What a table is written as."""

    csv = "csv"
    json = "json"
    parquet = "parquet"


def export(
    table: Annotated[
        str, typer.Argument(help=f"One of {', '.join(TABLES)}.", autocompletion=complete.tables)
    ] = "leaderboard",
    store: StoreOption = None,
    where: WhereOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write (default: the terminal).")
    ] = None,
    form: Annotated[
        TableFormat | None,
        typer.Option("--format", "-f", help="By default what --out ends in, else CSV."),
    ] = None,
) -> int:
    """Write a table of the store as CSV, JSON or Parquet."""
    from report.errors import ReportError
    from report.export import format_of, write_file, write_text

    try:
        chosen = form.value if form else format_of(out) if out else "csv"
        if chosen == "parquet" and out is None:
            raise UserError("Parquet is no text: give --out FILE.parquet")
        with Store.open_to_read(store_path(store)) as opened:
            found = opened.study.table(table, where=condition_of(opened, where))
        if out is None:
            write_text(found, chosen, sys.stdout)
        else:
            write_file(found, chosen, out)
            typer.echo(f"{len(found.rows):,} rows in {plain(str(out))}", err=True)
    except ReportError as error:
        raise UserError(str(error)) from error
    return 0
