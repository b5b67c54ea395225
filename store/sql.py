"""Pieces of SQL that several modules write."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

_AT_ONCE = 500
"""Ids a query: older builds of SQLite take 999 parameters at most."""


def insert_sql(table: str, columns: Sequence[str]) -> str:
    """A statement that inserts one row, with a question mark for each column."""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def limit_of(limit: int | None) -> int:
    """A limit as SQLite takes it, which reads a negative one as none."""
    return -1 if limit is None else limit


def one_of(column: str, values: Iterable[int | str]) -> tuple[str, str]:
    """A condition that a column has one of any number of values, and its parameter."""
    return f"{column} IN (SELECT value FROM json_each(?))", json.dumps(list(values))


def portions(ids: Iterable[int]) -> Iterator[tuple[list[int], str]]:
    """Distinct ids in order, as many as a query takes at once, with as many question marks."""
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), _AT_ONCE):
        chunk = wanted[start : start + _AT_ONCE]
        yield chunk, ", ".join("?" * len(chunk))
