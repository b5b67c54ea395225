"""Letters that no font here has: in the PDF they would be empty boxes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import findSystemFonts
from matplotlib.ft2font import FT2Font

OWN_FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
"""Those of the drawings, which come with matplotlib."""
_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "IDEOGRAPHIC")
_FIRST_NOT_LATIN = "\u0370"
"""What stands before it is in every font that the page is set in."""


def without_font(texts: Iterable[str]) -> str | None:
    """What the letters of texts lack here, in a line that says what to install; None if nothing.

    Args:
        texts: All that is on the page.
    """
    letters = {letter for text in texts for letter in text if letter >= _FIRST_NOT_LATIN}
    missing = {letter for letter in letters if unicodedata.category(letter)[0] in "LM"}
    for font in _fonts():
        if not missing:
            return None
        missing = {letter for letter in missing if ord(letter) not in _letters_of(font)}
    if not missing:
        return None
    scripts = sorted({_script(letter) for letter in missing})
    packages = sorted({_package(script) for script in scripts})
    named = ", ".join(script.title() if script != "CJK" else script for script in scripts)
    return (
        f"no font here has the letters of {named}, which are empty boxes in the PDF: "
        f"install {' and '.join(packages)}, or read the HTML page"
    )


def _fonts() -> Iterator[Path]:
    """Fonts that the compiler is given, then those of the machine, which it finds by itself."""
    yield from sorted(OWN_FONTS.glob("DejaVuSans*.ttf"))
    yield from map(Path, sorted(findSystemFonts()))


@cache
def _letters_of(font: Path) -> frozenset[int]:
    """The code points that a font has; none where it cannot be read."""
    try:
        return frozenset(FT2Font(str(font)).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


def _script(letter: str) -> str:
    """The first word of a letter's Unicode name."""
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]


def _package(script: str) -> str:
    """Debian's package with its letters."""
    return "fonts-noto-cjk" if script in _CJK else "fonts-noto-core"
