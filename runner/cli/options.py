"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.plain import plain
from runner.errors import UserError
from store import Store, default_path

USUAL_PATH = default_path(None, {})
"""The store where none is named: it is made with the first run."""
MAX_ROW = 2**63 - 1
"""SQLite's largest integer."""

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", help="The results file (default: $ASRPROF_STORE or results/asrprof.db)."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a config value; may be repeated."),
]
JobOption = Annotated[int | None, typer.Option("--job", min=1, max=MAX_ROW, help="Only this job.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]


def row_number(number: int) -> int:
    """Checks that a job may have this number, and returns it.

    Raises:
        UserError: It may not.
    """
    if not 0 < number <= MAX_ROW:
        raise UserError(f"job {number}: write a number from 1 to {MAX_ROW}")
    return number


JobArgument = Annotated[int, typer.Argument(callback=row_number, help="The job's number.")]


def open_or_make(path: Path, *, quiet: bool = False) -> Store:
    """Opens a store to write, and says on stderr where it made one of another name than the usual.

    A name that was misspelt would otherwise be noticed when its results are missed.

    Args:
        path: The store.
        quiet: Say nothing.
    """
    new = not quiet and path != USUAL_PATH and not path.exists()
    opened = Store.open(path)
    if new:
        typer.echo(f"{plain(str(path))}: a new store", err=True)
    return opened


def store_path(given: Path | None) -> Path:
    """Where the store is.

    Raises:
        UserError: The path begins with the home folder of nobody.
    """
    try:
        return default_path(given)
    except RuntimeError as error:  # A `~name` that is no user's.
        raise UserError(f"cannot find the store's folder: {error}") from error
