"""The page as Markdown, with the drawings as files beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from report.content import Block, Bullets, Card, Cards, Figure, Note, Page, Table, Text

PROGRAM = "asrprof "
"""How a fact begins that is a command."""


def render_markdown(page: Page, *, figures: str = "figures") -> str:
    """The page as GitHub's Markdown.

    Args:
        page: The page.
        figures: Folder of the SVG files, relative to the page.
    """
    lines = [f"# {_escape(page.title)}", "", _escape(page.subtitle), ""]
    lines += [f"- {_escape(label)}: {_escape(text)}" for label, text in page.facts]
    for section in page.sections:
        lines += ["", f"## {_escape(section.title)}"]
        for block in section.blocks:
            lines += ["", *_block(block, figures)]
    return "\n".join(lines) + "\n"


def _block(block: Block, figures: str) -> Iterator[str]:
    match block:
        case Text(text):
            yield _rich(text)
        case Note(text, kind):
            yield f"> [!{'WARNING' if kind == 'warning' else 'NOTE'}]"
            yield f"> {_rich(text)}"
        case Bullets(items):
            for lead, text in items:
                yield f"- **{_escape(lead)}** {_rich(text)}" if lead else f"- {_rich(text)}"
        case Table():
            yield from _table(block)
        case Figure(name, caption, alt):
            yield f"![{_escape(alt)}]({figures}/{name}.svg)"
            yield ""
            yield f"*{_escape(caption)}*"
        case Cards(cards):
            for card in cards:
                yield from _card(card)


def _table(table: Table) -> Iterator[str]:
    yield f"**{_escape(table.caption)}**"
    yield ""
    heads = [f"{c.title} ({c.unit})" if c.unit else c.title for c in table.columns]
    yield f"| {' | '.join(map(_escape, heads))} |"
    yield f"|{'|'.join('---' if column.text else '--:' for column in table.columns)}|"
    for number, row in enumerate(table.rows):
        cells = [
            f"**{_escape(cell)}**" if (number, place) in table.best else _escape(cell)
            for place, cell in enumerate(row)
        ]
        yield f"| {' | '.join(cells)} |"
    if table.notes:
        yield ""
        yield "<br>".join(map(_escape, table.notes))


def _card(card: Card) -> Iterator[str]:
    yield f"### {_escape(card.title)}: {_escape(card.headline)}"
    yield ""
    yield f"{_escape(card.about)} {_escape(card.asked)}"
    yield ""
    for label, text in card.facts:
        # What is to be copied into a terminal must stay as it is.
        words = _code(text) if text.startswith(PROGRAM) else _escape(text)
        yield f"- {_escape(label)}: {words}"
    for note in card.notes:
        yield f"- **{_escape(note)}**"
    yield ""


def _code(text: str) -> str:
    """A span of code, whatever is in it."""
    runs = re.findall("`+", text)
    fence = "`" * (1 + max(map(len, runs), default=0))
    pad = " " if runs else ""
    return f"{fence}{pad}{_one_line(text)}{pad}{fence}"


def _rich(text: str) -> str:
    """Backticks mean code in a page's text as in Markdown; what is between is left alone."""
    parts = _one_line(text).split("`")
    return "`".join(part if place % 2 else _marked(part) for place, part in enumerate(parts))


def _escape(text: str) -> str:
    """Text that Markdown and HTML in it leave as it is, on one line."""
    return _marked(_one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _marked(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for mark in "*_[]|`#":
        text = text.replace(mark, f"\\{mark}")
    return text
