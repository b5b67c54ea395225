"""What a column of a table is; no Textual, so that whoever describes columns needs none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Row = TypeVar("Row")
Tone = Literal["", "muted", "good", "warn", "bad"]
"""What a cell's colour says; its text says it too."""
Cell = tuple[str, Tone]


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column."""

    key: str
    """Known to the owner; what a click on its heading says."""
    label: str
    width: int
    """Cells, at least those of the label; an arrow for the order stands in the gap behind."""
    cell: Callable[[Row], Cell]
    right: bool = False
    """Whether its values stand at the right, as figures do."""
    help: str = ""
    """One line that says what it is."""
