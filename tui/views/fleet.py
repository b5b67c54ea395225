"""The tab Fleet: the nodes of the Ray cluster, what each is, and what runs there."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from runner.dispatch.fleet.overview import NodeView, Overview
from store import JobRow
from tui.bindings import bindings
from tui.fleet import FleetSeen, current
from tui.fleet_watcher import FleetWatcher
from tui.messages import WatchJob
from tui.plain import plain
from tui.present_fleet import COLUMNS, how_to, node_cells, node_checks, node_facts, summary
from tui.screens.log import LogScreen
from tui.snapshot import Snapshot
from tui.table import Row
from tui.view import View
from tui.widgets.panel import Panel
from tui.widgets.rows import Rows

TICK_S = 1.0


class FleetView(View):
    """Nodes that live. The cluster is asked by a thread of its own, while this tab shows."""

    SCOPE = "fleet"
    TITLE = "Fleet"
    BINDINGS: ClassVar[list[BindingType]] = bindings("fleet")

    class Looked(Message):
        """The cluster was asked; only the latest matters."""

        def __init__(self, seen: FleetSeen) -> None:
            super().__init__()
            self.seen = seen

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, FleetView.Looked)

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._seen = FleetSeen()
        self._found: Overview | None = None
        """The nodes with the jobs that the store has now."""
        self._rows: dict[str, tuple[object, Row]] = {}
        """Rows that were made, and of what: a fleet may have a thousand."""

    def compose(self) -> ComposeResult:
        options = self.asrprof.options
        self._watcher = FleetWatcher(
            lambda: options.fleet(options.store), lambda seen: self._post(self.Looked(seen))
        )
        yield Static(id="fleet-line")
        yield Panel(
            "Nodes",
            Rows(COLUMNS, id="nodes", ellipsis=self.asrprof.glyphs.ellipsis),
            id="nodes-panel",
        )
        with (
            Panel("Node", id="node-panel"),
            VerticalScroll(id="node-scroll"),
            Container(id="node-body"),
        ):
            yield Static(id="node")
            yield Static(id="node-checks")

    def on_mount(self) -> None:
        self.set_interval(TICK_S, self._tick)

    def on_unmount(self) -> None:
        self._watcher.stop()

    def first_focus(self) -> Widget:
        return self.query_one("#node-scroll") if self._found is None else self.nodes

    @property
    def nodes(self) -> Rows:
        """The table."""
        return self.query_one("#nodes", Rows)

    @property
    def node(self) -> NodeView | None:
        """The node under the cursor."""
        key = self.nodes.key
        nodes = () if self._found is None else self._found.nodes
        return next((view for view in nodes if view.node.id == key), None)

    def receive(self, snapshot: Snapshot) -> None:
        self._watcher.look(True)
        self._show()

    def _tick(self) -> None:
        self._watcher.look(self.shows)
        if self.shows and self._seen.error:
            self._show_line()  # It says since when.

    def _post(self, message: Message) -> None:
        if self.is_attached:
            self.post_message(message)

    @on(Looked)
    def _looked(self, event: Looked) -> None:
        self._seen = event.seen
        if self.shows:
            self._show()

    # Drawing

    def _show(self) -> None:
        app, found = self.asrprof, self._seen.overview
        first = self._found is None and found is not None
        self._found = None if found is None else current(found, app.snapshot)
        panel = self.query_one("#nodes-panel", Panel)
        panel.display = self._found is not None
        self._show_line()
        if self._found is not None:
            self.nodes.show(self._make_rows(self._found))
        self._show_node()
        if first and self.query_one("#node-scroll").has_focus:
            self.nodes.focus()  # Which was not there when the tab was opened.

    def _show_line(self) -> None:
        app = self.asrprof
        self.query_one("#fleet-line", Static).update(
            summary(self._seen, self._found, app.options.clock(), app.palette, app.glyphs)
        )

    def _make_rows(self, found: Overview) -> list[Row]:
        palette, glyphs, made = self.asrprof.palette, self.asrprof.glyphs, self._rows
        self._rows = {}
        for view in found.nodes:
            jobs = [(j.id, j.benchmark, j.state, j.cases_done, j.cases_total) for j in view.jobs]
            of = (view.node, view.facts, jobs, palette)
            old = made.get(view.node.id)
            row = old[1] if old is not None and old[0] == of else None
            row = row or Row(view.node.id, node_cells(view, palette, glyphs))
            self._rows[view.node.id] = (of, row)
        return [row for _, row in self._rows.values()]

    @on(Rows.Highlighted, "#nodes")
    def _show_node(self) -> None:
        app, view = self.asrprof, self.node
        panel = self.query_one("#node-panel", Panel)
        left, right = self.query_one("#node", Static), self.query_one("#node-checks", Static)
        right.display = view is not None
        if view is None:
            asked = bool(self._seen.error) or self._found is not None
            panel.retitle("How to make a fleet" if asked else "")
            left.update(how_to(app.palette) if asked else "")
            return
        panel.retitle(f"Node {view.node.name}", view.node.id[:12])
        left.update(node_facts(view, app.snapshot, app.palette, app.glyphs, asks=self._seen.asks))
        right.update(node_checks(view, app.palette, app.glyphs))

    # Actions

    def _job(self) -> JobRow | None:
        """The job on the node under the cursor; says so where there is none."""
        view = self.node
        if view is None:
            self.asrprof.tell("there is no node")
        elif not view.jobs:
            self.asrprof.tell(f"no job of this store is on {plain(view.node.name)}")
        else:
            return view.jobs[0]
        return None

    @on(Rows.Chosen, "#nodes")
    def action_open(self) -> None:
        job = self._job()
        if job is not None:
            self.post_message(WatchJob(job.id))

    def action_log(self) -> None:
        job = self._job()
        if job is not None:
            self.asrprof.push_screen(LogScreen(job))

    def action_refresh(self) -> None:
        self._watcher.refresh()
        self.asrprof.tell("asking the cluster")
