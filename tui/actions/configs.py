"""Actions of the tab Configs."""

from __future__ import annotations

from tui.actions.action import Action, Scope

SCOPE = Scope(
    "configs",
    "Configs",
    (
        Action("configs.edit", "e", "Edit", "Edit the config in the form (also enter)"),
        Action("configs.queue", "a", "Queue", "Queue the config on a target", writes=True),
        Action("configs.save", "ctrl+s", "Save", "Save the config to a file", writes=True),
        Action("configs.duplicate", "c", "Copy", "Make a copy of the config to change"),
        Action("configs.editor", "E", "$EDITOR", "Edit the config's JSON in your own editor"),
        Action("configs.json", "v", "JSON", "Show the form or the JSON"),
        Action("configs.revert", "u", "Revert", "Take back all changes since the last save", False),
        Action("configs.list", "escape", "List", "Go back from the form to the list"),
        Action("configs.reload", "r", "Reload", "Read the folder of configs again", False),
    ),
)
