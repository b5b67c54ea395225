"""Actions of the modals that several views use."""

from __future__ import annotations

from tui.actions.action import Action, Scope

SCOPES: tuple[Scope, ...] = (
    Scope(
        "help",
        "Help",
        (Action("help.close", "escape,q,?,f1", "Close", "Close the help"),),
    ),
    Scope(
        "confirm",
        "Questions",
        (
            Action("confirm.yes", "y", "Yes", "Answer yes"),
            Action("confirm.no", "n,escape", "No", "Answer no"),
        ),
    ),
)
