"""Groups of results, as a table."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from store import Group
from tui.glyphs import Glyphs
from tui.results.columns import group_columns, group_filter
from tui.widgets.query_table import QueryTable


class GroupsTable(QueryTable[Group]):
    """All groups are at hand; the number of a group is its place among them."""

    def __init__(self, *, glyphs: Glyphs, id: str | None = None) -> None:
        super().__init__(group_columns(("model",)), glyphs=glyphs, id=id)
        self._by: tuple[str, ...] = ("model",)
        self._groups: list[Group] = []

    def take(self, by: Sequence[str], groups: list[Group]) -> None:
        """Shows other groups.

        Args:
            by: The columns that they were grouped by.
            groups: They, in the order in which they are shown until someone sorts.
        """
        if self._by != tuple(by):
            self._by = tuple(by)
            self.set_columns(group_columns(self._by))
        if [group.values for group in groups] != [group.values for group in self._groups]:
            self.forget()  # A number means another group now.
        self._groups = groups
        self.put(dict(enumerate(groups)))
        self.set_ids(array("q", range(len(groups))))

    def sort(self, key: str) -> None:
        """Sorts by a column; by the same again turns it round. Groups without a value are last."""
        descending = key not in self._by
        if self.order == (key, descending):
            descending = not descending

        def value(number: int) -> Any:
            group = self._groups[number]
            if key in self._by:
                return group.values[self._by.index(key)]
            return group.results - group.ok if key == "failed" else getattr(group, key)

        numbers = range(len(self._groups))
        known = [number for number in numbers if value(number) is not None]
        rest = [number for number in numbers if value(number) is None]
        known.sort(key=value, reverse=descending)
        self.show_order(key, descending=descending)
        self.set_ids(array("q", [*known, *rest]))

    def filter_of(self, number: int) -> str:
        """Words of a filter that lets the results of a group through."""
        return group_filter(self._by, self._groups[number])

    @property
    def marked_jobs(self) -> tuple[int, ...]:
        """The jobs of the marked groups, where it is jobs that the results are grouped by."""
        if "job_id" not in self._by:
            return ()
        place = self._by.index("job_id")
        found = (self._groups[number].values[place] for number in self.marked)
        return tuple(job for job in found if isinstance(job, int))
