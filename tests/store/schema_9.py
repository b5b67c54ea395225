"""A store as commit 48d4c90 wrote it, with schema 9: one small Whisper, eager against default."""

from __future__ import annotations

import sqlite3
from pathlib import Path

DUMP = Path(__file__).with_suffix(".sql")
"""Two results that were measured, less most of their samples and the names of their machine."""


def schema_9(path: Path, *, empty: bool = False) -> sqlite3.Connection:
    """Writes the store to ``path``, without its rows if ``empty``, and leaves it open."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(DUMP.read_text(encoding="utf-8"))
    if empty:
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table'"
        ).fetchall():
            connection.execute(f"DELETE FROM {table}")
    return connection
