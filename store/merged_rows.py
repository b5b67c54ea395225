"""The rows that a merge copies: from the store attached as ``other`` into this one, ``main``.

``theirs`` is the number of a job in the other store, ``own`` its number here.
"""

from __future__ import annotations

import contextlib
import sqlite3
from functools import cache

from store.columns import METRIC, QUALITY
from store.connection import Transaction
from store.events import PROGRESS
from store.leaderboard import can_be_column
from store.scalars import describe
from store.schema import CREATE_TABLES

_CHILDREN = tuple(
    table
    for table, statement in CREATE_TABLES.items()
    if "PRIMARY KEY (result_id, seq)" in statement
)
_FIGURES = ", ".join(QUALITY.names)
_TAKE_FIGURES = f"({_FIGURES}) = (SELECT {_FIGURES} FROM main.qualities AS own WHERE own.id = ?1)"


def take_benchmark(transaction: Transaction, benchmark_id: int) -> None:
    """Copies a benchmark of the other store, unless its config is here.

    Args:
        transaction: It writes.
        benchmark_id: Its number in the other store.
    """
    _copy(
        transaction,
        "benchmarks",
        columns_without("benchmarks", "id"),
        "id = ?1",
        (benchmark_id,),
    )


def take_environments(transaction: Transaction, theirs: int) -> None:
    """Copies the machines that results of a job were measured on, unless they are here.

    Args:
        transaction: It writes.
        theirs: The job in the other store.
    """
    _copy(
        transaction,
        "environments",
        columns_without("environments", "id"),
        "id IN (SELECT environment_id FROM other.results WHERE job_id = ?1)",
        (theirs,),
    )


def take_qualities(transaction: Transaction, theirs: int, own: int) -> None:
    """Copies the quality records of a job; one that is here counts, unless it lacks its texts.

    Args:
        transaction: It writes.
        theirs: The job in the other store.
        own: The job here.
    """
    rows = transaction.rows(
        "SELECT theirs.id AS theirs, own.id AS own,"
        " EXISTS (SELECT 1 FROM other.transcripts WHERE quality_id = theirs.id) AS texts,"
        " EXISTS (SELECT 1 FROM main.transcripts WHERE quality_id = own.id) AS own_texts"
        " FROM other.qualities AS theirs LEFT JOIN main.qualities AS own"
        " ON own.job_id = ?2 AND own.key = theirs.key WHERE theirs.job_id = ?1 ORDER BY theirs.id",
        (theirs, own),
    )
    for row in rows:
        record = row["own"]
        if record is None:
            record = transaction.insert(
                f"INSERT INTO main.qualities (job_id, key, {_FIGURES})"
                f" SELECT ?2, key, {_FIGURES} FROM other.qualities WHERE id = ?1",
                (row["theirs"], own),
            )
        elif row["texts"] and not row["own_texts"]:
            transaction.run(
                f"UPDATE main.qualities SET ({_FIGURES}) ="
                f" (SELECT {_FIGURES} FROM other.qualities AS theirs WHERE theirs.id = ?2)"
                " WHERE id = ?1",
                (record, row["theirs"]),
            )
            transaction.run(
                f"UPDATE main.results SET {_TAKE_FIGURES} WHERE quality_id = ?1", (record,)
            )
        else:
            continue
        texts = columns_without("transcripts", "quality_id")
        transaction.run(
            f"INSERT INTO main.transcripts (quality_id, {', '.join(texts)})"
            f" SELECT ?2, {', '.join(texts)} FROM other.transcripts WHERE quality_id = ?1",
            (row["theirs"], record),
        )


def take_results(transaction: Transaction, wanted: list[int], own: int) -> None:
    """Copies results of a job with all that hangs on them.

    Args:
        transaction: It writes.
        wanted: Ids of results in the other store.
        own: The job here.
    """
    last = transaction.rows("SELECT seq FROM main.sqlite_sequence WHERE name = 'results'")
    first = (last[0]["seq"] if last else 0) + 1
    transaction.run("DELETE FROM temp.taken")
    transaction.run_many(
        "INSERT INTO temp.taken (theirs, ours) VALUES (?, ?)",
        [(one, first + number) for number, one in enumerate(wanted)],
    )
    columns = columns_without("results", "id", "job_id", "environment_id", "quality_id")
    transaction.run(
        f"INSERT INTO main.results (id, job_id, environment_id, quality_id, {', '.join(columns)})"
        " SELECT ours, ?1,"
        " (SELECT id FROM main.environments WHERE fingerprint ="
        " (SELECT fingerprint FROM other.environments WHERE id = result.environment_id)),"
        " (SELECT id FROM main.qualities WHERE job_id = ?1 AND key ="
        " (SELECT key FROM other.qualities WHERE id = result.quality_id)),"
        f" {', '.join(f'result.{name}' for name in columns)}"
        " FROM temp.taken CROSS JOIN other.results AS result ON result.id = theirs ORDER BY theirs",
        (own,),
    )
    # Their records may have been scored anew here.
    transaction.run(
        f"UPDATE main.results SET ({_FIGURES}) = (SELECT {_FIGURES} FROM main.qualities AS own"
        " WHERE own.id = quality_id)"
        " WHERE quality_id IS NOT NULL AND id IN (SELECT ours FROM temp.taken)"
    )
    for table in _CHILDREN:
        columns = columns_without(table, "result_id")
        transaction.run(
            f"INSERT INTO main.{table} (result_id, {', '.join(columns)})"
            f" SELECT ours, {', '.join(columns)} FROM temp.taken"
            # A cross join is taken from left to right: else all rows of a table might be read.
            f" CROSS JOIN other.{table} ON result_id = theirs"
        )
    fresh = transaction.rows(
        "SELECT * FROM other.metrics WHERE name NOT IN (SELECT name FROM main.metrics) AND name IN"
        " (SELECT name FROM other.figures JOIN temp.taken ON result_id = theirs)"
    )
    describe(transaction, [METRIC.build(row) for row in fresh if can_be_column(row["name"])])


def take_events(transaction: Transaction, theirs: int, own: int) -> None:
    """Copies the events of a job that are not here; how far a case was is no matter any more.

    Args:
        transaction: It writes.
        theirs: The job in the other store.
        own: The job here.
    """
    columns = columns_without("events", "id", "job_id")
    same = " AND ".join(f"own.{name} IS event.{name}" for name in columns)
    transaction.run(
        f"INSERT INTO main.events (job_id, {', '.join(columns)})"
        f" SELECT ?2, {', '.join(columns)} FROM other.events AS event"
        " WHERE job_id = ?1 AND kind != ?3 AND NOT EXISTS"
        f" (SELECT 1 FROM main.events AS own WHERE own.job_id = ?2 AND {same}) ORDER BY id",
        (theirs, own, PROGRESS),
    )


def _copy(
    transaction: Transaction,
    table: str,
    columns: tuple[str, ...],
    condition: str,
    values: tuple[int],
) -> None:
    """Copies the rows of a table that are not here by what makes them unique."""
    names = ", ".join(columns)
    transaction.run(
        f"INSERT INTO main.{table} ({names}) SELECT {names} FROM other.{table}"
        f" WHERE {condition} ORDER BY id ON CONFLICT DO NOTHING",
        values,
    )


def columns_without(table: str, *names: str) -> tuple[str, ...]:
    """The columns of a table but for some.

    Args:
        table: Of the present schema.
        names: Columns that are left out.
    """
    return tuple(column for column in _columns()[table] if column not in names)


@cache
def _columns() -> dict[str, tuple[str, ...]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for statement in CREATE_TABLES.values():
            connection.execute(statement).close()
        return {
            table: tuple(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))
            for table in CREATE_TABLES
        }
