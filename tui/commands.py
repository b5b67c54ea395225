"""The command palette: every action that works now, jobs, results and themes by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from store import HELD
from tui.actions import scope
from tui.actions.action import Action
from tui.base import AppBase
from tui.keys import keys_of
from tui.messages import ShowResults, WatchJob
from tui.plain import plain
from tui.view import View

JOBS = 50
_TO_TAB = "app.tab-"
TABS = [a.id.removeprefix(_TO_TAB) for a in scope("app").actions if a.id.startswith(_TO_TAB)]
"""The tabs by their scopes, in their order."""
READ_S = 0.05
READ_TRIES = 60
"""A tab that was just opened is waited for so often, ``READ_S`` apart."""


@dataclass(frozen=True)
class Command:
    """One entry."""

    words: str
    run: Callable[[], Any]
    help: str | None = None


class ActionCommands(Provider):
    """Finds actions of the app and of every tab, those of the one that shows first, and jobs."""

    async def discover(self) -> Hits:
        for command in self._actions():
            words = Content(command.words)
            yield DiscoveryHit(words, command.run, text=command.words, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in (*self._actions(), *self._elsewhere(), *self._jobs(), *self._themes()):
            score = matcher.match(command.words)
            if score > 0:
                _, places = matcher.fuzzy_search.match(matcher.query, command.words)
                shown = Content(command.words)
                for place in places:
                    shown = shown.stylize(matcher.match_style, place, place + 1)
                yield Hit(score, shown, command.run, text=command.words, help=command.help)

    @property
    def _app(self) -> AppBase:
        return cast(AppBase, self.app)

    def _actions(self) -> Iterator[Command]:
        app, view = self._app, self._view
        for owner, name in ((view, view.SCOPE), (app, "app")):
            for action, words in self._named(name):
                yield Command(words, partial(app.run_action, action.method, owner))

    def _elsewhere(self) -> Iterator[Command]:
        """What other tabs can do: the tab is opened, and then it does it."""
        for name in TABS:
            if name != self._view.SCOPE:
                for action, words in self._named(name):
                    do = partial(self._do_there, name, action)
                    yield Command(f"{scope(name).title}: {words}", do)

    def _named(self, name: str) -> Iterator[tuple[Action, str]]:
        """The actions of a scope that may be done, with their words and keys."""
        options = self._app.options
        for action in scope(name).actions:
            if action.writes and options.readonly:
                continue
            keys = keys_of(action, options.keymap)
            named = action.label.lower() in action.help.lower()
            help = action.help if named else f"{action.label}: {action.help}"
            yield action, f"{help} ({keys})" if keys else help

    @property
    def _view(self) -> View:
        """The tab that shows."""
        return next(view for view in self._app.screen_stack[0].query(View) if view.shows)

    async def _do_there(self, name: str, action: Action) -> None:
        app = self._app
        await app.run_action(f"tab_{name}")
        self._when_read(app, partial(app.run_action, action.method, self._view), READ_TRIES)

    def _when_read(self, app: AppBase, do: Callable[[], Any], tries: int) -> None:
        """Does it once the tab has read what it shows: before, there is nothing to act on."""
        if tries and not app.reader.idle:
            app.set_timer(READ_S, partial(self._when_read, app, do, tries - 1))
        else:
            app.call_later(do)

    def _jobs(self) -> Iterator[Command]:
        app = self._app
        for job in app.snapshot.jobs[:JOBS]:
            words = f"Go to job {job.id}: {plain(job.benchmark)[:60]}"
            go = WatchJob if job.state in HELD else ShowResults
            yield Command(words, partial(app.post_message, go(job.id)), job.state)

    def _themes(self) -> Iterator[Command]:
        app = self._app
        for name in app.available_themes:
            yield Command(f"Theme {name}", partial(setattr, app, "theme", name))
