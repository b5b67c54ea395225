"""A table of any number of rows, drawn line by line.

Rich's own table measures and renders every cell as if it were a document, which takes a quarter of
a second for 200 results. Here a cell that fits its column is text and blanks; one that does not
is folded by Rich.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from runner.cli.names import Name
from runner.cli.plain import plain

GAP = 2
"""Blanks between two columns."""
LEAST = 8
"""Cells of the terminal that a column keeps however narrow that is."""

Cell = str | Text | Name
"""What a table takes: text that may come from anywhere, text with a style, or a name."""


@dataclass
class _Column:
    heading: tuple[str, ...]
    right: bool
    fold: bool
    least: int
    width: int | None
    cells: list[Cell] = field(default_factory=list)

    @property
    def natural(self) -> int:
        """Its width where there is room."""
        if self.width is not None:
            return self.width
        return max(map(_width, (*self.heading, *self.cells)), default=0)

    @property
    def smallest(self) -> int:
        """Its width where there is none."""
        if not self.fold:
            return self.natural
        names = (cell.least for cell in self.cells if isinstance(cell, Name))
        return min(self.natural, max(self.least, max(names, default=0)))


class QuickTable:
    """Columns side by side, their headings over a line."""

    def __init__(self, title: str = "") -> None:
        """Stands below ``title``, if there is one."""
        self._title = title
        self._columns: list[_Column] = []

    def add_column(
        self,
        heading: str = "",
        *,
        right: bool = False,
        fold: bool = True,
        least: int = LEAST,
        width: int | None = None,
    ) -> None:
        """Adds a column, before any row.

        Args:
            heading: In one line or more; a table without any heading has no line below it.
            right: Whether cells stand at the right.
            fold: Whether cells are folded where the terminal is narrow, rather than shown whole.
            least: Cells of the terminal that the column has at the least.
            width: That it always has; as many as it needs when None.
        """
        lines = tuple(heading.split("\n")) if heading else ()
        self._columns.append(_Column(lines, right, fold, least, width))

    def add_row(self, *cells: Cell) -> None:
        """Adds a cell to every column."""
        for column, cell in zip(self._columns, cells, strict=True):
            column.cells.append(plain(cell) if isinstance(cell, str) else cell)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = self._widths(options.max_width)
        if self._title:
            yield Text(self._title, style="bold")
        height = max(len(column.heading) for column in self._columns)
        if height:
            bold = console.get_style("table.header")
            for line in range(height):
                # They stand on the line below them.
                words = [
                    ("",) * (height - len(column.heading)) + column.heading
                    for column in self._columns
                ]
                yield from self._line([each[line] for each in words], widths, bold)
            rule = "-" if options.ascii_only else "─"
            yield Segment(rule * (sum(widths) + GAP * (len(widths) - 1)))
            yield Segment.line()
        for row in zip(*(column.cells for column in self._columns), strict=True):
            if all(map(_fits, row, widths)):
                yield from self._line(row, widths, None, console)
            else:
                yield from self._folded(row, widths, console, options)

    def _widths(self, room: int) -> list[int]:
        """Cells of the terminal for each column; the widest that may be folded give way first."""
        widths = [column.natural for column in self._columns]
        smallest = [column.smallest for column in self._columns]
        room -= GAP * (len(widths) - 1)
        while sum(widths) > room:
            able = [place for place, width in enumerate(widths) if width > smallest[place]]
            if not able:
                # A terminal of a few cells: what stands at the right is cut.
                break
            widths[max(able, key=lambda place: widths[place])] -= 1
        return widths

    def _line(
        self,
        row: tuple[Cell, ...] | list[str],
        widths: list[int],
        style: Style | None,
        console: Console | None = None,
    ) -> Iterator[Segment]:
        """A row of cells that fit."""
        last = len(widths) - 1
        for place, (column, cell, width) in enumerate(zip(self._columns, row, widths, strict=True)):
            text = _text(cell)
            blanks = " " * (width - cell_len(text))
            own = style
            if console is not None and isinstance(cell, Text) and cell.style:
                own = console.get_style(cell.style)
            if column.right:
                yield Segment(blanks)
            yield Segment(text, own)
            after = "" if column.right else blanks
            yield Segment(after if place == last else f"{after}{' ' * GAP}")
        yield Segment.line()

    def _folded(
        self, row: tuple[Cell, ...], widths: list[int], console: Console, options: ConsoleOptions
    ) -> Iterator[Segment]:
        """A row of which a cell takes several lines."""
        blocks = [
            console.render_lines(
                Text(cell) if isinstance(cell, str) else cell,
                options.update(
                    width=width, justify="right" if column.right else "left", overflow="fold"
                ),
            )
            for column, cell, width in zip(self._columns, row, widths, strict=True)
        ]
        for line in range(max(map(len, blocks))):
            for place, (block, width) in enumerate(zip(blocks, widths, strict=True)):
                if place:
                    yield Segment(" " * GAP)
                yield from block[line] if line < len(block) else [Segment(" " * width)]
            yield Segment.line()


def _text(cell: Cell) -> str:
    return cell.plain if isinstance(cell, Text) else cell.text if isinstance(cell, Name) else cell


def _width(cell: Cell) -> int:
    return max(map(cell_len, _text(cell).split("\n")))


def _fits(cell: Cell, width: int) -> bool:
    """Whether a cell is one line of its column."""
    if isinstance(cell, Text) and (cell.spans or "\n" in cell.plain):
        return False
    return cell_len(_text(cell)) <= width
