"""One tab a file; each is imported when it is first opened: the first paint waits for one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.view import View

TITLES = {
    "home": "Home",
    "configs": "Configs",
    "queue": "Queue",
    "live": "Live",
    "results": "Results",
    "fleet": "Fleet",
}
"""The tabs by their scopes, in their order."""


def view_class(name: str) -> type[View]:
    """The view of a scope, ``HomeView`` of ``tui.views.home``."""
    found: type[View] = getattr(import_module(f"tui.views.{name}"), f"{TITLES[name]}View")
    return found
