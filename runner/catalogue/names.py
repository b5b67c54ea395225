"""What is said of a name that is not known."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """One line with the nearest known name, or with all there are.

    Args:
        what: What the name should be of, in a word.
        name: The name.
        known: Those there are.
    """
    near = get_close_matches(name, known, n=1)
    hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"
    return f'unknown {what} "{name}"; {hint}'
