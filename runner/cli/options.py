"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.errors import UserError
from store import default_path

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


def store_path(given: Path | None) -> Path:
    """Where the store is.

    Raises:
        UserError: The path begins with the home folder of nobody.
    """
    try:
        return default_path(given)
    except RuntimeError as error:  # A `~name` that is no user's.
        raise UserError(f"cannot find the store's folder: {error}") from error
