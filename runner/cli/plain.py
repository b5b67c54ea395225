"""Text from configs, stores and other people's files, made safe to print on a terminal."""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.text import Text

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters: ESC begins a terminal's commands
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # change the direction of what follows
    "\u2028\u2029"  # end a line for some readers
    "\ud800-\udfff]"  # halves of a character, which no encoding takes
)


_IN_ASCII = {"≈": "~", "±": "+", "×": "x", "→": ">", "–": "-", "…": "."}
"""Signs of one column for those that a terminal cannot write; any other becomes ``?``."""


def write_what_can_be(*streams: TextIO) -> None:
    """Makes streams take any text: a sign that their encoding lacks is replaced, no error."""
    codecs.register_error("asrprof", _replaced)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(errors="asrprof")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(sign, "?") for sign in lacking), error.end


def plain(value: str) -> str:
    r"""``value`` on one line, with what a terminal would obey or choke on shown as ``\x1b``."""
    return _UNPRINTABLE.sub(_escaped, re.sub(r"\s*[\t\n\r]\s*", " ", value))


def cell(value: str, style: str = "") -> Text:
    """``value`` as it is: no markup, no emoji codes, no control characters."""
    # Not at the top: a plain line, as an error is, needs no rich text.
    from rich.text import Text

    return Text(plain(value), style=style)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")
