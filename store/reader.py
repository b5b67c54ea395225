"""Reading the store: rows become the dataclasses of ``records``, ``rows`` and ``leaderboard``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from store.columns import (
    CHILDREN,
    COMPARISON,
    CONDITIONS,
    ENVIRONMENT,
    LATENCY,
    MEMORY,
    QUALITY,
    RESULT,
    Child,
)
from store.connection import Database, Transaction, Value
from store.errors import StoreError, one_line
from store.leaderboard import LEADERBOARD_COLUMNS, LeaderboardRow, leaderboard_row
from store.records import Environment, ResultState
from store.rows import BenchmarkRow, Counts, EventRow, StoredResult


def find_benchmarks(database: Database) -> list[BenchmarkRow]:
    """All benchmarks, in the order they were added."""
    columns = ", ".join(field.name for field in fields(BenchmarkRow))
    rows = database.rows(f"SELECT {columns} FROM benchmarks ORDER BY id")
    return [BenchmarkRow(**dict(row)) for row in rows]


def get_benchmark(database: Database, benchmark_id: int) -> BenchmarkRow:
    """One benchmark.

    Raises:
        StoreError: There is no such benchmark.
    """
    for row in find_benchmarks(database):
        if row.id == benchmark_id:
            return row
    raise StoreError(f"{database.path}: no benchmark {benchmark_id} in this store")


def find_events(database: Database, job_id: int, after: int, limit: int | None) -> list[EventRow]:
    """A job's events with an id above ``after``, oldest first."""
    columns = ", ".join(field.name for field in fields(EventRow))
    rows = database.rows(
        f"SELECT {columns} FROM events WHERE job_id = ? AND id > ? ORDER BY id LIMIT ?",
        (job_id, after, _limit(limit)),
    )
    return [EventRow(**dict(row)) for row in rows]


def case_keys(
    database: Database, job_id: int, states: Iterable[ResultState] | None = None
) -> set[str]:
    """The cases of a job that have a row, or a row in one of ``states``."""
    wanted = None if states is None else frozenset(states)
    rows = database.rows("SELECT case_key, state FROM results WHERE job_id = ?", (job_id,))
    return {row["case_key"] for row in rows if wanted is None or row["state"] in wanted}


def case_seconds(database: Database) -> dict[str, float]:
    """How long each case took when it was last measured to its end, by its key."""
    rows = database.rows(
        "SELECT case_key, wall_s, max(id) FROM results WHERE state = 'ok' GROUP BY case_key"
    )
    return {row["case_key"]: row["wall_s"] for row in rows}


def count(database: Database, job_id: int | None) -> Counts:
    """How much is in the store, or in one job of it."""
    with database.read() as transaction:
        states = transaction.rows(
            "SELECT state, count(*) FROM results WHERE ? IS NULL OR job_id = ? GROUP BY state",
            (job_id, job_id),
        )
        ((benchmarks, jobs),) = transaction.rows(
            "SELECT (SELECT count(*) FROM benchmarks WHERE ? IS NULL OR id IN"
            " (SELECT benchmark_id FROM jobs WHERE id = ?)),"
            " (SELECT count(*) FROM jobs WHERE ? IS NULL OR id = ?)",
            (job_id,) * 4,
        )
    found = {str(state): int(number) for state, number in states}
    return Counts(
        benchmarks=benchmarks,
        jobs=jobs,
        ok=found.get("ok", 0),
        failed=found.get("failed", 0),
        oom=found.get("oom", 0),
        refused=found.get("refused", 0),
    )


def leaderboard(
    database: Database,
    *,
    job_id: int | None,
    benchmark: str | None,
    where: str | None,
    order: str | None,
    limit: int | None,
) -> list[LeaderboardRow]:
    """Rows of the view. ``where`` and ``order`` are SQL of the user's: read-only databases only.

    Raises:
        StoreError: SQLite does not understand ``where`` or ``order``.
    """
    conditions: list[str] = []
    parameters: list[Value] = []
    if job_id is not None:
        conditions.append("job_id = ?")
        parameters.append(job_id)
    if benchmark is not None:
        conditions.append("benchmark = ?")
        parameters.append(benchmark)
    if where is not None:
        # On a line of its own, so that a comment at its end cannot swallow the bracket.
        conditions.append(f"(\n{where}\n)")
    sql = f"SELECT {', '.join(LEADERBOARD_COLUMNS)} FROM leaderboard"
    if conditions:
        sql += f" WHERE {' AND '.join(conditions)}"
    sql += f" ORDER BY {order or 'result_id'}\nLIMIT {_limit(limit)}"
    try:
        rows = database.rows(sql, parameters)
    except StoreError as error:
        if where is None and order is None:
            raise
        said = one_line(str(error.__cause__ or error))
        clauses = " ".join(
            f"{name} {text!r}" for name, text in (("where", where), ("order", order)) if text
        )
        raise StoreError(
            f"{database.path}: cannot select results with {clauses}: {said}"
        ) from error
    return [leaderboard_row(row) for row in rows]


def get_result(database: Database, result_id: int) -> StoredResult:
    """A result with all its children, from one state of the store.

    Raises:
        StoreError: There is no such result.
    """
    with database.read() as transaction:
        found = transaction.rows("SELECT * FROM results WHERE id = ?", (result_id,))
        if not found:
            raise StoreError(f"{database.path}: no result {result_id} in this store")
        row = found[0]
        environment = _environment(transaction, row["environment_id"])
        children = {child.field: _children(transaction, child, result_id) for child in CHILDREN}
    # Each of these records has a field that is never None; where it is NULL, there was no record.
    result = RESULT.build(
        row,
        latency=None if row["iterations"] is None else LATENCY.build(row),
        memory=None if row["rss_bytes"] is None else MEMORY.build(row),
        quality=None if row["clips"] is None else QUALITY.build(row),
        conditions=None if row["load_before"] is None else CONDITIONS.build(row),
        comparison=None if row["baseline"] is None else COMPARISON.build(row),
        environment=environment,
        **children,
    )
    return StoredResult(
        id=row["id"],
        job_id=row["job_id"],
        environment_id=row["environment_id"],
        created_at=row["created_at"],
        energy_j=row["energy_j"],
        joules_per_audio_hour=row["joules_per_audio_hour"],
        encoder_flops=row["encoder_flops"],
        flops=row["flops"],
        result=result,
    )


def _environment(transaction: Transaction, environment_id: int | None) -> Environment | None:
    if environment_id is None:
        return None
    (row,) = transaction.rows("SELECT * FROM environments WHERE id = ?", (environment_id,))
    return ENVIRONMENT.build(row)


def _children(transaction: Transaction, child: Child, result_id: int) -> tuple[Any, ...]:
    rows: list[sqlite3.Row] = transaction.rows(
        f"SELECT * FROM {child.table} WHERE result_id = ? ORDER BY seq", (result_id,)
    )
    return tuple(child.columns.build(row) for row in rows)


def _limit(limit: int | None) -> int:
    """SQLite reads a negative limit as none."""
    return -1 if limit is None else int(limit)
