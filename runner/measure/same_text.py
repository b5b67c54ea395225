"""Whether a variant says what its baseline says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SameText:
    """How many of some utterances have the same text under both."""

    utterances: int
    same: int


def compare_texts(ours: Mapping[str, str], theirs: Mapping[str, str]) -> SameText:
    """Raw texts of the same utterances, by utterance."""
    return SameText(len(ours), sum(theirs.get(one) == text for one, text in ours.items()))
