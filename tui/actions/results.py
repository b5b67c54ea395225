"""Actions of the tab Results and of its modals."""

from __future__ import annotations

from tui.actions.action import Scope

SCOPES: tuple[Scope, ...] = (Scope("results", "Results", ()),)
