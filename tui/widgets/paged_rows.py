"""The rows of a long table that are at hand, and the pages of it that must still be read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

Row = TypeVar("Row")

PAGE_ROWS = 64
KEPT_ROWS = 32 * PAGE_ROWS
"""Rows kept in memory, the last seen."""


class PagedRows(Generic[Row]):
    """Rows by their ids; those seen longest ago go first."""

    def __init__(self) -> None:
        self._rows: OrderedDict[int, Row] = OrderedDict()
        self._asked: set[int] = set()
        self._wanted: set[int] = set()

    def __contains__(self, number: int) -> bool:
        return number in self._rows

    def get(self, number: int | None) -> Row | None:
        """A row, None where it is not at hand."""
        return None if number is None else self._rows.get(number)

    def at_hand(self) -> frozenset[int]:
        """Ids of the rows that need not be read."""
        return frozenset(self._rows)

    def put(self, rows: Mapping[int, Row]) -> list[int]:
        """Takes rows that were asked for; returns the ids of those that had to go for them."""
        for number, row in rows.items():
            self._rows[number] = row
            self._rows.move_to_end(number)
        self._asked.clear()
        surplus = max(0, len(self._rows) - KEPT_ROWS)
        return [self._rows.popitem(last=False)[0] for _ in range(surplus)]

    def forget(self) -> None:
        """Drops all rows, and what was asked for."""
        self._rows.clear()
        self._asked.clear()

    def ask_again(self) -> None:
        """Lets pages be asked for once more: they hold other rows now."""
        self._asked.clear()

    def want(self, page: int) -> bool:
        """Notes a page that came into sight without its rows.

        Returns:
            Whether it is the first since ``wanted`` was called, which the caller must now see to.
        """
        if page in self._asked:
            return False
        first = not self._wanted
        self._wanted.add(page)
        return first

    def wanted(self, ids: Sequence[int]) -> list[int]:
        """Ids of the rows on the pages noted since the last call that are not at hand.

        Args:
            ids: All rows of the table in their order.
        """
        pages, self._wanted = sorted(self._wanted), set()
        self._asked.update(pages)
        return [
            number
            for page in pages
            for number in ids[page * PAGE_ROWS : (page + 1) * PAGE_ROWS]
            if number not in self._rows
        ]
