"""What tables are made of, for those who describe one and those who draw it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from rich.text import Text

Record = TypeVar("Record")
Tone = Literal["", "muted", "good", "warn", "bad"]
"""What a cell's colour says; its text says it too."""
Cell = tuple[str, Tone]


@dataclass(frozen=True)
class Column(Generic[Record]):
    """A column of fixed width, of any number of records: see ``widgets.query_table``."""

    key: str
    """Known to the owner; what a click on its heading says."""
    label: str
    width: int
    """Cells, at least those of the label; an arrow for the order stands in the gap behind."""
    cell: Callable[[Record], Cell]
    right: bool = False
    """Whether its values stand at the right, as figures do."""
    help: str = ""
    """One line that says what it is."""


@dataclass(frozen=True)
class FlexColumn:
    """A column that makes room for others and takes what is left over: see ``widgets.rows``."""

    title: str
    width: int
    """Least width in cells."""
    grow: int = 0
    """Its share of the cells that are left over."""
    align: Literal["left", "right"] = "left"
    keep: int = 9
    """Where there is too little room, columns of the lowest ``keep`` go first."""


@dataclass(frozen=True)
class Row:
    """One row below such columns; its cells are ``Text``, because what is in them is data."""

    key: str
    cells: tuple[Text, ...]
