"""Results as a table, or grouped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from report.reasons import missing_reason
from report.text import plural
from store import COLUMNS, Group, LeaderboardRow, Metric, Query, Store, StoreError
from store.browse import GROUP_COLUMNS
from tui.plain import plain
from tui.results.columns import (
    DEFAULT,
    WIDE,
    chosen_columns,
    notes,
    result_columns,
    state_sign,
)
from tui.results.export import Export, rows_csv, rows_json, rows_tsv
from tui.results.narrow import NARROW, narrow_columns
from tui.screens.pick import Option, PickScreen
from tui.views.groups_table import GroupsTable
from tui.views.results_pane import Pane, Upkeep
from tui.views.results_reads import Known, Order, read_all, read_order
from tui.widgets.query_table import QueryTable


class TablePane(Pane):
    """The table over all results of the store, however many."""

    class Ordered(Message):
        """The ids, in their order."""

        def __init__(self, order: Order) -> None:
            super().__init__()
            self.order = order

    class Read(Message):
        """A page of rows."""

        def __init__(self, rows: dict[int, LeaderboardRow]) -> None:
            super().__init__()
            self.rows = rows

    class Grouped(Message):
        """Groups, and the columns that they were grouped by."""

        def __init__(self, by: Sequence[str], groups: list[Group], cost_s: float) -> None:
            """Takes over what was read.

            Args:
                by: The columns that the rows were grouped by.
                groups: The groups.
                cost_s: Seconds of a core's time that reading them took.
            """
            super().__init__()
            self.by = tuple(by)
            self.groups = groups
            self.cost_s = cost_s

    class Explained(Message):
        """Why a result lacks a figure, by column."""

        def __init__(self, result_id: int, reasons: dict[str, str]) -> None:
            super().__init__()
            self.result_id = result_id
            self.reasons = reasons

    class Chosen(Message):
        """A result is to be opened."""

        def __init__(self, result_id: int) -> None:
            super().__init__()
            self.result_id = result_id

    class GroupChosen(Message):
        """A group is to be looked into: words of a filter."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._query = Query()
        self._chosen_keys: tuple[str, ...] | None = None
        self._by: tuple[str, ...] = ()
        self._total = 0
        self.scalars: dict[str, Metric] = {}
        """Those of the store, which have columns too."""
        self._shared: dict[str, Any] = {}
        self._shown: Query | None = None
        self._seen: tuple[int, int] | None = None
        self._upkeep = Upkeep(self, self._ask)
        self._reasons: tuple[int, dict[str, str]] = (0, {})

    def compose(self) -> ComposeResult:
        glyphs = self.asrprof.glyphs
        yield QueryTable(
            chosen_columns(DEFAULT), sign=state_sign(glyphs), glyphs=glyphs, id="results-table"
        )
        yield GroupsTable(glyphs=glyphs, id="groups-table")

    def on_mount(self) -> None:
        self.groups_table.display = False
        self.table.show_order(self._query.order, descending=self._query.descending)

    @property
    def table(self) -> QueryTable[LeaderboardRow]:
        """The table of results."""
        return self.query_one("#results-table", QueryTable)

    @property
    def groups_table(self) -> GroupsTable:
        """The table of groups."""
        return self.query_one("#groups-table", GroupsTable)

    @property
    def marked(self) -> tuple[int, ...]:
        """Ids of the marked results, in the order in which they were marked."""
        return tuple(self.table.marked)

    @property
    def marked_runs(self) -> tuple[int, ...]:
        """Jobs that are marked where the results are grouped by job."""
        return self.groups_table.marked_jobs if self._by else ()

    def first_focus(self) -> Widget:
        return self.groups_table if self._by else self.table

    # Reading

    def refilter(self, where: str | None) -> None:
        self._query = replace(self._query, where=where)
        self._ask()

    def freshen(self) -> None:
        snapshot = self.asrprof.snapshot
        newest = snapshot.latest[0].result_id if snapshot.latest else 0
        if (snapshot.results, newest) == self._seen:
            self._say()  # Another part may have written the line below.
            return
        self._seen = snapshot.results, newest
        self._upkeep.wanted()

    def _ask(self) -> None:
        if not self.asrprof.snapshot.exists:
            return
        if self._by:
            self._ask_groups()
        else:
            self._ask_order()

    def _ask_order(self) -> None:
        query = self._query
        known = Known(self.table.ids, self.table.at_hand(), again=self._shown == query)

        def read(store: Store) -> Message:
            try:
                return self.Ordered(read_order(store, query, known))
            except StoreError as error:
                if query.where is None:
                    raise
                return self.FilterFailed(str(error))

        self.asrprof.reader.ask(self, "order", read, lambda message: message)

    @on(Ordered)
    def _ordered(self, event: Ordered) -> None:
        order, table = event.order, self.table
        self._upkeep.took(order.cost_s)
        again = self._shown == order.query
        self._shown, self._total, self.scalars = order.query, order.total, order.scalars
        if order.shared != self._shared:
            self._shared = order.shared
            self._set_columns()
        table.show_order(order.query.order, descending=order.query.descending)
        table.put(order.top)
        filtered = order.total > 0 and order.query.where is not None
        table.empty = "No result fits the filter; esc clears it." if filtered else ""
        # What the user looks at stays; at the very top it is the newest that he looks at.
        at_top = table.cursor == 0 and order.query.order == "result_id"
        if not again:
            table.cursor = 0
        table.set_ids(order.ids, follow=again and not at_top)
        self._say()

    @on(QueryTable.PageWanted, "#results-table")
    def _page_wanted(self, event: QueryTable.PageWanted) -> None:
        ids = event.ids
        self.asrprof.reader.ask(self, "page", lambda store: store.browse.rows(ids), self.Read)

    @on(Read)
    def _page_read(self, event: Read) -> None:
        self.table.put(event.rows)

    def _ask_groups(self) -> None:
        by, where = self._by, self._query.where

        def read(store: Store) -> Message:
            start = time.thread_time()
            try:
                groups = store.browse.groups(by, where)
            except StoreError as error:
                if where is None:
                    raise
                return self.FilterFailed(str(error))
            return self.Grouped(by, groups, time.thread_time() - start)

        self.asrprof.reader.ask(self, "order", read, lambda message: message)

    @on(Grouped)
    def _groups_read(self, event: Grouped) -> None:
        self._upkeep.took(event.cost_s)
        if event.by != self._by:
            return
        self.groups_table.take(event.by, event.groups)
        self._say()

    # What the user does

    def sort(self, key: str | None = None) -> None:
        """Sorts by a column, the current one by default; by the same again turns it round."""
        if self._by:
            self.groups_table.sort(key or self.groups_table.current_column.key)
            return
        key = key or self.table.current_column.key
        # Figures are looked at from the best, or else the largest, names from A.
        metric = self._metric(key)
        words = metric.form in ("text", "flag")
        descending = key == "created_at" or not (words or metric.better == "lower")
        if key == self._query.order:
            descending = not self._query.descending
        self._query = replace(self._query, order=key, descending=descending)
        self._ask()

    @on(QueryTable.Sorted)
    def _heading_clicked(self, event: QueryTable.Sorted) -> None:
        self.sort(event.key)

    def mark(self) -> None:
        """Marks the current row."""
        table: QueryTable[Any] = self.groups_table if self._by else self.table
        table.toggle_mark()
        table.action_move(1)
        self._say()

    def unmark(self) -> None:
        """Takes all marks off."""
        for table in (self.table, self.groups_table):
            table.mark(())
        self._say()

    def choose_columns(self) -> None:
        """Asks for the columns to show."""
        options = [
            Option(column.key, column.label, column.help)
            for column in result_columns(self.scalars.values())
            if column.key != "model"
        ]

        def take(keys: list[str] | None) -> None:
            if keys is not None:
                # Columns that stay keep their places, new ones come last.
                kept = [key for key in self._keys if key in keys]
                self._chosen_keys = ("model", *kept, *(key for key in keys if key not in kept))
                self._set_columns()

        self.app.push_screen(PickScreen("Columns", options, self._keys), take)

    def on_resize(self) -> None:
        self._set_columns()

    @property
    def _keys(self) -> tuple[str, ...]:
        """The columns that are shown."""
        if self._chosen_keys is not None:
            return self._chosen_keys
        if self._narrow:
            return NARROW
        return WIDE if self.screen.has_class("-wide") else DEFAULT

    @property
    def _narrow(self) -> bool:
        return self.screen.has_class("-narrow")

    def _set_columns(self) -> None:
        # On a narrow screen a shorter name lets one more figure be seen.
        width, scalars = 18 if self._narrow else 24, self.scalars.values()
        if self._narrow and self._chosen_keys is None:
            columns = narrow_columns(self._shared, scalars, model_width=width)
        else:
            columns = chosen_columns(self._keys, scalars, model_width=width)
        self.table.set_columns(columns)

    def choose_groups(self) -> None:
        """Asks for the columns to group by."""
        options = [Option(key, COLUMNS[key].label, COLUMNS[key].about) for key in GROUP_COLUMNS]

        def take(keys: list[str] | None) -> None:
            if keys is not None:
                self._group(tuple(keys))

        self.app.push_screen(PickScreen("Group by", options, self._by), take)

    def _group(self, by: tuple[str, ...]) -> None:
        self._by = by
        self.table.display, self.groups_table.display = not by, bool(by)
        self.first_focus().focus()
        self._ask()

    @on(QueryTable.Chosen, "#results-table")
    def _chosen(self, event: QueryTable.Chosen) -> None:
        self.post_message(self.Chosen(event.id))

    @on(QueryTable.Chosen, "#groups-table")
    def _group_chosen(self, event: QueryTable.Chosen) -> None:
        words = self.groups_table.filter_of(event.id)
        self._group(())
        self.post_message(self.GroupChosen(words))

    def open_current(self) -> None:
        """Opens the current row."""
        (self.groups_table if self._by else self.table).action_choose()

    # The line below

    @on(QueryTable.Moved)
    def _moved(self) -> None:
        row = self.table.current
        if not self._by and row is not None and self._reasons[0] != row.result_id:
            number = row.result_id

            def read(store: Store) -> Message:
                return self.Explained(number, store.browse.reasons(number))

            self.asrprof.reader.ask(self, "reasons", read, lambda message: message)
        self._say()

    @on(Explained)
    def _explained(self, event: Explained) -> None:
        self._reasons = event.result_id, event.reasons
        self._say()

    def _say(self) -> None:
        muted = self.asrprof.palette.muted
        left = Text(no_wrap=True, overflow="ellipsis")
        dot = f" {self.asrprof.glyphs.dot} "
        if self._by:
            left.append(plural(len(self.groups_table.ids), "group"))
            marks = len(self.groups_table.marked)
        else:
            shown = len(self.table.ids)
            of = f" of {self._total:,}" if shown != self._total else ""
            left.append(f"{shown:,}{of}" if of else plural(shown, "result"))
            left.append(f"{' results' if of else ''}{self._order_words()}")
            if "job_id" in self._shared and shown > 1:
                left.append(f", all of job {self._shared['job_id']}")
            marks = len(self.table.marked)
        if marks:
            left.append(f"{dot}{marks} marked")
        self.post_message(self.Said(self, left, self._about_cell(muted)))

    def _order_words(self) -> str:
        query = self._query
        if query.order == "result_id":
            return ", the newest first" if query.descending else ", the oldest first"
        return f" by {self._metric(query.order).label}"

    def _metric(self, key: str) -> Metric:
        return COLUMNS.get(key) or self.scalars[key]

    def _about_cell(self, muted: str) -> Text:
        said = Text(no_wrap=True, overflow="ellipsis")
        if self._by:
            return said.append(self.groups_table.current_column.help, muted)
        row, column = self.table.current, self.table.current_column
        if row is None:
            return said
        reasons = self._reasons[1] if self._reasons[0] == row.result_id else {}
        reason = missing_reason(row, column.key, reasons)
        if reason:
            said.append(f"{column.label}: ", muted)
            return said.append(plain(reason))
        said.append(column.help or "; ".join(notes([row])), muted)
        return said

    # Out of here

    def exports(self) -> list[Export]:
        query, marked = self._query, self.marked

        def rows(store: Store) -> list[LeaderboardRow]:
            return read_all(store, marked or store.browse.ids(query))

        what = f"the {plural(len(marked), 'marked result')} alone" if marked else ""
        return [
            Export("csv", "results", lambda store: rows_csv(rows(store)), what),
            Export("json", "results", lambda store: rows_json(rows(store)), what),
        ]

    def copied(self) -> str:
        table = self.table
        ids = self.marked or ([] if table.current_id is None else [table.current_id])
        return rows_tsv(table.seen(ids), [column.key for column in table.columns])
