"""Which script a text is written in, and what of it a normaliser must not touch."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""Parts of words in Persian and in the scripts of India: they say how letters are joined."""

_APOSTROPHES = str.maketrans(
    dict.fromkeys(
        "\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}\N{FULLWIDTH APOSTROPHE}", "'"
    )
)
_WITHOUT_SPACES = ("CJK ", "HIRAGANA ", "KATAKANA ", "THAI ", "LAO ", "KHMER ", "MYANMAR ")
_AM = {"\u0e4d\u0e32": "\N{THAI CHARACTER SARA AM}", "\u0ecd\u0eb2": "\N{LAO VOWEL SIGN AM}"}


def fold_apostrophes(text: str) -> str:
    """Typographic apostrophes as the one of typewriters."""
    return text.translate(_APOSTROPHES)


def lower(text: str) -> str:
    """Lower case; of the Turkish capital i with a dot a plain i, not one with a second dot."""
    return text.replace("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i").lower()


def compatible(text: str) -> str:
    """NFKC, but the vowel am of Thai and Lao stays the one character that people write."""
    text = unicodedata.normalize("NFKC", text)
    for parts, whole in _AM.items():
        text = text.replace(parts, whole)
    return text


@lru_cache(maxsize=2**14)
def is_letter(character: str) -> bool:
    """Whether it is a letter of any script."""
    return unicodedata.category(character)[0] == "L"


@lru_cache(maxsize=2**14)
def is_mark(character: str) -> bool:
    """Whether it is written above, below or around the letter before it."""
    return unicodedata.category(character)[0] == "M"


@lru_cache(maxsize=2**14)
def is_latin(character: str) -> bool:
    """Whether it is a Latin letter, with an accent or without."""
    return "LATIN" in unicodedata.name(character, "")


def latin_share(texts: Iterable[str]) -> float:
    """The share of their letters that are Latin; 1 where there is no letter."""
    letters = [character for text in texts for character in text if is_letter(character)]
    return sum(map(is_latin, letters)) / len(letters) if letters else 1.0


def without_spaces(texts: Iterable[str]) -> bool:
    """Whether most letters are of scripts that put no space between words."""
    letters = [character for text in texts for character in text if is_letter(character)]
    return 2 * sum(map(_spaceless, letters)) > len(letters)


@lru_cache(maxsize=2**14)
def _spaceless(character: str) -> bool:
    return unicodedata.name(character, "").startswith(_WITHOUT_SPACES)
