"""A grid of characters to draw on, with eight braille dots a cell or plain ASCII."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.cells import cell_len

Role = str
"""What a character belongs to: ``axis``, ``grid``, ``text``, ``front`` or ``series-3``."""

_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of the dots of a cell, by row and column."""

_JOINERS = "\u200d\ufe0e\ufe0f"
"""They change the width of what stands beside them, and no two terminals agree how."""


@dataclass
class Canvas:
    """Characters by row and column, each with a role. Later drawing covers earlier."""

    width: int
    height: int
    ascii: bool = False
    cells: dict[tuple[int, int], tuple[str, Role]] = field(default_factory=dict)
    """By column and row."""
    _bits: dict[tuple[int, int], int] = field(default_factory=dict)

    @property
    def dots_across(self) -> int:
        """Places across, for ``line``."""
        return self.width if self.ascii else 2 * self.width

    @property
    def dots_down(self) -> int:
        """Places down, for ``line``."""
        return self.height if self.ascii else 4 * self.height

    def put(self, column: int, row: int, text: str, role: Role) -> None:
        """Writes characters; what lies outside is left out.

        Args:
            column: Where the first character goes, in cells from the left.
            row: Lines from the top.
            text: The characters.
            role: What they stand for; it gives their colour.
        """
        if not 0 <= row < self.height:
            return
        for letter in text:
            if letter in _JOINERS:
                continue
            size = cell_len(letter)
            if size == 0 and (column - 1, row) in self.cells:
                before, role = self.cells[column - 1, row]
                self.cells[column - 1, row] = before + letter, role
            elif column >= 0 and column + size <= self.width:
                self.cells[column, row] = letter, role
                if size == 2:  # A wide character takes the next cell too.
                    self.cells[column + 1, row] = "", role
            column += size

    def dot(self, x: int, y: int, role: Role, *, stroke: str = ".") -> None:
        """Sets one dot.

        Args:
            x: Dots from the left.
            y: Dots from the top.
            role: What it stands for; it gives its colour.
            stroke: The character that is drawn in its place in plain ASCII.
        """
        if not (0 <= x < self.dots_across and 0 <= y < self.dots_down):
            return
        if self.ascii:
            self.cells[x, y] = stroke, role
            return
        place = x // 2, y // 4
        self._bits[place] = self._bits.get(place, 0) | _DOTS[y % 4][x % 2]
        self.cells[place] = chr(_BRAILLE + self._bits[place]), role

    def line(
        self, start: tuple[int, int], end: tuple[int, int], role: Role, *, every: int = 1
    ) -> None:
        """Draws a straight line of dots.

        Args:
            start: Dots from the left and from the top.
            end: The same of the other end.
            role: What it stands for; it gives its colour.
            every: Set only each n-th dot.
        """
        (x0, y0), (x1, y1) = start, end
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        if steps > 20_000:
            return
        for step in range(0, steps + 1, every):
            x = x0 + round((x1 - x0) * step / steps)
            y = y0 + round((y1 - y0) * step / steps)
            self.dot(x, y, role, stroke="|" if x0 == x1 else ".")

    def rows(self) -> list[list[tuple[str, Role]]]:
        """Each row as runs of text of one role."""
        found = []
        for row in range(self.height):
            runs: list[tuple[str, Role]] = []
            for column in range(self.width):
                letter, role = self.cells.get((column, row), (" ", ""))
                if runs and runs[-1][1] == role:
                    runs[-1] = runs[-1][0] + letter, role
                else:
                    runs.append((letter, role))
            found.append(runs)
        return found
