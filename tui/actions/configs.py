"""Actions of the tab Configs."""

from __future__ import annotations

from tui.actions.action import Scope

SCOPE = Scope("configs", "Configs", ())
