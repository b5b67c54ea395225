"""Everything that is known of one result, over the whole screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from store import StoredResult
from tui.base import AppPart
from tui.bindings import bindings
from tui.plot.model import Plot
from tui.results import detail, detail_plots, detail_times, detail_words
from tui.results.alignment import AlignedClip, align_clips
from tui.widgets.chart import Chart
from tui.widgets.panel import Panel
from tui.widgets.parts import Parts

PARTS = {
    "figures": "Figures",
    "stages": "Stages",
    "samples": "Samples",
    "energy": "Energy",
    "operators": "Operators",
    "transcripts": "Transcripts",
    "environment": "Machine",
}
_CHARTS: dict[str, Callable[[StoredResult], Plot]] = {
    "stages": detail_plots.decoder_plot,
    "samples": detail_plots.samples_plot,
    "energy": detail_plots.power_plot,
}
"""Parts with a chart below; it is hidden where there is nothing to draw."""


class ResultScreen(AppPart, ModalScreen[None]):
    """One result, a part at a time."""

    SCOPE = "result"
    BINDINGS: ClassVar[list[BindingType]] = bindings("result")
    AUTO_FOCUS = "#result-scroll"

    class Read(Message):
        """The result with all its children."""

        def __init__(self, stored: StoredResult) -> None:
            super().__init__()
            self.stored = stored

    class Aligned(Message):
        """Its transcripts, word by word."""

        def __init__(self, number: int, clips: list[AlignedClip]) -> None:
            super().__init__()
            self.number = number
            self.clips = clips

    def __init__(self, result_id: int, order: Sequence[int] = ()) -> None:
        """Shows one result.

        Args:
            result_id: Which.
            order: Those that one can go on to, in their order.
        """
        super().__init__()
        self._number = result_id
        self._order = order
        self._stored: StoredResult | None = None
        self._clips: list[AlignedClip] | None = None

    def compose(self) -> ComposeResult:
        with Panel(f"Result {self._number}", classes="dialog whole", id="result-panel"):
            with Horizontal(id="result-head"):
                yield Parts(PARTS, "figures", id="result-parts")
                yield Static("esc closes", id="result-hint", classes="muted", markup=False)
            with VerticalScroll(id="result-scroll"):
                yield Static("reading", id="result-text", markup=False)
            yield Chart(glyphs=self.asrprof.glyphs, id="result-chart")
        # Over that of the tab, whose keys do nothing here.
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one(Chart).display = False
        self._ask()

    def _ask(self) -> None:
        number = self._number
        self.asrprof.reader.ask(self, "result", lambda store: store.result(number), self.Read)

    @on(Read)
    def _read(self, event: Read) -> None:
        if event.stored.id != self._number:
            return  # Of the result before.
        self._stored = event.stored
        self.query_one("#result-panel", Panel).retitle(
            f"Result {self._number}", detail.title(event.stored)[:100]
        )
        self._open(self.query_one(Parts).current)

    @on(Aligned)
    def _aligned(self, event: Aligned) -> None:
        if event.number == self._number:
            self._clips = event.clips
            self._show()

    @on(Parts.Chosen)
    def _part_chosen(self, event: Parts.Chosen) -> None:
        self._open(event.key)

    def on_resize(self) -> None:
        if self._stored is not None:
            self._show()

    def action_next(self) -> None:
        self._open(self.query_one(Parts).beside(1))

    def action_previous(self) -> None:
        self._open(self.query_one(Parts).beside(-1))

    def action_later(self) -> None:
        self._go(1)

    def action_earlier(self) -> None:
        self._go(-1)

    def _go(self, by: int) -> None:
        """Goes on in the order of the table; the part stays."""
        order = list(self._order)
        place = order.index(self._number) + by if self._number in order else -1
        if not 0 <= place < len(order):
            self.asrprof.tell("there is no further result in the table")
            return
        self._number = order[place]
        self._stored = self._clips = None
        self._ask()

    def action_copy(self) -> None:
        if self._stored is not None:
            self.app.copy_to_clipboard(detail.as_json(self._stored))
            self.asrprof.tell(f"result {self._number} copied as JSON")

    def action_close(self) -> None:
        self.dismiss()

    def _open(self, key: str) -> None:
        self.query_one(Parts).current = key
        self.query_one("#result-scroll", VerticalScroll).scroll_home(animate=False)
        if key == "transcripts" and self._clips is None and self._stored is not None:
            number, result = self._number, self._stored.result
            normaliser = None if result.quality is None else result.quality.normaliser
            self.asrprof.worker.ask(
                self,
                "align",
                lambda _: align_clips(result.transcripts, normaliser),
                lambda clips: self.Aligned(number, clips),
            )
        self._show()

    def _show(self) -> None:
        stored, key = self._stored, self.query_one(Parts).current
        if stored is None:
            return
        self.query_one("#result-text", Static).update(self._part(stored, key))
        chart = self.query_one(Chart)
        plot = _CHARTS[key](stored) if key in _CHARTS else None
        chart.display = plot is not None and any(plot.points())
        self.set_class(chart.display, "-charted")
        if plot is not None and chart.display:
            chart.show(plot)

    def _part(self, stored: StoredResult, key: str) -> RenderableType:
        palette, glyphs = self.asrprof.palette, self.asrprof.glyphs
        width = self.query_one("#result-scroll").size.width
        make: dict[str, Callable[[], RenderableType]] = {
            "figures": lambda: detail.figures(stored, palette, glyphs),
            "stages": lambda: detail_times.stages(stored, palette, glyphs, width),
            "samples": lambda: detail_times.histogram(stored, palette, glyphs, width),
            "energy": lambda: detail.energy(stored, palette, glyphs),
            "operators": lambda: detail.operators(stored, palette, glyphs, width),
            "transcripts": lambda: self._transcripts(stored),
            "environment": lambda: detail.environment(stored, palette),
        }
        return make[key]()

    def _transcripts(self, stored: StoredResult) -> RenderableType:
        palette = self.asrprof.palette
        if self._clips is None:
            return Text("aligning the words", palette.muted)
        return detail_words.transcripts(stored, self._clips, palette, self.asrprof.glyphs)
