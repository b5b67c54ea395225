"""Who speaks, and in which recording, as manifests and data sets write it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from runner.errors import UserError

RECORDING_KEYS = ("recording", "recording_id", "meeting_id", "session_id", "audio_id")
"""Keys that may name the recording, in order of preference."""

SPEAKER_KEYS = ("speaker", "speaker_id", "client_id")
"""Keys that may name the speaker, in order of preference."""

LANGUAGE_KEYS = ("language", "lang", "locale")
"""Keys that may name the language, in order of preference."""

_CHAPTER_KEY = "chapter_id"
"""Of LibriSpeech and its kin: a chapter as one reader recorded it."""

LABEL_KEYS = (*RECORDING_KEYS, *SPEAKER_KEYS, *LANGUAGE_KEYS, _CHAPTER_KEY)
"""Every key that `labels` looks at."""

_PLACEHOLDERS = frozenset({"", "n/a", "none", "unknown", "unnamed", "anonymous", "-"})
"""What data sets write for a name that they do not know."""

# Reader, chapter, number within the chapter: no date and no telephone number looks like this. The
# numbers stay below a thousand; words may stand before them, as in "test-clean-1688-142285-0001".
_LIBRISPEECH = re.compile(r"(?:[A-Za-z]+[-_])*([1-9]\d{1,4})-([1-9]\d{2,5})-0\d{3}", re.ASCII)


@dataclass(frozen=True)
class Labels:
    """Recording, speaker and language of an utterance; None where they are not known."""

    recording: str | None = None
    speaker: str | None = None
    language: str | None = None


def labels(row: Mapping[str, object], names: Iterable[str], where: str) -> Labels:
    """What a row says of recording, speaker and language; where it does not, a LibriSpeech name.

    Args:
        row: Key or column, and its value.
        names: The utterance's id and its file: one such as `1688-142285-0001` names both.
        where: What errors call the row.

    Raises:
        UserError: a name is neither text nor a number.
    """
    stated = _first(row, SPEAKER_KEYS, where)
    recording = _first(row, RECORDING_KEYS, where)
    chapter = _first(row, (_CHAPTER_KEY,), where)
    language = _first(row, LANGUAGE_KEYS, where)
    if recording is None and chapter is not None:
        recording = f"{stated}-{chapter}" if stated is not None else chapter
    for name in names:
        found = _LIBRISPEECH.fullmatch(_stem(name))
        if found:
            return Labels(recording or f"{found[1]}-{found[2]}", stated or found[1], language)
    return Labels(recording, stated, language)


def unicode_text(value: str, key: str, where: str) -> str:
    """The value itself.

    Args:
        value: What a row holds.
        key: Under which key.
        where: What errors call the row.

    Raises:
        UserError: half a surrogate pair, which JSON can spell and no file or text can hold.
    """
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UserError(f'{where}: "{key}" is not Unicode text; correct the line') from error
    return value


def _stem(name: str) -> str:
    """The last part of an id or a path, without the ending of an audio file."""
    # Text, not paths: there may be a million.
    last = name.rstrip("/").rpartition("/")[2]
    stem, ending = posixpath.splitext(last)
    return stem if ending.lower() in (".flac", ".wav", ".ogg", ".mp3") else last


def _first(row: Mapping[str, object], keys: Iterable[str], where: str) -> str | None:
    """The first key's name that is no placeholder."""
    for key in keys:
        name = _name(row.get(key), key, where)
        if name is not None:
            return name
    return None


def _name(value: object, key: str, where: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UserError(f'{where}: "{key}" must be text or a number; correct the line')
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a table with a gap in a column of numbers holds 1688.0
    name = unicode_text(str(value), key, where).strip()
    return None if name.lower() in _PLACEHOLDERS else name
