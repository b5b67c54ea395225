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
from tui.base import AppBase
from tui.keys import keys_of
from tui.messages import ShowResults, WatchJob
from tui.plain import plain
from tui.view import View

JOBS = 50


@dataclass(frozen=True)
class Command:
    """One entry."""

    words: str
    run: Callable[[], Any]
    help: str | None = None


class ActionCommands(Provider):
    """Finds actions of the app and of the tab that shows, and what can be gone to."""

    async def discover(self) -> Hits:
        for command in self._actions():
            words = Content(command.words)
            yield DiscoveryHit(words, command.run, text=command.words, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in (*self._actions(), *self._jobs(), *self._themes()):
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
        app = self._app
        view = next(view for view in app.screen_stack[0].query(View) if view.shows)
        for owner, name in ((view, view.SCOPE), (app, "app")):
            for action in scope(name).actions:
                if action.writes and app.options.readonly:
                    continue
                keys = keys_of(action, app.options.keymap)
                named = action.label.lower() in action.help.lower()
                help = action.help if named else f"{action.label}: {action.help}"
                words = f"{help} ({keys})" if keys else help
                yield Command(words, partial(app.run_action, action.method, owner))

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
