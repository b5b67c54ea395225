"""Every action of the app, by scope: keys, footer, palette, help and docs/keys.md come from here.

An action ``queue.cancel`` is the method ``action_cancel`` of the widget whose ``SCOPE`` is
``queue``. A view or modal takes its bindings with ``BINDINGS = bindings("queue")``.
"""

from __future__ import annotations

from tui.actions import app, configs, fleet, home, live, modals, queue, results
from tui.actions.action import Action, Scope

SCOPES: tuple[Scope, ...] = (
    app.SCOPE,
    home.SCOPE,
    configs.SCOPE,
    queue.SCOPE,
    live.SCOPE,
    *results.SCOPES,
    fleet.SCOPE,
    *modals.SCOPES,
)


def scope(name: str) -> Scope:
    """The scope of a name; KeyError if there is none."""
    return {found.name: found for found in SCOPES}[name]


def every_action() -> tuple[Action, ...]:
    """All actions, in the order of the help."""
    return tuple(action for found in SCOPES for action in found.actions)
