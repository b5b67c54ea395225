"""Results as text for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from store import LEADERBOARD_COLUMNS, LeaderboardRow
from tui.plain import plain


def rows_csv(rows: Iterable[LeaderboardRow]) -> str:
    """Comma-separated, with the names of the columns; a missing figure is an empty field."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(LEADERBOARD_COLUMNS)
    for row in rows:
        writer.writerow([_harmless(getattr(row, name)) for name in LEADERBOARD_COLUMNS])
    return out.getvalue()


def rows_json(rows: Iterable[LeaderboardRow]) -> str:
    """One JSON array, as `asrprof results --json` gives it."""
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"


def rows_tsv(rows: Iterable[LeaderboardRow], columns: Sequence[str]) -> str:
    """Tab-separated, for a spreadsheet's clipboard; empty where there is no row."""
    lines = ["\t".join(_word(getattr(row, name)) for name in columns) for row in rows]
    return "\n".join(["\t".join(columns), *lines]) if lines else ""


def _word(value: object) -> str:
    return "" if value is None else plain(str(value))


def _harmless(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
