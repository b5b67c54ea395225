"""Names in a table that are wider than their column: broken behind a sign, not within a word."""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from runner.cli.plain import plain

_PIECES = re.compile(r"[^/_.@-]*[/_.@-]?")
LEAST = 14
"""Cells that a name may ask for at the least; a longer word of it is cut where it must be."""


class Name:
    """A model's or a variant's name as a cell."""

    def __init__(self, name: str) -> None:
        """Control characters of ``name`` are shown, not obeyed."""
        self._name = plain(name)

    def lines(self, width: int) -> list[str]:
        """The name in lines of so many cells; only a word that is longer makes a longer one."""
        lines = [""]
        for piece in _PIECES.findall(self._name):
            if lines[-1] and cell_len(lines[-1] + piece) > width:
                lines.append("")
            lines[-1] += piece
        return lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("\n".join(self.lines(options.max_width)), overflow="fold")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = max(map(cell_len, _PIECES.findall(self._name)))
        return Measurement(min(longest, LEAST), cell_len(self._name)).with_maximum(
            options.max_width
        )
