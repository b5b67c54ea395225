"""What the table of results reads of the store, in the reader's thread."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from store import LeaderboardRow, Metric, Query, Store
from tui.results.narrow import FOLDED
from tui.widgets.paged_rows import PAGE_ROWS

MOST_FOLDED = 5000
"""Of more results nobody looks for what they have in common; it would take a while."""
AT_ONCE = 500
"""Rows that are read at once for an export."""


@dataclass(frozen=True)
class Known:
    """What the table has of an earlier read."""

    ids: array[int]
    at_hand: frozenset[int]
    """Rows that need not be read again."""
    again: bool
    """Whether the same query is asked again."""


@dataclass(frozen=True)
class Order:
    """The order of the rows, and what stands with it on the screen."""

    query: Query
    ids: array[int]
    top: dict[int, LeaderboardRow]
    """Rows of the first page, which is what is looked at next as a rule."""
    total: int
    scalars: dict[str, Metric]
    """Those of the store."""
    shared: dict[str, Any]
    """What all these results have the same, of the columns that a narrow screen folds."""
    cost_s: float
    """Seconds of a core's time that reading took."""


def read_order(store: Store, query: Query, known: Known) -> Order:
    """Reads the ids of the results that a query finds, and the rows that are looked at first.

    Args:
        store: The store.
        query: What to find, and how to sort it.
        known: What need not be read again.

    Raises:
        StoreError: SQLite does not understand the query's filter.
    """
    start = time.thread_time()
    total = store.browse.count()
    # Newest first is the order that grows at its top alone: only what is new need be read.
    grows = query == Query() and known.again
    ids = store.browse.ids(query, after=known.ids[0] if grows and known.ids else 0)
    if grows and total == len(known.ids) + len(ids):
        ids = ids + known.ids
    elif grows and known.ids:
        ids = store.browse.ids(query)  # Some were deleted.
    missing = [number for number in ids[:PAGE_ROWS] if number not in known.at_hand]
    top = store.browse.rows(missing) if missing else {}
    scalars = store.browse.scalars()
    shared: dict[str, Any] = {}
    if len(ids) <= MOST_FOLDED and "threads" not in scalars:
        shared = store.browse.shared(FOLDED, query.where)
    return Order(query, ids, top, total, scalars, shared, time.thread_time() - start)


def read_all(store: Store, ids: Sequence[int]) -> list[LeaderboardRow]:
    """The rows of these results in their order; one that is no longer there is left out."""
    found: list[LeaderboardRow] = []
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        by_id = store.browse.rows(part)
        found += [by_id[number] for number in part if number in by_id]
    return found
