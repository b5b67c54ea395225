"""What reading a store costs: statements and the rows that they give."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from store import Store


@dataclass
class Reads:
    """What was asked of SQLite so far."""

    statements: int = 0
    rows: int = 0


@contextmanager
def reads_of(store: Store) -> Iterator[Reads]:
    """Counts what is read over a store's own connection."""
    reads = Reads()
    connection = store._database._connection

    def statement(_: str) -> None:
        reads.statements += 1

    def row(cursor: sqlite3.Cursor, values: tuple[object, ...]) -> sqlite3.Row:
        reads.rows += 1
        return sqlite3.Row(cursor, values)

    connection.set_trace_callback(statement)
    connection.row_factory = row
    try:
        yield reads
    finally:
        connection.set_trace_callback(None)
        connection.row_factory = sqlite3.Row
