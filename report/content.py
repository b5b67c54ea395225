"""What a page is made of, before it is HTML, PDF or Markdown.

The three renderers get the same frozen blocks, so they cannot say different things. Text is plain:
whatever must be escaped, the renderer escapes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Note:
    """A remark that must not be overlooked."""

    text: str
    kind: Literal["info", "warning"] = "info"


@dataclass(frozen=True)
class Bullets:
    """A list; an item may begin with a few words that stand out."""

    items: tuple[tuple[str, str], ...]
    """Lead (may be empty) and text."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    unit: str = ""
    text: bool = False
    """Words rather than figures: aligned to the left, and may be folded."""


@dataclass(frozen=True)
class Table:
    """Figures in rows."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    """Below the table: what marks and missing figures mean."""
    best: frozenset[tuple[int, int]] = field(default_factory=frozenset)
    """Row and column of the cells that stand out."""


@dataclass(frozen=True)
class Figure:
    """A drawing."""

    name: str
    """Of its file, without a suffix."""
    caption: str
    alt: str
    """What it shows, for those who cannot see it."""
    svg: str
    png: bytes
    narrow: str = ""
    """The same drawing for a telephone: panels below each other, letters as large as here."""


@dataclass(frozen=True)
class Card:
    """One choice with its reasons."""

    title: str
    about: str
    asked: str
    """The objective and the limits."""
    headline: str
    facts: tuple[tuple[str, str], ...]
    """Label and figure."""
    notes: tuple[str, ...] = ()
    decided: bool = True
    """Whether there is a choice at all."""


@dataclass(frozen=True)
class Cards:
    """Choices side by side."""

    cards: tuple[Card, ...]


Block = Text | Note | Bullets | Table | Figure | Cards


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """The whole study."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    """Label and figure, shown at the top."""
    sections: tuple[Section, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures, in the order of the page."""
        return tuple(
            block
            for section in self.sections
            for block in section.blocks
            if isinstance(block, Figure)
        )
