"""What a study reads: the figures of many results at once, and the children of those it shows.

A store may hold tens of thousands of results. Their figures come in one query, without children;
samples, stages and the rest are read for the results that need them, many at a time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TypeVar

from store.columns import CHILDREN, ENVIRONMENT, Columns
from store.connection import Database, Value
from store.errors import StoreError, one_line
from store.leaderboard import LeaderboardRow
from store.records import EnergyLabel, Environment, ResultState, Weights

Record = TypeVar("Record")

_AT_ONCE = 500
"""Results a query: older builds of SQLite take 999 parameters at most."""


@dataclass(frozen=True, kw_only=True)
class StudyRow:
    """The figures of one result in full precision, as the table ``results`` has them."""

    result_id: int
    job_id: int
    benchmark: str
    created_at: str
    case_key: str
    environment_id: int | None
    model: str
    engine: str
    weights: Weights
    revision: str | None
    device: str
    variant: str
    baseline: str | None
    """The variant that took turns with this one; None where none did."""
    compared_clips: int | None
    """Clips whose texts were compared with that one's."""
    same_text: int | None
    """How many of them are the same."""
    same_text_promised: bool | None
    audio_seconds: float
    batch_size: int
    seed: int
    state: ResultState
    reason: str | None
    parameters: int | None
    clips_fingerprint: str | None
    load_s: float | None
    cold_s: float | None
    iterations: int | None
    latency_s: float | None
    latency_low_s: float | None
    latency_high_s: float | None
    latency_p95_s: float | None
    stable: bool | None
    stable_reason: str | None
    audio_s: float | None
    rtfx: float | None
    throughput: float | None
    tokens: float | None
    windows: float | None
    decoder_calls: float | None
    energy_j: float | None
    energy_net_j: float | None
    energy_uncertainty_j: float | None
    energy_label: EnergyLabel | None
    energy_source: str | None
    energy_reason: str | None
    joules_per_audio_hour: float | None
    encoder_flops: int | None
    flops: int | None
    flops_reason: str | None
    operators_reason: str | None
    rss_bytes: int | None
    rss_before_bytes: int | None
    weights_bytes: int | None
    gpu_allocated_bytes: int | None
    gpu_reserved_bytes: int | None
    clips: int | None
    wer: float | None
    wer_low: float | None
    wer_high: float | None
    cer: float | None
    normaliser: str | None
    normaliser_version: str | None
    quality_reason: str | None
    foreign_cpu: float | None
    threads: int | None


_JOINED = {"result_id": "results.id", "benchmark": "benchmarks.name"}
_NAMES = tuple(field.name for field in fields(StudyRow))
_COLUMNS = ", ".join(f"{_JOINED.get(name, f'results.{name}')} AS {name}" for name in _NAMES)


@dataclass(frozen=True)
class RawTable:
    """A table, or the view ``leaderboard``, as it is in the file."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    """``INTEGER``, ``REAL`` or ``TEXT`` of each column."""
    rows: list[tuple[Value, ...]]


TABLES = (
    "leaderboard",
    "results",
    *(child.table for child in CHILDREN),
    "environments",
    "jobs",
    "benchmarks",
    "events",
)
"""What can be read as a whole; the first ones can be chosen from by a condition."""


class StudyReader:
    """Reads what a study is made of from one database."""

    def __init__(self, database: Database) -> None:
        """Reads from ``database``; a condition of the user's needs one that only reads."""
        self._database = database

    def rows(
        self, *, where: str | None = None, job_id: int | None = None, git_commit: str | None = None
    ) -> list[StudyRow]:
        """The results, in the order they were stored.

        Args:
            where: Only those for which this SQL condition on the view ``leaderboard`` holds.
            job_id: Only this job's.
            git_commit: Only those measured by a harness whose commit begins like this.

        Raises:
            StoreError: SQLite does not understand ``where``, or the store was opened for writing,
                when a condition could change it.
        """
        conditions: list[str] = []
        parameters: list[Value] = []
        if job_id is not None:
            conditions.append("results.job_id = ?")
            parameters.append(job_id)
        if git_commit is not None:
            conditions.append(
                "results.environment_id IN (SELECT id FROM environments "
                "WHERE substr(git_commit, 1, ?) = ?)"
            )
            parameters += [len(git_commit), git_commit]
        if where is not None:
            if not self._database.readonly:
                raise StoreError(f"{self._database.path}: a condition needs a read-only store")
            # On a line of its own, so that a comment at its end cannot swallow the bracket.
            conditions.append(
                f"results.id IN (SELECT result_id FROM leaderboard WHERE (\n{where}\n))"
            )
        sql = (
            f"SELECT {_COLUMNS} FROM results JOIN jobs ON jobs.id = results.job_id "
            "JOIN benchmarks ON benchmarks.id = jobs.benchmark_id"
        )
        if conditions:
            sql += f" WHERE {' AND '.join(conditions)}"
        try:
            found = self._database.rows(f"{sql} ORDER BY results.id", parameters)
        except StoreError as error:
            if where is None:
                raise
            said = one_line(str(error.__cause__ or error))
            raise StoreError(
                f"{self._database.path}: cannot select results with where {where!r}: {said}"
            ) from error
        return [_study_row(row) for row in found]

    def environments(self) -> dict[int, Environment]:
        """All machines of the store by id."""
        rows = self._database.rows("SELECT * FROM environments ORDER BY id")
        return {int(row["id"]): ENVIRONMENT.build(row) for row in rows}

    def children(
        self, record: type[Record], result_ids: Iterable[int]
    ) -> dict[int, tuple[Record, ...]]:
        """The children of one kind of many results, by result, in their order.

        Args:
            record: Their class, for example ``Stage``.
            result_ids: The results; those without such children are not in the answer.
        """
        table, columns = _child(record)
        wanted = sorted(set(result_ids))
        found: dict[int, list[Record]] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            chunk = wanted[start : start + _AT_ONCE]
            marks = ", ".join("?" for _ in chunk)
            rows = self._database.rows(
                f"SELECT * FROM {table} WHERE result_id IN ({marks}) ORDER BY result_id, seq", chunk
            )
            for row in rows:
                found.setdefault(row["result_id"], []).append(columns.build(row))
        return {result_id: tuple(records) for result_id, records in found.items()}

    def table(self, name: str, *, where: str | None = None) -> RawTable:
        """A whole table.

        Args:
            name: One of ``TABLES``.
            where: Only rows of results for which this SQL condition on the view ``leaderboard``
                holds; for tables that have results alone.

        Raises:
            StoreError: There is no such table, it cannot be chosen from, or SQLite does not
                understand ``where``.
        """
        if name not in TABLES:
            raise StoreError(f"no table {name!r}: write one of {', '.join(TABLES)}")
        key = {"leaderboard": "result_id", "results": "id"}.get(name, "result_id")
        types = {
            str(row["name"]): str(row["type"])
            for row in self._database.rows(f"PRAGMA table_info({name})")
        }
        if name == "leaderboard":
            types = {field.name: _sql_type(str(field.type)) for field in fields(LeaderboardRow)}
        sql = f"SELECT {', '.join(types)} FROM {name}"
        if where is not None:
            if key not in types:
                raise StoreError(f"table {name} has no results to choose from: leave --where out")
            # Parsed apart from the rest, so that an error is the condition's.
            chosen = {row.result_id for row in self.rows(where=where)}
            sql += f" WHERE {key} IN (SELECT value FROM json_each(?))"
            rows = self._database.rows(sql, (json.dumps(sorted(chosen)),))
        else:
            rows = self._database.rows(sql)
        return RawTable(name, tuple(types), tuple(types.values()), [tuple(row) for row in rows])


def _sql_type(hint: str) -> str:
    """The column type of a field of ``LeaderboardRow``."""
    first = hint.split(" | ", maxsplit=1)[0]
    return {"int": "INTEGER", "bool": "INTEGER", "float": "REAL"}.get(first, "TEXT")


def _study_row(row: sqlite3.Row) -> StudyRow:
    values = dict(zip(_NAMES, row, strict=True))
    for name in ("stable", "same_text_promised"):
        if values[name] is not None:
            values[name] = bool(values[name])
    return StudyRow(**values)


def _child(record: type[Record]) -> tuple[str, Columns[Record]]:
    for child in CHILDREN:
        if child.columns.record is record:
            return child.table, child.columns
    raise ValueError(f"{record.__name__} is no child of a result")
