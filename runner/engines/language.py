"""Which language a model is told to transcribe. Every engine asks here.

A Whisper's prompt has it as a token, which ``whisper_prompt`` finds, and some language models read
its name or code; every other model that runs here is told nothing, and transcribes what it was
trained on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from runner.catalogue.models import CATALOGUE
from runner.config import DETECT
from runner.errors import Refused
from store.records import LanguageBy

_DETECT = ("whisper", "qwen3-asr", "voxtral")
"""Families that find out which language is spoken."""
_LISTED = 30
"""Most languages that an error lists."""


@dataclass(frozen=True)
class Language:
    """A language, and who chose it."""

    code: str
    """ISO 639, as the model spells it: ``de``; ``detect`` where it is found out for each window."""
    by: LanguageBy


def check_language(name: str, asked: str | None) -> None:
    """Looks, by its name alone, whether a model supports a language.

    Args:
        name: The model.
        asked: A code, ``detect`` or None for whatever the model is made for.

    Raises:
        Refused: it does not; one line with those that it does.
    """
    entry = CATALOGUE.get(name)
    if asked is None or entry is None or not entry.languages:
        return
    if asked == DETECT and entry.family in _DETECT and len(entry.languages) > 1:
        return
    if asked not in entry.languages:
        raise lacks(name, asked, entry.languages)


def told_language(name: str, asked: str | None) -> Language | None:
    """The language of a model whose engine tells it none; None where nothing says which it is.

    Args:
        name: The model.
        asked: A code, ``detect`` or None.

    Raises:
        Refused: it is to be detected, which such a model does not do.
    """
    if asked == DETECT:
        raise Refused(f'{name} detects no language: leave out "language": "detect"')
    if asked is not None:
        return Language(asked, "config")
    entry = CATALOGUE.get(name)
    if entry is not None and len(entry.languages) == 1:
        return Language(entry.languages[0], "model")
    return None


def prompted_language(name: str, asked: str | None, languages: Collection[str]) -> Language:
    """The language that a prompt names; English where none is asked for.

    Args:
        name: The model.
        asked: A code, ``detect`` or None.
        languages: The codes of those that it has.

    Raises:
        Refused: it does not have the one that is asked for.
    """
    if asked is None:
        return Language("en", "default")
    if asked != DETECT and asked not in languages:
        raise lacks(name, asked, languages)
    return Language(asked, "config")


def lacks(name: str, asked: str, languages: Collection[str]) -> Refused:
    """The refusal of a language that a model does not have.

    Args:
        name: The model.
        asked: What it was asked for.
        languages: The codes of those that it has.
    """
    known = ", ".join(sorted(languages)[:_LISTED]) + (", ..." if len(languages) > _LISTED else "")
    if asked == DETECT:
        return Refused(f'{name} supports {known} alone: leave out "language": "detect"')
    return Refused(f'{name} does not support "{asked}", only {known}: correct "language"')
