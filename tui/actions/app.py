"""Actions that work everywhere."""

from __future__ import annotations

from tui.actions.action import Action, Scope

SCOPE = Scope(
    "app",
    "Everywhere",
    (
        Action("app.tab-home", "1", "Home", "Go to Home", footer=False),
        Action("app.tab-configs", "2", "Configs", "Go to Configs", footer=False),
        Action("app.tab-queue", "3", "Queue", "Go to Queue", footer=False),
        Action("app.tab-live", "4", "Live", "Go to Live", footer=False),
        Action("app.tab-results", "5", "Results", "Go to Results", footer=False),
        Action("app.tab-fleet", "6", "Fleet", "Go to Fleet", footer=False),
        Action("app.command-palette", "ctrl+p", "Find", "Find any action by its name"),
        Action("app.help", "?,f1", "Help", "Show the keys that work here"),
        Action("app.theme", "ctrl+t", "Theme", "Turn from dark to light, or back", footer=False),
        Action("app.maximise", "+", "Maximise", "Give the focused part the whole screen", False),
        Action("app.quit", "q", "Quit", "Quit; running jobs go on"),
    ),
)
