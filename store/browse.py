"""Reading a store of any size for people who look around in it.

A table of 100,000 results is never read whole. The order of its rows is one list of ids, and rows
are read when they come into sight, a page at a time. SQLite does both in milliseconds without an
index for every column that someone may sort by.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from store.connection import Database, Value
from store.errors import StoreError, one_line
from store.filters import filter_sql
from store.leaderboard import (
    COLUMNS,
    SELECT_ROWS,
    LeaderboardRow,
    leaderboard_row,
    scalar_expression,
)
from store.metrics import Metric
from store.scalars import find_scalars

PAGE_ROWS = 64
"""Rows that are read at once: a tall screen full, in under a millisecond."""

QUERY_TIMEOUT_S = 10.0
"""Longest that a condition may take; a slip of the pen can ask for centuries."""

CASE_COLUMNS = (
    *("model", "engine", "weights", "device", "variant", "audio_seconds", "batch_size"),
    "data",
    "coalesce(language, 'en')",  # Results of before there were languages have none.
    scalar_expression("threads", "leaderboard.result_id"),
)
"""Two results that are equal in these answer the same question; the newer one counts."""

GROUP_COLUMNS = (
    *("benchmark", "model", "engine", "weights", "device", "variant"),
    *("audio_seconds", "batch_size", "state", "energy_label", "job_id", "environment_id"),
    *("clips_mode", "data"),
)
"""Columns with few enough values to group by."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which results, in which order."""

    where: str | None = None
    """SQL condition over the columns of the leaderboard; see ``filters.filter_sql``."""
    order: str = "result_id"
    """A column of the leaderboard, or a scalar."""
    descending: bool = True


@dataclass(frozen=True, kw_only=True)
class Group:
    """Results that share some values."""

    values: tuple[Value, ...]
    """Of the columns that were grouped by, in their order."""
    results: int
    ok: int
    unstable: int
    wer: float | None
    """Lowest of single utterances; one of packed clips does not compare."""
    rtfx: float | None
    """Highest. This, its mean and the energy leave out what stopped early: it is of less work."""
    rtfx_mean: float | None
    joules_per_audio_hour: float | None
    """Lowest; None where the labels differ, as measured and estimated joules do not compare."""
    energy_label: str | None
    """The one label of the group's energies, or ``mixed``."""
    newest: str
    """When the newest was stored."""


class Browser:
    """A store as one looks around in it. Get it as ``store.browse``; it only reads."""

    def __init__(self, database: Database) -> None:
        """Conditions are the user's SQL, so ``database`` must be read-only.

        Raises:
            ValueError: ``database`` can write.
        """
        if not database.readonly:
            raise ValueError("a browser needs a database that cannot write")
        self._database = database

    def count(self) -> int:
        """Results of the whole store."""
        return self._database.number("SELECT count(*) FROM results")

    def scalars(self) -> dict[str, Metric]:
        """What the scalars of the store's results are, by name."""
        return find_scalars(self._database)

    def ids(self, query: Query, *, after: int = 0) -> array[int]:
        """The ids of all results of a query, in its order; missing figures come last.

        Args:
            query: Which, and their order.
            after: Only ids above this one.

        Raises:
            StoreError: SQLite does not understand the condition.
        """
        selected, direction = self._selected(query, after), "DESC" if query.descending else "ASC"
        # One long text is three times quicker than a row for each id. NULL sorts first: to ask
        # for the other end costs a second sort key, counting and moving them costs nothing.
        ((text, missing),) = self._rows(
            f"SELECT group_concat(id), sum(key IS NULL) FROM ({selected} ORDER BY key {direction})",
            query.where,
        )
        if text is None:
            return array("q")
        ids = array("q", json.loads(f"[{text}]"))  # Twice as quick as split and int.
        return ids if query.descending else ids[missing:] + ids[:missing]

    def first(self, query: Query, limit: int) -> list[int]:
        """The ids of the first results of a query, in its order; no other is read.

        Args:
            query: Which, and their order; missing figures come last.
            limit: How many at the most.

        Raises:
            StoreError: SQLite does not understand the condition.
        """
        direction = "DESC" if query.descending else "ASC"
        if query.order == "result_id" and query.where is not None:
            # SQLite goes through the results in this order and stops when it has enough.
            sql = (
                f"SELECT result_id FROM leaderboard WHERE (\n{query.where}\n)"
                f" ORDER BY result_id {direction} LIMIT {int(limit)}"
            )
        else:
            missing_last = "" if query.descending else "key IS NULL, "
            sql = (
                f"{self._selected(query)} ORDER BY {missing_last}key {direction} LIMIT {int(limit)}"
            )
        return [row[0] for row in self._rows(sql, query.where)]

    def _selected(self, query: Query, after: int = 0) -> str:
        """SQL that gives the id of each result of a query, and as ``key`` what it is sorted by."""
        if query.order in COLUMNS:
            key = COLUMNS[query.order].source
        elif query.order in self.scalars():
            key = scalar_expression(query.order)
        else:
            raise StoreError(f"{self._database.path}: no column {query.order!r} to sort by")
        source = "results"
        if key.startswith(("benchmarks.", "jobs.")):
            source += (
                " JOIN jobs ON jobs.id = job_id JOIN benchmarks ON benchmarks.id = benchmark_id"
            )
        conditions = []
        if after:
            conditions.append(f"results.id > {int(after)}")
        if query.where is not None:
            # On a line of its own, so that a comment at its end cannot swallow the bracket.
            conditions.append(
                f"results.id IN (SELECT result_id FROM leaderboard WHERE (\n{query.where}\n))"
            )
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT results.id AS id, {key} AS key FROM {source}{where}"

    def rows(self, ids: Sequence[int]) -> dict[int, LeaderboardRow]:
        """The rows of some results, by id; one that is gone is left out."""
        listed = ",".join(str(int(number)) for number in ids)
        found = self._database.rows(f"{SELECT_ROWS} WHERE result_id IN ({listed})")
        return {row["result_id"]: leaderboard_row(row) for row in found}

    def condition(self, text: str) -> str | None:
        """The SQL condition of a filter as people write it; None where nothing is filtered.

        Args:
            text: Words (`store.filters`), or SQL over the columns of the leaderboard.

        Raises:
            FilterError: A word names no column, or compares a number with a word.
            StoreError: It is neither words nor SQL; what SQLite says of it.
        """
        where = filter_sql(text, self.scalars())
        wrong = None if where is None else self._what_is_wrong(where)
        if wrong is not None:
            raise StoreError(wrong)
        return where

    def values(self, column: str, *, limit: int = 200) -> list[tuple[Value, int]]:
        """The distinct values of a column and how many results have each, the commonest first.

        Raises:
            StoreError: There is no such column.
        """
        if column not in COLUMNS:
            raise StoreError(f"{self._database.path}: no column {column!r}")
        found = self._database.rows(
            f"SELECT {column}, count(*) FROM leaderboard GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
            (limit,),
        )
        return [(value, number) for value, number in found]

    def shared(self, columns: Sequence[str], where: str | None = None) -> dict[str, Value]:
        """Those of some columns in which all results of a condition have one value, with it.

        Raises:
            StoreError: SQLite does not understand the condition.
        """
        asked = ", ".join(f"min({name}), max({name}), count({name})" for name in columns)
        condition = "" if where is None else f"WHERE (\n{where}\n)"
        (row,) = self._rows(f"SELECT count(*), {asked} FROM leaderboard {condition}", where)
        found = zip(columns, row[1::3], row[2::3], row[3::3], strict=True)
        return {name: low for name, low, high, n in found if low == high and n == row[0] > 0}

    def groups(self, by: Sequence[str], where: str | None = None) -> list[Group]:
        """Results grouped by the values of some columns, ordered by these.

        Raises:
            StoreError: Not a column to group by, or SQLite does not understand the condition.
        """
        if not by or not set(by) <= set(GROUP_COLUMNS):
            raise StoreError(f"{self._database.path}: cannot group by {', '.join(by) or 'nothing'}")
        keys = ", ".join(by)
        condition = "" if where is None else f"WHERE (\n{where}\n)"
        found = self._rows(
            f"SELECT {keys}, {_AGGREGATES} FROM leaderboard {condition}"
            f" GROUP BY {keys} ORDER BY {keys}",
            where,
        )
        return [_group(row, len(by)) for row in found]

    def newest(self, where: str | None = None, *, limit: int = 5000) -> list[LeaderboardRow]:
        """The newest good result of each case, for charts.

        Raises:
            StoreError: SQLite does not understand the condition.
        """
        keys = ", ".join(CASE_COLUMNS)
        condition = "" if where is None else f"AND (\n{where}\n)"
        found = self._rows(
            f"{SELECT_ROWS} WHERE result_id IN ("
            f"SELECT max(result_id) FROM leaderboard WHERE state = 'ok' {condition}"
            f" GROUP BY {keys} ORDER BY 1 DESC LIMIT {int(limit)}) ORDER BY {keys}",
            where,
        )
        return [leaderboard_row(row) for row in found]

    def job_results(self, job_id: int) -> list[LeaderboardRow]:
        """All results of one job, in the order of their cases."""
        found = self._database.rows(f"{SELECT_ROWS} WHERE job_id = ? ORDER BY result_id", (job_id,))
        return [leaderboard_row(row) for row in found]

    def reasons(self, result_id: int) -> dict[str, str]:
        """Why a result lacks figures or is to be doubted, by the columns of ``results``."""
        of_columns = {column.reason for column in COLUMNS.values() if column.reason is not None}
        names = (*of_columns, "speedup_reason", "quality_remark")
        found = self._database.rows(
            f"SELECT {', '.join(names)} FROM results WHERE id = ?", (result_id,)
        )
        return {name: row[name] for row in found for name in names if row[name] is not None}

    def _rows(self, sql: str, where: str | None) -> list[sqlite3.Row]:
        try:
            return self._database.rows_within(QUERY_TIMEOUT_S, sql)
        except StoreError as error:
            cause = error.__cause__
            # What the Python module refuses by itself carries no code.
            code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
            if (
                where is None
                or not isinstance(cause, sqlite3.Error)
                or code != sqlite3.SQLITE_ERROR
            ):
                raise
            # The user has just written the condition, and the path is not what is wrong.
            raise StoreError(self._what_is_wrong(where) or one_line(str(cause))) from error

    def _what_is_wrong(self, where: str) -> str | None:
        """What SQLite says of a condition alone, which what was put around it cannot confuse."""
        try:
            self._database.rows(f"EXPLAIN SELECT 1 FROM leaderboard WHERE\n{where}")
        except StoreError as error:
            return one_line(str(error.__cause__ or error))
        return None


def _best(column: str) -> str:
    """SQL that gives the best value of a group."""
    return f"{'min' if COLUMNS[column].better == 'lower' else 'max'}({column})"


_AGGREGATES = f"""count(*) AS results, sum(state = 'ok') AS ok,
  ifnull(sum(stable = 0), 0) AS unstable,
  {_best("wer")} FILTER (WHERE wer_of = 'utterances') AS wer,
  {_best("rtfx")} FILTER (WHERE stopped_early IS NOT 1) AS rtfx,
  avg(rtfx) FILTER (WHERE stopped_early IS NOT 1) AS rtfx_mean,
  {_best("joules_per_audio_hour")} FILTER (WHERE stopped_early IS NOT 1) AS joules_per_audio_hour,
  count(DISTINCT energy_label) AS labels, min(energy_label) AS energy_label,
  max(created_at) AS newest"""


def _group(row: sqlite3.Row, keys: int) -> Group:
    figures: dict[str, Any] = dict(zip(row.keys()[keys:], tuple(row)[keys:], strict=True))
    if figures.pop("labels") > 1:
        figures |= {"energy_label": "mixed", "joules_per_audio_hour": None}
    return Group(values=tuple(row)[:keys], **figures)
