"""Makes the tables of a new store, and brings one of schema 9 to 14 to the present schema."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple
from pathlib import Path

from store.data_source import NOTE_ALL_DATA
from store.errors import StoreError
from store.few_rounds import drop_intervals_of_few_rounds
from store.leaderboard import can_be_column, leaderboard_view
from store.load_board import CREATE_LOAD_BOARD
from store.metrics import METRIC_FIELDS, metric_of
from store.noise_board import CREATE_NOISE_BOARD
from store.schema import APPLICATION_ID, CREATE_INDEXES, CREATE_TABLES, SCHEMA_VERSION
from store.sql import insert_sql

OLDEST_VERSION = 9
"""The oldest schema that is brought to the present one."""

MINIMUM_SQLITE = (3, 37, 0)
"""The first version with STRICT tables."""

_TAKEN_FROM_9 = {
    "results": {
        "scored": "clips",
        "quality_id": "CASE WHEN clips IS NOT NULL THEN id END",
        "quality_key": "CASE WHEN clips IS NOT NULL THEN case_key END",
        "quality_of": "CASE WHEN clips IS NOT NULL THEN 'packed clips' END",
        # Their intervals were drawn from all clips.
        "wer_interval_by": "CASE WHEN wer_low IS NOT NULL THEN 'packed clip' END",
        "wer_clusters": "CASE WHEN wer_low IS NOT NULL THEN clips END",
        # Every Whisper was told English, whatever it had been trained for.
        "language": "CASE WHEN engine IN ('whisper', 'faster-whisper') THEN 'en' END",
        "language_by": "CASE WHEN engine IN ('whisper', 'faster-whisper') THEN 'default' END",
        "clips_mode": "CASE WHEN state = 'ok' THEN 'packed' END",
    },
    "transcripts": {"quality_id": "result_id"},
}
"""What stands in columns that schema 9 does not have, as SQL over those that it has."""

_UNPACED = {"paced": "0"}
"""The same for levels of load of schema 13,"""

_WITHOUT_JOULES = {"energy_reason": "'held by an asrprof that did not measure it'", **_UNPACED}
"""and of schema 11 and 12."""


def check_schema(connection: sqlite3.Connection, path: Path) -> int:
    """Reads the version of a store, which may be an empty database.

    Returns:
        The version, 0 for an empty database.

    Raises:
        StoreError: It is another application's database, or no asrprof like this one wrote it.
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
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path}: written by a newer asrprof (schema {version}, this one knows "
            f"{SCHEMA_VERSION}): upgrade asrprof, or choose another store"
        )
    if 0 < version < OLDEST_VERSION:
        raise StoreError(
            f"{path}: written before the first release of asrprof (schema {version}, this one "
            f"takes {OLDEST_VERSION} to {SCHEMA_VERSION}): choose another store, or run `asrprof "
            "results` of commit 48d4c90 on it first"
        )
    return version


def migrate(connection: sqlite3.Connection) -> None:
    """Makes or migrates the tables, wholly or not at all.

    Foreign keys must be off, because tables are built anew; they are checked before the commit.
    """
    connection.execute("BEGIN IMMEDIATE").close()
    try:
        # Read under the lock: another process may have migrated while this one waited.
        version = _number(connection, "PRAGMA user_version")
        if version < SCHEMA_VERSION:
            _STEPS[version](connection)
            names = [name for (name,) in connection.execute("SELECT name FROM metrics")]
            connection.execute(leaderboard_view(names)).close()
            for view in (CREATE_LOAD_BOARD, CREATE_NOISE_BOARD):
                connection.execute(view).close()
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}").close()
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}").close()
        connection.execute("COMMIT").close()
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK").close()
        raise


def _create(connection: sqlite3.Connection) -> None:
    for statement in (*CREATE_TABLES.values(), *CREATE_INDEXES):
        connection.execute(statement).close()
    connection.execute("INSERT INTO identity VALUES (lower(hex(randomblob(16))))").close()


def _migrate_from_9(connection: sqlite3.Connection) -> None:
    """Schema 10: the words of an utterance are judged once for all results that share them.

    Until then each result had error rates and transcripts of its own, of clips in which utterances
    of unrelated speakers were joined. They stay, each as a record under its result's number, and
    are marked as what they are. Intervals of fewer than four rounds go.
    """
    connection.execute("DROP VIEW leaderboard").close()
    old = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
    for table, statement in CREATE_TABLES.items():
        if table not in old:
            connection.execute(statement).close()
        elif old[table] != statement:
            _build_anew(connection, table, _TAKEN_FROM_9.get(table, {}))
    for statement in CREATE_INDEXES:
        connection.execute(statement).close()
    shared = ", ".join(_columns(connection, "qualities") - {"id", "job_id", "key"})
    connection.execute(
        f"INSERT INTO qualities (id, job_id, key, {shared})"
        f" SELECT id, job_id, quality_key, {shared} FROM results WHERE quality_id IS NOT NULL"
    ).close()
    drop_intervals_of_few_rounds(connection)
    names = [name for (name,) in connection.execute("SELECT DISTINCT name FROM figures")]
    metrics = [astuple(metric_of(name)) for name in names if can_be_column(name)]
    connection.executemany(insert_sql("metrics", METRIC_FIELDS), metrics).close()
    connection.execute(NOTE_ALL_DATA).close()
    _check_parents(connection)


def _migrate_from_10(connection: sqlite3.Connection) -> None:
    """Schema 11: levels of load; schema 12: noise and silence. No older result has them."""
    _drop_views(connection)
    for table in ("load_levels", "noise_levels"):
        statement = CREATE_TABLES[table].replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1)
        connection.execute(statement).close()
    _build_anew(connection, "results", {})
    _build_anew(connection, "load_levels", _WITHOUT_JOULES)
    _note_data(connection)


def _migrate_from_12(connection: sqlite3.Connection) -> None:
    """Schema 13: joules of levels of load."""
    _drop_views(connection)
    _build_anew(connection, "load_levels", _WITHOUT_JOULES)
    _note_data(connection)


def _migrate_from_13(connection: sqlite3.Connection) -> None:
    """Schema 14: whether the requests of a level were streams at real-time pace."""
    _drop_views(connection)
    _build_anew(connection, "load_levels", _UNPACED)
    _note_data(connection)


def _migrate_from_14(connection: sqlite3.Connection) -> None:
    """Schema 15: where the speech of a job comes from, and copies of a model under load."""
    _drop_views(connection)
    _build_anew(connection, "load_levels", {})
    _note_data(connection)


def _note_data(connection: sqlite3.Connection) -> None:
    _build_anew(connection, "jobs", {})
    for statement in CREATE_INDEXES:
        connection.execute(statement).close()
    connection.execute(NOTE_ALL_DATA).close()
    _check_parents(connection)


def _drop_views(connection: sqlite3.Connection) -> None:
    found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall()
    for (view,) in found:
        connection.execute(f"DROP VIEW {view}").close()


_STEPS = {
    0: _create,
    9: _migrate_from_9,
    10: _migrate_from_10,
    11: _migrate_from_10,
    12: _migrate_from_12,
    13: _migrate_from_13,
    14: _migrate_from_14,
}
"""From each schema to the present one, but for the views."""


def _check_parents(connection: sqlite3.Connection) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise sqlite3.IntegrityError(f"migration leaves {len(broken)} rows without their parent")


def _build_anew(connection: sqlite3.Connection, table: str, taken: dict[str, str]) -> None:
    """Puts a new table with the same rows in the place of one that has another statement.

    Args:
        connection: Within a transaction, without foreign keys.
        table: Its name.
        taken: What stands in columns that the old table does not have, as SQL over those it has.
    """
    # Without the pragma SQLite would make the references of other tables follow the old one.
    connection.execute("PRAGMA legacy_alter_table = ON").close()
    connection.execute(f"ALTER TABLE {table} RENAME TO old").close()
    connection.execute("PRAGMA legacy_alter_table = OFF").close()
    connection.execute(CREATE_TABLES[table]).close()
    kept = _columns(connection, table) & _columns(connection, "old")
    source = {name: name for name in kept} | taken
    connection.execute(
        f"INSERT INTO {table} ({', '.join(source)}) SELECT {', '.join(source.values())} FROM old"
    ).close()
    # The counter of AUTOINCREMENT goes on, or the ids of deleted rows would be given again.
    connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,)).close()
    connection.execute("UPDATE sqlite_sequence SET name = ? WHERE name = 'old'", (table,)).close()
    connection.execute("DROP TABLE old").close()


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}


def _number(connection: sqlite3.Connection, sql: str) -> int:
    ((number,),) = connection.execute(sql).fetchall()
    return int(number)
