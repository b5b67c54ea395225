"""What a server says of an error, as it may be shown."""

from __future__ import annotations

import json

MOST_WORDS = 160
"""Characters of it that are shown."""


def said_in(body: bytes) -> str:
    """The message of an error, in the shapes that servers give it; else all that it said."""
    words = body.decode("utf-8", "replace")
    try:
        said = json.loads(words)
    except (ValueError, RecursionError):
        return words
    for name in ("error", "message", "detail"):
        said = said.get(name, said) if isinstance(said, dict) else said
    return said if isinstance(said, str) else words


def shown(words: str, key: str | None) -> str:
    """Words of a server or a library, short, on one line and without the key.

    Args:
        words: What was said.
        key: What must not be repeated, or None.
    """
    if key:
        words = words.replace(key, "***")
    words = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return words if len(words) <= MOST_WORDS else f"{words[: MOST_WORDS - 3]}..."
