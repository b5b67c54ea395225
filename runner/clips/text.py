"""Transcripts as data sets write them, cleaned of tags that are not words."""

from __future__ import annotations

import re

_PUNCTUATION = {
    "<COMMA>": ",",
    "<PERIOD>": ".",
    "<QUESTIONMARK>": "?",
    "<EXCLAMATIONPOINT>": "!",
}
_NO_SPEECH = ("<SIL>", "<MUSIC>", "<NOISE>", "<OTHER>")
# Both sets: https://github.com/SpeechColab/GigaSpeech, "Text Pre-Processing".

_MARK = re.compile(r"\s*(" + "|".join(_PUNCTUATION) + ")", re.IGNORECASE)
_GARBAGE = re.compile("|".join(_NO_SPEECH), re.IGNORECASE)


def clean_transcript(raw: str) -> str | None:
    """Turn GigaSpeech's tags into punctuation and join white space.

    Returns:
        The transcript, or None where it holds no letter or digit beside the tags: no speech.
    """
    text = _MARK.sub(lambda match: _PUNCTUATION[match[1].upper()], raw)
    text = " ".join(_GARBAGE.sub(" ", text).split())
    return text if any(character.isalnum() for character in text) else None
