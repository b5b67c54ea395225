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
    SPEECH,
    Child,
)
from store.connection import Database, Transaction, Value
from store.errors import StoreError, one_line
from store.events import PROGRESS, EventRow
from store.leaderboard import SELECT_ROWS, LeaderboardRow, leaderboard_row
from store.load_board import LOAD_COLUMNS, LoadRow
from store.noise_board import NOISE_COLUMNS, NoiseRow
from store.qualities import transcripts_of
from store.records import Environment, ResultState
from store.rows import BenchmarkRow, Counts, StoredResult
from store.scalars import find_scalars
from store.sql import limit_of, one_of


def find_benchmarks(
    database: Database, condition: str = "1", parameters: tuple[Value, ...] = ()
) -> list[BenchmarkRow]:
    """The benchmarks that meet an SQL condition, in the order they were added.

    Args:
        database: The store.
        condition: SQL over the columns of ``benchmarks``; by default all match.
        parameters: The values of its placeholders.
    """
    columns = ", ".join(field.name for field in fields(BenchmarkRow))
    rows = database.rows(
        f"SELECT {columns} FROM benchmarks WHERE {condition} ORDER BY id", parameters
    )
    return [BenchmarkRow(**dict(row)) for row in rows]


def get_benchmark(database: Database, benchmark_id: int) -> BenchmarkRow:
    """One benchmark.

    Raises:
        StoreError: There is no such benchmark.
    """
    found = find_benchmarks(database, "id = ?", (benchmark_id,))
    if not found:
        raise StoreError(f"{database.path}: no benchmark {benchmark_id} in this store")
    return found[0]


def find_events(
    database: Database, job_id: int, after: int, last: int | None, *, progress: bool
) -> list[EventRow]:
    """A job's events, oldest first; see ``Store.events``.

    Args:
        database: The store.
        job_id: The job.
        after: Only those with a higher id.
        last: Only the last so many; None for all.
        progress: Whether those that say how far the case in hand is are among them.
    """
    columns = ", ".join(field.name for field in fields(EventRow))
    rows = database.rows(
        f"SELECT {columns} FROM events WHERE job_id = ? AND id > ?"
        " AND (? OR kind != ?) ORDER BY id DESC LIMIT ?",
        (job_id, after, progress, PROGRESS, limit_of(last)),
    )
    return [EventRow(**dict(row)) for row in reversed(rows)]


def case_keys(
    database: Database, job_id: int, states: Iterable[ResultState] | None = None
) -> set[str]:
    """The cases of a job that have a row, or a row in one of ``states``.

    Args:
        database: The store.
        job_id: The job.
        states: Only rows in one of these count; None for all rows.
    """
    condition, wanted = ("?", 1) if states is None else one_of("state", states)
    rows = database.rows(
        f"SELECT case_key FROM results WHERE job_id = ? AND {condition}", (job_id, wanted)
    )
    return {row["case_key"] for row in rows}


def case_seconds(database: Database) -> dict[str, float]:
    """How long each case took when it was last measured to its end, by its key."""
    rows = database.rows(
        "SELECT case_key, wall_s, max(id) FROM results WHERE state = 'ok' GROUP BY case_key"
    )
    return {row["case_key"]: row["wall_s"] for row in rows}


def case_times(database: Database) -> dict[str, tuple[float, int]]:
    """The same, and the benchmark of that row: seconds and its id, by the case's key."""
    rows = database.rows(
        "SELECT case_key, wall_s, benchmark_id, max(results.id) FROM results"
        " JOIN jobs ON jobs.id = job_id WHERE results.state = 'ok' GROUP BY case_key"
    )
    return {row["case_key"]: (row["wall_s"], row["benchmark_id"]) for row in rows}


def clips_fingerprints(database: Database, job_id: int) -> dict[float, str]:
    """Fingerprints of the clips that a job's good rows were measured with, by seconds of audio.

    The first row of each length counts.
    """
    rows = database.rows(
        "SELECT audio_seconds, clips_fingerprint, min(id) FROM results WHERE job_id = ?"
        " AND state = 'ok' AND clips_fingerprint IS NOT NULL GROUP BY audio_seconds ORDER BY 3",
        (job_id,),
    )
    return {row["audio_seconds"]: row["clips_fingerprint"] for row in rows}


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
    """Reads rows of the view ``leaderboard``.

    Args:
        database: The store; it must be read-only where ``where`` or ``order`` is given, as these
            are the user's SQL.
        job_id: Only this job's; None for any.
        benchmark: Only those of benchmarks of this name; None for any.
        where: Only those for which this SQL condition holds; None for all.
        order: SQL terms to sort by; None for the order in which they were stored.
        limit: At most so many; None for all.

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
    sql = SELECT_ROWS
    if conditions:
        sql += f" WHERE {' AND '.join(conditions)}"
    sql += f" ORDER BY {order or 'result_id'}\nLIMIT {limit_of(limit)}"
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
        record = row["quality_id"]
        scalars = find_scalars(transaction)
        transcripts = {} if record is None else transcripts_of(transaction, [record])
    # Each of these records has a field that is never None; where it is NULL, there was no record.
    result = RESULT.build(
        row,
        latency=None if row["iterations"] is None else LATENCY.build(row),
        latency_reason=row["stable_reason"] if row["iterations"] is None else None,
        memory=None if row["rss_bytes"] is None else MEMORY.build(row),
        speech=None if row["clips_mode"] is None else SPEECH.build(row),
        quality=None if row["scored"] is None else QUALITY.build(row),
        transcripts=transcripts.get(record, ()),
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
        scalars={
            figure.name: scalars[figure.name] for figure in result.figures if figure.name in scalars
        },
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


def load_board(database: Database, *, job_id: int | None = None) -> tuple[LoadRow, ...]:
    """Rows of the view in their order.

    Args:
        database: The store.
        job_id: Of this job alone; of all when None.
    """
    rows = database.rows(
        f"SELECT {', '.join(LOAD_COLUMNS)} FROM load_board WHERE ?1 IS NULL OR job_id = ?1"
        " ORDER BY result_id, level",
        (job_id,),
    )
    return tuple(LoadRow(**dict(row)) for row in rows)


def noise_board(
    database: Database, *, job_id: int | None = None, result_id: int | None = None
) -> tuple[NoiseRow, ...]:
    """Rows of the view in their order.

    Args:
        database: The store.
        job_id: Of this job alone; of all when None.
        result_id: Of this result alone; of all when None.
    """
    rows = database.rows(
        f"SELECT {', '.join(NOISE_COLUMNS)} FROM noise_board"
        " WHERE (?1 IS NULL OR job_id = ?1) AND (?2 IS NULL OR result_id = ?2)"
        " ORDER BY result_id, level",
        (job_id, result_id),
    )
    return tuple(NoiseRow(**dict(row)) for row in rows)
