"""What is done to both texts before their words are compared; each way has a name and a version.

Published error rates have moved with their normaliser, so a result says which one it had, and its
raw texts can be scored again under another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import metadata

from runner import __version__

NORMALISER = "whisper-normalizer/english"
"""The English normaliser published with Whisper, as the PyPI package `whisper-normalizer` has it.

It rewrites what it takes for numbers, also where letters were meant: "C O two" becomes "c 02". The
same is done to both texts, so it costs accuracy only where one of them is written differently.
"""

Rule = Callable[[str], str]


@dataclass(frozen=True)
class Normaliser:
    """One way to make texts comparable."""

    about: str
    make: Callable[[], Rule]
    """Imports and builds it; some take a while."""
    version: Callable[[], str]


def _english() -> Rule:
    from whisper_normalizer.english import EnglishTextNormalizer

    rule = EnglishTextNormalizer()
    return lambda text: str(rule(text))


def _basic() -> Rule:
    from whisper_normalizer.basic import BasicTextNormalizer

    rule = BasicTextNormalizer()
    return lambda text: str(rule(text)).strip()


def _words() -> Rule:
    """Lower case, and only letters, digits and apostrophes within words."""
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


NORMALISERS = {
    NORMALISER: Normaliser("numbers, spelling and contractions of English", _english, _package),
    "whisper-normalizer/basic": Normaliser(
        "any language: lower case, no punctuation, no symbols", _basic, _package
    ),
    "words": Normaliser("lower case, no punctuation; words as they are", _words, _own),
    "none": Normaliser("as written: case and punctuation count", _none, _own),
}


@lru_cache(maxsize=2**16)
def normalise(text: str, normaliser: str = NORMALISER) -> str:
    """The text as it is compared. Cached: references come again for every model, and it is slow."""
    return _rule(normaliser)(text)


def normaliser_version(normaliser: str = NORMALISER) -> str:
    """Version of a normaliser; published figures have moved with it."""
    return NORMALISERS[normaliser].version()


@cache
def _rule(normaliser: str) -> Rule:
    return NORMALISERS[normaliser].make()
