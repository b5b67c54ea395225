"""Text from configs, logs and stores, made safe to show: data never commands the terminal.

A widget gets ``Text`` objects only, never strings that Textual would read as markup.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size
from rich.text import Text

LONGEST = 2000
"""Characters of one value that are looked at; nobody reads more in a line."""

UNPRINTABLE = (
    "\x00-\x1f\x7f-\x9f"  # control characters: ESC begins a terminal's commands
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # change the direction of what follows
    "\u2028\u2029\ufeff"  # end a line for some readers; have no width for others
    "\ud800-\udfff"  # halves of a character, which no encoding takes
)
"""What a pattern's character class must hold to find all that is never shown as it is."""

_UNPRINTABLE = re.compile(f"[{UNPRINTABLE}]")
_ESCAPE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links, clipboards
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"  # strings for devices
    r"|\x1b[ -/]*[0-~]"
)


def plain(value: str) -> str:
    r"""``value`` on one line, with what a terminal would obey shown as ``\x1b``."""
    text = value[:LONGEST] + ("…" if len(value) > LONGEST else "")
    return _UNPRINTABLE.sub(_escaped, re.sub(r"\s*[\t\n\r]\s*", " ", text))


def log_line(value: str) -> str:
    """A line of a program's output as it would have looked: colours and cursor moves taken out.

    A progress bar writes over its own line with carriage returns: what it wrote last is kept.
    """
    shown = _ESCAPE.sub("", value[-4 * LONGEST :]).rstrip("\r\n").rpartition("\r")[2]
    return plain(shown.expandtabs(4))


def cell(value: str, style: str = "") -> Text:
    """``value`` as it is: no markup, no control characters, one line."""
    return Text(plain(value), style=style, no_wrap=True, overflow="ellipsis")


def fit(value: str, width: int, *, right: bool = False, ellipsis: str = "…") -> str:
    """``value``, plain, in exactly ``width`` cells; what does not fit ends in an ellipsis.

    Args:
        value: The text.
        width: Cells to fill.
        right: Whether to set the text at the right.
        ellipsis: What the text ends in where it is cut; one cell.
    """
    text = plain(value)
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(0, width - 1)) + ellipsis[:width]
    padding = " " * (width - length)
    return padding + text if right else text + padding


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")
