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

_UNSCORED = ("ignore_time_segment_in_scoring", "inter_segment_gap", "excluded_region")
"""What scoring tools leave out: NIST's sclite, and TED-LIUM, ESTER and EdAcc after it."""

_MARKED = re.compile(r"[<\[{*(]")
"""Where none of these stands, no tag does."""

_MARK = re.compile(r"\s*(" + "|".join(_PUNCTUATION) + ")", re.IGNORECASE)
_GARBAGE = re.compile("|".join(_NO_SPEECH), re.IGNORECASE)
_IGNORED = re.compile("|".join(rf"\b{name}\b" for name in _UNSCORED), re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\{[^{}]*\}|\*[^*]*\*")
_SOUNDS = re.compile(
    r"\((?:\w+ )?(?:noise|laughs?|laughter|laughing|music|applause|silence|inaudible|"
    r"unintelligible|crosstalk|coughs?|breath|breathing|sighs?|clears throat)(?: \w+)?\)",
    re.IGNORECASE,
)
"""Sounds in parentheses; other parentheses may hold words that are said."""

_TAG = re.compile(r"<([^<>]*)>|\[([^\[\]]*)\]|\{([^{}]*)\}|\*([^*]*)\*|\(([^()]*)\)")
_NOBODY = re.compile(
    r"(?:\w+[ _-])?(?:sil(?:ence)?|noise|music|laughs?|laughter|laughing|applause|coughs?|coughing|"
    r"breath|breathing|sighs?|pause|beeps?|clicks?|no[ _-]?speech)",
    re.IGNORECASE,
)
"""Sounds that are no word; in `<unk>` or `[inaudible]` somebody may have said one."""


def says_no_word(raw: str) -> bool:
    """Whether a transcript is of sounds alone, so that whatever is written of it is made up."""
    tags = [next(filter(None, groups), "").strip() for groups in _TAG.findall(raw)]
    rest = _TAG.sub(" ", raw)
    return bool(tags) and all(map(_NOBODY.fullmatch, tags)) and not any(map(str.isalnum, rest))


def clean_transcript(raw: str) -> str | None:
    """Turn GigaSpeech's tags into punctuation and join white space.

    Returns:
        The transcript, or None where nothing is to be scored: no letter or digit beside tags such
        as `<unk>` and `[noise]`, or a marker that says so.
    """
    if "_" in raw and _IGNORED.search(raw):
        return None
    if not _MARKED.search(raw):
        return " ".join(raw.split()) if any(map(str.isalnum, raw)) else None
    text = _MARK.sub(lambda match: _PUNCTUATION[match[1].upper()], raw)
    text = " ".join(_GARBAGE.sub(" ", text).split())
    spoken = _SOUNDS.sub(" ", _TAGS.sub(" ", text))
    return text if any(character.isalnum() for character in spoken) else None
