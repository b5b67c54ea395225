"""Results as text for other programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from report.export import csv_text
from store import COLUMNS, LeaderboardRow, Store
from tui.plain import plain


@dataclass(frozen=True)
class Export:
    """One kind of file that a part can write."""

    format: str
    """Its suffix."""
    name: str
    """Proposed, without suffix."""
    make: Callable[[Store], str]
    """Gives the text; it runs in a thread, with a store of its own."""
    what: str = ""
    """What is in it, where that is a choice: ``the 2 marked results alone``."""


def rows_csv(rows: Sequence[LeaderboardRow]) -> str:
    """Every figure in full, as `asrprof export` gives it."""
    names = [*COLUMNS, *sorted({name for row in rows for name in row.scalars})]
    return csv_text(names, ([_as_stored(row.value(name)) for name in names] for row in rows))


def _as_stored(value: object) -> object:
    """SQLite keeps yes and no as 1 and 0."""
    return int(value) if isinstance(value, bool) else value


def rows_json(rows: Iterable[LeaderboardRow]) -> str:
    """One JSON array, as `asrprof results --json` gives it."""
    return json.dumps([row.as_dict() for row in rows], indent=2) + "\n"


def rows_tsv(rows: Iterable[LeaderboardRow], columns: Sequence[str]) -> str:
    """Some columns of results for a spreadsheet's clipboard."""
    return clipboard_text(columns, [[row.value(name) for name in columns] for row in rows])


def clipboard_text(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Tab-separated, for a spreadsheet's clipboard; empty where there is no row."""
    if not rows:
        return ""
    words = [["" if value is None else plain(str(value)) for value in row] for row in rows]
    return csv_text(columns, words, delimiter="\t").removesuffix("\n")
