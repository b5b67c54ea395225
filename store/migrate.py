"""Brings a store to the last version of the schema, wholly or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from store.errors import StoreError
from store.leaderboard import LEADERBOARD_VIEW
from store.schema import APPLICATION_ID, MIGRATIONS, Migration

MINIMUM_SQLITE = (3, 37, 0)
"""The first version with STRICT tables."""


def check_schema(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS
) -> int:
    """Reads the version of a store, which may be an empty database.

    Returns:
        The version, 0 for an empty database.

    Raises:
        StoreError: It is another application's database, or a newer asrprof wrote it.
    """
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        raise StoreError(
            f"{path}: needs SQLite 3.37 or later, this Python has {sqlite3.sqlite_version}: "
            "use a Python with a newer SQLite"
        )
    # One transaction, or a store that another process creates right now would look half made.
    connection.execute("BEGIN").close()
    try:
        application = _number(connection, "PRAGMA application_id")
        tables = _number(connection, "SELECT count(*) FROM sqlite_schema")
        version = _number(connection, "PRAGMA user_version")
    finally:
        connection.execute("COMMIT").close()
    if application != APPLICATION_ID and (application or tables):
        raise StoreError(
            f"{path}: a SQLite database of another application: choose another path for the store"
        )
    if version > len(migrations):
        raise StoreError(
            f"{path}: written by a newer asrprof (schema {version}, this one knows "
            f"{len(migrations)}): upgrade asrprof, or choose another store"
        )
    return version


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Brings a store to the last version, wholly or not at all.

    Foreign keys must be off, because a migration may have to build a table anew; they are checked
    before the commit.

    Returns:
        The version.
    """
    connection.execute("BEGIN IMMEDIATE").close()
    try:
        # Read under the lock: another process may have migrated while this one waited.
        version = _number(connection, "PRAGMA user_version")
        if version < len(migrations):
            _apply(connection, migrations[version:])
            version = len(migrations)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}").close()
            connection.execute(f"PRAGMA user_version = {version}").close()
        connection.execute("COMMIT").close()
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK").close()
        raise
    return version


def _apply(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    # Renaming a table fails while a view speaks of it, so the view goes first.
    connection.execute("DROP VIEW IF EXISTS leaderboard").close()
    for migration in migrations:
        migration(connection)
    connection.execute(LEADERBOARD_VIEW).close()
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise sqlite3.IntegrityError(f"migration leaves {len(broken)} rows without their parent")


def _number(connection: sqlite3.Connection, sql: str) -> int:
    ((number,),) = connection.execute(sql).fetchall()
    return int(number)
