"""`--where`: the filter of the terminal UI, on every command that chooses results."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.errors import UserError
from store import FilterError, Store, StoreError

WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="FILTER",
        help='Only such results, as in the terminal UI\'s filter: "whisper device:cpu wer<10%", or '
        "SQL on the leaderboard: \"wer < 0.1 or device = 'cpu'\".",
    ),
]


def all_of(*conditions: str | None) -> str | None:
    """The SQL condition that all of some hold, None where there is none."""
    return " AND ".join(f"(\n{one}\n)" for one in conditions if one) or None


def condition_of(store: Store, text: str | None) -> str | None:
    """The SQL condition of a filter.

    Args:
        store: It knows the columns.
        text: What the user wrote, or None.

    Raises:
        UserError: It names no column, or is neither a filter nor SQL; one line.
    """
    if text is None:
        return None
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UserError("--where is not UTF-8 text")
    try:
        return store.browse.condition(text)
    except (FilterError, StoreError) as error:
        raise UserError(f"--where {text!r}: {error}") from error
