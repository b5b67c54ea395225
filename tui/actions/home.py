"""Actions of the tab Home."""

from __future__ import annotations

from tui.actions.action import Action, Scope

SCOPE = Scope(
    "home",
    "Home",
    (
        Action("home.demo", "d", "Run demo", "Queue the demo on this machine", writes=True),
        Action("home.examine", "r", "Examine", "Examine this machine again"),
    ),
)
