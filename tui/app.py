"""The app: its tabs, the threads behind them, and what belongs to no tab.

Threads only post messages; the handlers here and in the views own all state of the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.filter import LineFilter
from textual.theme import Theme
from textual.widgets import ContentSwitcher, Footer

from tui.ascii_filter import AsciiFilter
from tui.base import AppBase
from tui.bindings import bindings, normal_keymap
from tui.commands import ActionCommands
from tui.contrast_filter import ContrastFilter
from tui.messages import (
    DispatcherSaid,
    Failed,
    ShowResult,
    ShowResults,
    StoreChanged,
    Told,
    WatchJob,
)
from tui.options import Options
from tui.screens.help import HelpScreen
from tui.store_thread import StoreThread, TaskThread
from tui.themes import DARK, LIGHT, THEMES
from tui.view import View
from tui.views import TITLES, view_class
from tui.watcher import Watcher
from tui.widgets.tab_bar import TabBar


class AsrprofApp(AppBase):
    """The terminal UI over one store."""

    TITLE = "asrprof"
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        "styles/app.tcss",
        "styles/home.tcss",
        "styles/configs.tcss",
        "styles/queue.tcss",
        "styles/live.tcss",
        "styles/results.tcss",
        "styles/fleet.tcss",
        "styles/modals.tcss",
    ]
    SCOPE = "app"
    # A second click would select all there is, and nothing but a third click takes that back; `y`
    # copies, and terminals select by shift and the mouse.
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("app"),
        # Before the widget in focus has its turn, or what is typed next would still go to that one.
        Binding("tab", "focus_next", show=False, priority=True),
        Binding("shift+tab", "focus_previous", show=False, priority=True),
    ]
    COMMANDS: ClassVar[set[type[Provider]]] = {ActionCommands}  # type: ignore[assignment]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.watcher = Watcher(
            options.store,
            tell=lambda snapshot: self.post(StoreChanged(snapshot)),
            fail=lambda reason: self.post(Failed(reason)),
            readonly=options.readonly,
            clock=options.clock,
            poll_s=options.poll_s,
        )
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = options.theme or DARK
        self.set_class(options.ascii, "-ascii")
        self._own_filters: list[LineFilter] = [ContrastFilter()]
        if options.ascii:
            self._own_filters.append(AsciiFilter())
        if options.keymap:
            self.set_keymap(normal_keymap(options.keymap))

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self._own_filters]

    def compose(self) -> ComposeResult:
        yield TabBar(TITLES)
        yield ContentSwitcher(id="tabs")
        yield Footer(show_command_palette=False, compact=True)

    async def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, self._recolour)
        await self.open_tab("home")
        for thread in self._threads:
            thread.start()
        if self.dispatcher is not None:
            self.dispatcher.start()

    def on_unmount(self) -> None:
        # All are told before any is waited for; what is in a query or a stop is left behind.
        for seconds in (0.0, 0.05):
            for thread in self._threads:
                thread.stop(seconds)
            if self.dispatcher is not None:
                self.dispatcher.stop(seconds)

    def _recolour(self, _: Theme) -> None:
        for view in self.tabs.query(View):
            view.recolour()

    @property
    def _threads(self) -> tuple[StoreThread | TaskThread | Watcher, ...]:
        return (self.reader, self.writer, self.worker, self.targets, self.watcher)

    # Tabs

    @property
    def tabs(self) -> ContentSwitcher:
        """What holds the views."""
        return self.screen_stack[0].query_one("#tabs", ContentSwitcher)

    @property
    def view(self) -> View:
        """The tab that shows."""
        return self.tabs.get_child_by_id(self.tabs.current or "home", expect_type=View)

    async def open_tab(self, name: str) -> None:
        """Shows a tab; mounts it when it is the first time."""
        if self.tabs.current == name:
            return
        if not self.tabs.query_children(f"#{name}"):
            await self.tabs.add_content(view_class(name)(id=name))
        self.tabs.current = name
        self.query_one(TabBar).current = name
        self.view.receive(self.snapshot)
        # At once, not after the next paint: a key that follows quickly belongs to this tab.
        self._focus_view()

    def _focus_view(self) -> None:
        screen = self.screen_stack[0]
        if screen.focused is None or self.view not in screen.focused.ancestors_with_self:
            screen.set_focus(self.view.first_focus(), scroll_visible=False)

    @on(TabBar.Chosen)
    async def _tab_chosen(self, event: TabBar.Chosen) -> None:
        await self.open_tab(event.name)

    async def action_tab_home(self) -> None:
        await self.open_tab("home")

    async def action_tab_configs(self) -> None:
        await self.open_tab("configs")

    async def action_tab_queue(self) -> None:
        await self.open_tab("queue")

    async def action_tab_live(self) -> None:
        await self.open_tab("live")

    async def action_tab_results(self) -> None:
        await self.open_tab("results")

    async def action_tab_fleet(self) -> None:
        await self.open_tab("fleet")

    # Where its parts lead

    @on(WatchJob)
    async def _watch_job(self, event: WatchJob) -> None:
        from tui.views.live import LiveView

        await self.open_tab("live")
        self.tabs.query_one(LiveView).show_job(event.job_id)

    @on(ShowResults)
    async def _show_results(self, event: ShowResults) -> None:
        from tui.views.results import ResultsView

        await self.open_tab("results")
        self.tabs.query_one(ResultsView).show_job(event.job_id)

    @on(ShowResult)
    async def _show_result(self, event: ShowResult) -> None:
        from tui.views.results import ResultsView

        await self.open_tab("results")
        self.tabs.query_one(ResultsView).show_result(event.result_id)

    # What threads say

    @on(StoreChanged)
    def _store_changed(self, event: StoreChanged) -> None:
        self.snapshot = event.snapshot
        self.screen_stack[0].query_one(TabBar).receive(event.snapshot)
        self.view.receive(event.snapshot)

    @on(Failed)
    def _failed(self, event: Failed) -> None:
        self.tell(event.reason, severity="error")

    @on(Told)
    def _told(self, event: Told) -> None:
        if event.words:
            self.tell(event.words)

    @on(DispatcherSaid)
    def _dispatcher_said(self, event: DispatcherSaid) -> None:
        self.screen_stack[0].query_one(TabBar).said = event.words

    # Actions

    def action_help(self) -> None:
        self.push_screen(HelpScreen(self.view.SCOPE))

    def action_theme(self) -> None:
        self.theme = LIGHT if self.current_theme.dark else DARK
        self.tell(f"theme {self.theme}; ctrl+p finds the others")

    def action_maximise(self) -> None:
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.screen.focused is not None:
            self.screen.maximize(self.screen.focused)
