"""Actions of the tab Live."""

from __future__ import annotations

from tui.actions.action import Action, Scope

SCOPE = Scope(
    "live",
    "Live",
    (
        Action("live.previous", "[", "Before", "Show the job before, where several run", False),
        Action("live.next", "]", "Next job", "Show the next job, where several run", False),
        Action("live.panel", "v", "View", "Show the log, the cases or the operators"),
        Action("live.log", "l", "Log", "Show the log over the whole screen"),
        Action("live.results", "o", "Results", "Show the results of this job"),
        Action("live.pause", "p", "Pause", "Stop redrawing, or go on; the job does not notice"),
        Action("live.cancel", "x", "Cancel", "Cancel the job; finished cases stay", writes=True),
    ),
)
