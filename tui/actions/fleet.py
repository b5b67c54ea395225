"""Actions of the tab Fleet."""

from __future__ import annotations

from tui.actions.action import Action, Scope

SCOPE = Scope(
    "fleet",
    "Fleet",
    (
        Action("fleet.open", "o", "Watch", "Watch the job that runs on the node (also enter)"),
        Action("fleet.log", "l", "Log", "Show what that job's runner wrote"),
        Action("fleet.refresh", "r", "Ask again", "Ask the cluster now, and each node what it is"),
    ),
)
