"""What is done to both texts before their words are compared; each way has a name and a version.

Published error rates have moved with their normaliser, so a result says which one it had, and its
raw texts can be scored again under another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import metadata

from runner import __version__
from runner.config import ENGLISH, WORDS
from runner.errors import UserError
from runner.measure.scripts import (
    JOINERS,
    compatible,
    fold_apostrophes,
    is_latin,
    is_letter,
    is_mark,
    latin_share,
    lower,
)

WHISPER_ENGLISH = "whisper-normalizer/english"
"""The English normaliser published with Whisper, as the PyPI package `whisper-normalizer` has it.

It merges numbers that were spelt out and leaves figures apart: "seven three nine five" becomes one
word, "7, 3, 9, 5" stays four. It also takes letters for numbers: "C O two" becomes "c 02".
"""

SHORT_NAMES = {"english": ENGLISH, "words": WORDS}
"""What may be written for a name, and means the newest version. A result has the whole name."""

LOST_SHARE = 0.05
"""Of the words of the references: where a normaliser takes away from more of them what tells them
from other words, wrong words would be right by it, and it gives no rates."""

Rule = Callable[[str], str]


@dataclass(frozen=True)
class Normaliser:
    """One way to make texts comparable."""

    about: str
    make: Callable[[], Rule]
    """Imports and builds it; some take a while."""
    version: Callable[[], str]
    loses: Callable[[str], bool] = lambda word: False
    """Whether it takes away from a word what tells it from others."""
    english: bool = False
    """Whether it knows the spelling and the numbers of English."""
    older: bool = False
    """Whether it is kept for the results that have its name alone."""


def _english() -> Rule:
    from runner.measure.english import EnglishNormaliser

    return EnglishNormaliser()


def _english_1() -> Rule:
    from runner.measure.english import EnglishNormaliser1

    return EnglishNormaliser1()


def _whisper_english() -> Rule:
    from whisper_normalizer.english import EnglishTextNormalizer

    rule = EnglishTextNormalizer()
    return lambda text: str(rule(text))


def _basic() -> Rule:
    from whisper_normalizer.basic import BasicTextNormalizer

    rule = BasicTextNormalizer()
    return lambda text: str(rule(text)).strip()


def _words() -> Rule:
    """Lower case, and only letters, marks, digits, and apostrophes and joiners within words."""

    def kept(character: str) -> str:
        kind = unicodedata.category(character)
        if character == "'" or character in JOINERS or kind[0] in "LN":
            return character
        # What chooses the picture of a sign is a mark by its category, and part of no word.
        picture = kind[0] == "M" and "VARIATION SELECTOR" in unicodedata.name(character, "")
        if kind[0] == "M" and not picture:
            return character
        # Invisible signs within words, as the soft hyphen; the space of no width parts words.
        invisible = kind == "Cf" and character != "\N{ZERO WIDTH SPACE}"
        return "" if picture or invisible else " "

    def rule(text: str) -> str:
        text = lower(compatible(fold_apostrophes(text)))
        words = "".join(map(kept, text)).split()
        return " ".join(filter(None, (word.strip(f"'{JOINERS}") for word in words)))

    return rule


def _words_1() -> Rule:
    """The same without marks, and with one typographic apostrophe alone."""
    other = re.compile(r"[^\w']|_|(?<!\w)'|'(?!\w)")

    def rule(text: str) -> str:
        text = unicodedata.normalize("NFKC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        return " ".join(other.sub(" ", text.lower()).split())

    return rule


def _none() -> Rule:
    return lambda text: " ".join(text.split())


def _package() -> str:
    return metadata.version("whisper-normalizer")


def _own() -> str:
    return __version__


def _has_accent(word: str) -> bool:
    """Whether a Latin letter has something that English does without."""
    decomposed = unicodedata.normalize("NFD", word)
    return any(
        (is_letter(one) and is_latin(one) and not one.isascii())
        or (is_mark(one) and is_latin(before))
        for before, one in zip(" " + decomposed, decomposed, strict=False)
    )


def _has_mark(word: str) -> bool:
    return any(map(is_mark, unicodedata.normalize("NFKC", word.lower())))


def _has_any_mark(word: str) -> bool:
    """Whether there is a mark, also one that is written in one character with its letter."""
    from whisper_normalizer.basic import ADDITIONAL_DIACRITICS

    return any(map(is_mark, unicodedata.normalize("NFKD", word))) or any(
        character in ADDITIONAL_DIACRITICS for character in word
    )


NORMALISERS = {
    ENGLISH: Normaliser(
        "spelling and contractions of English, numbers digit by digit",
        _english,
        lambda: f"2 (whisper-normalizer {_package()})",
        loses=_has_accent,
        english=True,
    ),
    WORDS: Normaliser(
        "any language: lower case, no punctuation; words as they are", _words, lambda: "2"
    ),
    WHISPER_ENGLISH: Normaliser(
        "English with numbers as Whisper's publishers have them",
        _whisper_english,
        _package,
        loses=_has_any_mark,
        english=True,
    ),
    "whisper-normalizer/basic": Normaliser(
        "lower case, no punctuation, no symbols; not for scripts with marks, which it deletes",
        _basic,
        _package,
        loses=_has_mark,
    ),
    "none": Normaliser("as written: case and punctuation count", _none, _own),
    "asrprof/english-1": Normaliser(
        "English before typographic apostrophes and other scripts",
        _english_1,
        lambda: f"1 (whisper-normalizer {_package()})",
        loses=_has_any_mark,
        english=True,
        older=True,
    ),
    "words": Normaliser("words before marks", _words_1, _own, loses=_has_mark, older=True),
}


def named(text: str) -> str:
    """The whole name of a normaliser that a user has named.

    Raises:
        UserError: there is none of that name.
    """
    name = SHORT_NAMES.get(text, text)
    if name not in NORMALISERS:
        known = ", ".join(key for key, one in NORMALISERS.items() if not one.older)
        raise UserError(f"no normaliser {text!r}: write one of {known}")
    return name


def fit_for(references: Sequence[str]) -> str:
    """The normaliser of texts of which nothing else is known: English, unless they show more."""
    chosen = WORDS if lost_share(references, ENGLISH) > LOST_SHARE else ENGLISH
    return WORDS if latin_share(references) < 0.5 else chosen


def lost_share(references: Sequence[str], normaliser: str) -> float:
    """The share of the words that a normaliser takes something away from, 0 to 1."""
    loses = NORMALISERS[normaliser].loses
    words = [word for text in references for word in text.split()]
    return sum(map(loses, words)) / len(words) if words else 0.0


def unfit(references: Sequence[str], normaliser: str) -> str | None:
    """Why a normaliser can give no rates over these references; None where it can."""
    lost = lost_share(references, normaliser)
    if lost <= LOST_SHARE:
        return None
    return (
        f"{normaliser} takes letters or marks away from {lost:.0%} of the words of the references, "
        f"so that wrong words would be right; score by {WORDS}"
    )


def odd(references: Sequence[str], normaliser: str) -> str | None:
    """What a reader should know of a normaliser over these references; None for nothing."""
    share = latin_share(references)
    if not NORMALISERS[normaliser].english or share >= 0.5:
        return None
    return (
        f"{1 - share:.0%} of the letters of the references are not Latin, and {normaliser} knows "
        f"the spelling of English alone: {WORDS} is for any script"
    )


@lru_cache(maxsize=2**16)
def normalise(text: str, normaliser: str = ENGLISH) -> str:
    """The text as it is compared. Cached: references come again for every model, and it is slow."""
    return _rule(normaliser)(text)


def normaliser_version(normaliser: str = ENGLISH) -> str:
    """Version of a normaliser; published figures have moved with it."""
    return NORMALISERS[normaliser].version()


@cache
def _rule(normaliser: str) -> Rule:
    return NORMALISERS[normaliser].make()
