"""The line that a filter is written in."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from tui.bindings import bindings
from tui.widgets.keys_in_order import LineInput


class FilterInput(LineInput):
    """Says in the footer how one gets out of it."""

    SCOPE = "filter"
    BINDINGS: ClassVar[list[BindingType]] = bindings("filter")

    async def action_leave(self) -> None:
        """Goes back to the results; the filter stays."""
        await self.action_submit()
