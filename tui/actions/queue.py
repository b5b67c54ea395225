"""Actions of the tab Queue."""

from __future__ import annotations

from tui.actions.action import Action, Scope

SCOPE = Scope(
    "queue",
    "Queue",
    (
        Action("queue.open", "o", "Open", "Watch the job, or see its results (also enter)"),
        Action(
            "queue.cancel", "x", "Cancel", "Cancel the job; what it finished stays", writes=True
        ),
        Action("queue.retry", "r", "Retry", "Queue an ended job again; it goes on", writes=True),
        Action("queue.up", "K,shift+up", "Up", "Move a waiting job up", writes=True),
        Action("queue.down", "J,shift+down", "Down", "Move a waiting job down", writes=True),
        Action(
            "queue.top", "T", "First", "Make a waiting job the first", footer=False, writes=True
        ),
        Action(
            "queue.delete",
            "D,delete",
            "Delete",
            "Delete the job and its results",
            footer=False,
            writes=True,
        ),
        Action("queue.log", "l", "Log", "Show what the job's runner wrote"),
        Action(
            "queue.pause",
            "p",
            "Pause",
            "Start no further jobs from here, or start them again; what runs goes on",
            writes=True,
        ),
    ),
)
