"""Stores of earlier schemas, made of one of the present schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import Any

from store.leaderboard import leaderboard_view
from store.schema import CREATE_INDEXES, CREATE_TABLES


def older_store(
    present: Path,
    path: Path,
    version: int,
    *,
    lacks: Collection[str],
    statement_of: Callable[[str], str],
    more: tuple[str, ...] = (),
) -> Path:
    """Copies a store into one of an earlier schema.

    Args:
        present: The store of the present schema, closed.
        path: Where to make the other.
        version: Its schema's number.
        lacks: Tables that it does not have.
        statement_of: The statement of a table as it was, from the present one.
        more: Further statements of that schema.
    """
    with closing(sqlite3.connect(present)) as new, closing(sqlite3.connect(path)) as old:
        for table, statement in CREATE_TABLES.items():
            if table in lacks:
                continue
            was = statement_of(statement)
            if table == "jobs" and version < 15:
                was = was.replace(",\n  data TEXT\n", "\n")
            if table == "load_levels" and version < 15:
                was = was.replace("  replicas INTEGER,\n", "")
            old.execute(was)
            columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
            rows = new.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
            old.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
        for statement in (*CREATE_INDEXES, *more):
            old.execute(statement)
        names = [name for (name,) in old.execute("SELECT name FROM metrics")]
        old.execute(leaderboard_view(names))
        (application,) = new.execute("PRAGMA application_id").fetchone()
        old.execute(f"PRAGMA application_id = {application}")
        old.execute(f"PRAGMA user_version = {version}")
        old.commit()
    return path


def schema_of(path: Path) -> list[Any]:
    """All that is made in a store, by name."""
    with closing(sqlite3.connect(path)) as connection:
        sql = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
        return connection.execute(sql).fetchall()
