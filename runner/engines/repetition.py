"""Texts that repeat themselves: a decoder without a way out of a loop goes on to its limit."""

from __future__ import annotations

import textwrap
import zlib

THRESHOLD = 2.4
"""Above it a text repeats itself; the value with which Whisper's publishers reject a hypothesis
(`compression_ratio_threshold` of their `transcribe.py`)."""

PART_CHARACTERS = 600
"""About what is said in half a minute. Ordinary text compresses better the longer it is, so that
the threshold, which was chosen for windows of 30 s, would take a long transcript for a loop."""


def compression_ratio(text: str) -> float:
    """Bytes of a text by bytes of it compressed with zlib; 0 of an empty one.

    A text that is longer than ``PART_CHARACTERS`` is cut at words into parts of at most that
    length, and the part that repeats itself most counts.
    """
    parts = textwrap.wrap(text, PART_CHARACTERS, break_on_hyphens=False)
    return max(map(window_compression_ratio, parts), default=0.0)


def loops(at_limit: bool | None, ratio: float | None) -> bool:
    """Whether a hypothesis ran into the length limit or repeats itself.

    Args:
        at_limit: Whether the decoder ended at its limit; None where there is no such limit.
        ratio: What `compression_ratio` says of its text.
    """
    return bool(at_limit) or (ratio is not None and ratio > THRESHOLD)


def window_compression_ratio(text: str) -> float:
    """The `compression_ratio` of a window's text as a whole, as the publishers take it."""
    raw = text.strip().encode("utf-8", errors="replace")
    return len(raw) / len(zlib.compress(raw))
