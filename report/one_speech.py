"""A study is of one speech: figures of other speech do not compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote
from typing import TypeVar

from report.text import listing, plural
from store import LeaderboardRow, StudyRow
from store.data_source import short_data

Row = TypeVar("Row", StudyRow, LeaderboardRow)

MOST = 4
"""Kinds of speech that are named."""


@dataclass(frozen=True)
class OtherData:
    """Results that a study leaves out, for they are of other speech."""

    data: str
    """Where the speech comes from, as the store has it."""
    results: int


def of_one_speech(rows: Sequence[Row]) -> tuple[list[Row], tuple[OtherData, ...]]:
    """The results of the speech of the newest one that has figures.

    Args:
        rows: Results.

    Returns:
        Those that compare, in their order, and what is left out, most results first.
    """
    newest = max(rows, key=lambda row: (row.state == "ok", row.result_id), default=None)
    if newest is None:
        return [], ()
    kept = [row for row in rows if row.data == newest.data]
    left = Counter(row.data or "" for row in rows if row.data != newest.data)
    return kept, tuple(OtherData(data, count) for data, count in left.most_common())


def what_is_left_out(others: Sequence[OtherData]) -> str | None:
    """A sentence on results of other speech, with how to see them; None where there are none.

    Args:
        others: What is left out.
    """
    if not others:
        return None
    return (
        f"Left out, for figures of other speech do not compare: {_counted(others)}. "
        f"`--where {quote(_filter(others))}` shows the first."
    )


def caption_of_left_out(others: Sequence[OtherData]) -> str:
    """The same in the few words of a chart that has a filter; empty where there are none."""
    if not others:
        return ""
    return f"{_counted(others)} left out: other speech (filter {_filter(others)})"


def _counted(others: Sequence[OtherData]) -> str:
    names = short_data(one.data for one in others)
    parts = [f"{plural(one.results, 'result')} of {names[one.data]}" for one in others[:MOST]]
    if len(others) > MOST:
        parts.append(f"{plural(sum(one.results for one in others[MOST:]), 'result')} of others")
    return listing(parts, MOST + 1)


def _filter(others: Sequence[OtherData]) -> str:
    """The filter that shows the first of them."""
    name = short_data(one.data for one in others)[others[0].data]
    return f'data:"{name}"' if " " in name else f"data:{name}"
