"""Actions of the tab Live."""

from __future__ import annotations

from tui.actions.action import Scope

SCOPE = Scope("live", "Live", ())
