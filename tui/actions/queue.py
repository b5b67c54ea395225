"""Actions of the tab Queue."""

from __future__ import annotations

from tui.actions.action import Scope

SCOPE = Scope("queue", "Queue", ())
