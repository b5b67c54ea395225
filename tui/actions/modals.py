"""Actions of the modals that several views use."""

from __future__ import annotations

from tui.actions.action import Action, Scope

SCOPES: tuple[Scope, ...] = (
    Scope(
        "help",
        "Help",
        (Action("help.close", "escape,q,?,f1", "Close", "Close the help"),),
    ),
    Scope("log", "Log", (Action("log.close", "escape,q,l", "Close", "Close the log"),)),
    Scope(
        "target",
        "Queue a config",
        (
            Action("target.queue", "enter", "Queue", "Queue it"),
            Action("target.close", "escape", "Cancel", "Do not queue it"),
        ),
    ),
    Scope(
        "save",
        "Save a config",
        (
            Action("save.save", "enter", "Save", "Save it"),
            Action("save.close", "escape", "Cancel", "Do not save it"),
        ),
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
