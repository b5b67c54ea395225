"""The command palette: every action that works now."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import scope
from tui.actions.action import Action

if TYPE_CHECKING:
    from tui.app import AsrprofApp


class ActionCommands(Provider):
    """Finds actions of the app and of the tab that shows."""

    async def discover(self) -> Hits:
        for action in self._actions():
            yield DiscoveryHit(action.label, partial(self._run, action), help=action.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in self._actions():
            words = f"{action.label}: {action.help}"
            score = matcher.match(words)
            if score > 0:
                yield Hit(score, matcher.highlight(words), partial(self._run, action))

    @property
    def _app(self) -> AsrprofApp:
        return cast("AsrprofApp", self.app)

    def _actions(self) -> Iterator[Action]:
        yield from scope(self._app.view.SCOPE).actions
        yield from scope("app").actions

    async def _run(self, action: Action) -> None:
        owner = self._app if action.id.startswith("app.") else self._app.view
        await self._app.run_action(action.method, owner)
