"""Results as charts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from report.one_speech import OtherData, caption_of_left_out, of_one_speech
from store import LeaderboardRow, LoadLevel, Store, StoreError
from tui.plain import plain
from tui.plot.scale import tick_label
from tui.plot.svg import to_svg
from tui.present import number
from tui.results.export import Export, rows_csv, rows_json
from tui.results.load_charts import LOADS, Levels
from tui.results.own_charts import MEASURES, axes_offered
from tui.results.plots import (
    KINDS,
    fixed_place,
    fixed_values,
    make_plot,
    places_of,
    plot_tsv,
    values_of,
)
from tui.results.points import ANY, Choices
from tui.views.results_pane import Pane, Upkeep
from tui.widgets.chart import Chart
from tui.widgets.choice import Choice

MOST = 5000
"""Cases that a chart looks at, the newest."""

MADE_OF = {"show": ("by-model", "load"), "x": ("own",), "y": ("own",)}
"""What a chart is made of by choice, and the kinds of chart that have this choice."""


class _Fixed(Choice):
    """Shows only what is chosen where the screen is narrow; the arrow keys lead to the others."""

    def render(self) -> Text:
        if not self._is_short():
            return super().render()
        return Text(f"[{self.value}]", self.get_component_rich_style("choice--chosen"))

    def on_click(self, event: events.Click) -> None:
        if self._is_short():
            self.action_turn(1)
        else:
            super().on_click(event)

    def _is_short(self) -> bool:
        # Places have long names, and there may be many of them.
        long = self.id == "chart-place" and not self.screen.has_class("-wide")
        return long or self.screen.has_class("-narrow")


class _Short(Choice):
    """Shows only what is chosen of many."""

    def render(self) -> Text:
        return Text(f"[{self.value}]", self.get_component_rich_style("choice--chosen"))

    def on_click(self, event: events.Click) -> None:
        self.action_turn(1)


class ChartsPane(Pane):
    """One chart at a time, and what it holds fixed."""

    class Read(Message):
        """The newest result of each case."""

        def __init__(self, rows: list[LeaderboardRow], levels: Levels, cost_s: float) -> None:
            """Keeps what was read.

            Args:
                rows: The newest result of each case.
                levels: Levels of load of those that have some.
                cost_s: Seconds that reading took.
            """
            super().__init__()
            self.rows = rows
            self.levels = levels
            self.cost_s = cost_s

    class Chosen(Message):
        """A point is to be opened."""

        def __init__(self, result_id: int) -> None:
            super().__init__()
            self.result_id = result_id

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._where: str | None = None
        self._rows: Sequence[LeaderboardRow] = ()
        self._other_data: Sequence[OtherData] = ()
        self._levels: Levels = {}
        self._choices = Choices(next(iter(KINDS)))
        self._seen: tuple[str | None, int, int] | None = None
        self._upkeep = Upkeep(self, self._ask)

    def compose(self) -> ComposeResult:
        names = [kind.name for kind in KINDS.values()]
        with Horizontal(id="chart-what"):
            yield Choice(names, names[0], id="chart-kind")
            yield Static("axes", id="axes-label", classes="muted", markup=False)
            yield _Fixed(("log", "linear"), "log", id="chart-log")
        with Horizontal(id="chart-fixed"):
            for name in MADE_OF:
                yield Static(name, id=f"{name}-label", classes="muted", markup=False)
                yield (Choice if name == "show" else _Short)((), id=f"chart-{name}")
            for name, label in (("audio", "audio s"), ("batch", "batch"), ("place", "on")):
                yield Static(label, id=f"{name}-label", classes="muted", markup=False)
                yield _Fixed((), id=f"chart-{name}")
        yield Static(id="chart-title", markup=False)
        yield Static(id="chart-caption", classes="muted", markup=False)
        yield Chart(glyphs=self.asrprof.glyphs, id="chart")

    @property
    def chart(self) -> Chart:
        """The chart."""
        return self.query_one(Chart)

    def first_focus(self) -> Widget:
        return self.chart

    def refilter(self, where: str | None) -> None:
        self._where = where

    def freshen(self) -> None:
        snapshot = self.asrprof.snapshot
        newest = snapshot.latest[0].result_id if snapshot.latest else 0
        seen = self._where, snapshot.results, newest
        if seen == self._seen:
            self._say()
            return
        other = self._seen is None or self._seen[0] != self._where
        self._seen = seen
        if other:
            self._ask()  # The user waits for it.
        else:
            self._upkeep.wanted()

    def _ask(self) -> None:
        where = self._where

        def read(store: Store) -> Message:
            import report.pareto  # noqa: F401  (not on the UI's thread, when a chart needs it)

            start = time.thread_time()
            try:
                rows = store.browse.newest(where, limit=MOST)
                levels = store.study.children(LoadLevel, [row.result_id for row in rows])
                return self.Read(rows, levels, time.thread_time() - start)
            except StoreError as error:
                if where is None:
                    raise
                return self.FilterFailed(str(error))

        self.asrprof.reader.ask(self, "newest", read, lambda message: message)

    @on(Read)
    def _read(self, event: Read) -> None:
        self._rows, self._other_data = of_one_speech(event.rows)
        self._levels = event.levels
        self._upkeep.took(event.cost_s)
        self._show()

    @on(Choice.Changed)
    def _chosen_otherwise(self, event: Choice.Changed) -> None:
        value = event.value
        if event.choice.id == "chart-kind":
            kind = next(kind.key for kind in KINDS.values() if kind.name == value)
            self._choices = replace(self._choices, kind=kind)
        elif event.choice.id == "chart-log":
            self._choices = replace(self._choices, log=value == "log")
        elif event.choice.id == "chart-audio":
            self._choices = replace(self._choices, audio_seconds=value)
        elif event.choice.id == "chart-place":
            self._choices = replace(self._choices, place=value)
        elif event.choice.id == "chart-show" and self._choices.kind == "load":
            self._choices = replace(self._choices, load=value)
        elif event.choice.id == "chart-show":
            self._choices = replace(self._choices, measure=value)
        elif event.choice.id == "chart-x":
            self._choices = replace(self._choices, x=value)
        elif event.choice.id == "chart-y":
            self._choices = replace(self._choices, y=value)
        else:
            self._choices = replace(self._choices, batch_size=value)
        self._show()

    def _show(self) -> None:
        kind = KINDS[self._choices.kind]
        places = places_of(self._rows)
        fixed_to = fixed_place(self._rows, self._choices)
        there = [row for row in self._rows if fixed_to in (ANY, row.place_and_variant)]
        values_fixed = fixed_values(there, self._choices)
        for column, name in (("audio_seconds", "audio"), ("batch_size", "batch")):
            choice = self.query_one(f"#chart-{name}", Choice)
            fixed = column in kind.fixes
            choice.display = self.query_one(f"#{name}-label").display = fixed
            if fixed:
                values = values_of(self._rows, column)
                if column in kind.may_vary:
                    values.insert(0, ANY)
                choice.offer(values, values_fixed[column])
        self._offer_made_of()
        place = self.query_one("#chart-place", Choice)
        place.display = self.query_one("#place-label").display = len(places) > 1
        place.offer([ANY, *places], fixed_to)
        plot = make_plot(self._rows, self._choices, self._levels)
        title = Text(plain(plot.title), "bold", no_wrap=True, overflow="ellipsis")
        self.query_one("#chart-title", Static).update(title)
        caption = self.query_one("#chart-caption", Static)
        said = ", ".join(filter(None, (plot.caption, caption_of_left_out(self._other_data))))
        caption.update(Text(plain(said), no_wrap=True, overflow="ellipsis"))
        caption.display = bool(said)
        self.chart.show(plot)
        self._say()

    def _offer_made_of(self) -> None:
        axes = axes_offered(self._rows)
        of_load = self._choices.kind == "load"
        shown = self._choices.load if of_load else self._choices.measure
        chosen = {"show": shown, "x": self._choices.x, "y": self._choices.y}
        for name, kinds in MADE_OF.items():
            choice = self.query_one(f"#chart-{name}", Choice)
            shows = self._choices.kind in kinds
            choice.display = self.query_one(f"#{name}-label").display = shows
            measures = list(LOADS if of_load else MEASURES)
            choice.offer(measures if name == "show" else axes, chosen[name])
        log = self._choices.kind != "by-model"  # A bar begins at nothing.
        self.query_one("#chart-log").display = log
        # By a class: a narrow screen has no room for the label anyway.
        self.query_one("#axes-label").set_class(not log, "-off")

    def next_kind(self) -> None:
        """Shows the next kind of chart."""
        self.query_one("#chart-kind", Choice).action_turn(1)

    def toggle_log(self) -> None:
        """Turns logarithmic axes on or off."""
        self.query_one("#chart-log", Choice).action_turn(1)

    @on(Chart.Moved)
    def _moved(self) -> None:
        self._say()

    @on(Chart.Chosen)
    def _point_chosen(self, event: Chart.Chosen) -> None:
        self.post_message(self.Chosen(event.point.id))

    def _say(self) -> None:
        muted = self.asrprof.palette.muted
        left = Text(f"newest of {len(self._rows):,} cases", no_wrap=True, overflow="ellipsis")
        right = Text(no_wrap=True, overflow="ellipsis")
        current, plot = self.chart.current, self.chart.plot
        if current is None:
            right.append("arrows go from point to point, shift+tab to the choices", muted)
        else:
            label, point = current
            right.append(plain(label), "bold")
            if not plot.bars:
                x = f"{plot.x.label} {tick_label(point.x)}{_unit(plot.x.unit)}"
                right.append(f"  {x}", muted)
            right.append(f"  {plot.y.label} {number(point.y)}{_unit(plot.y.unit)}")
            if point.low is not None and point.high is not None:
                right.append(f" [{number(point.low)}, {number(point.high)}]", muted)
            if point.note:
                right.append(f"  {plain(point.note)}", muted)
        self.post_message(self.Said(self, left, right))

    def exports(self) -> list[Export]:
        plot, rows = self.chart.plot, self._rows
        ids = {point.id for _, point in plot.points()}
        shown = [row for row in rows if row.result_id in ids]
        name = self._choices.kind
        return [
            Export("svg", name, lambda _: to_svg(plot)),
            Export("csv", name, lambda _: rows_csv(shown)),
            Export("json", name, lambda _: rows_json(shown)),
        ]

    def copied(self) -> str:
        return plot_tsv(self.chart.plot)


def _unit(unit: str) -> str:
    return f" {unit}" if unit else ""
