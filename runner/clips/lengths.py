"""Lengths of clips that fit speech: a clip that holds one utterance is silence for the rest."""

from __future__ import annotations

from collections.abc import Sequence

LENGTHS_S = (2.0, 3.0, 5.0, 10.0)
"""Those that are proposed, below the usual one."""
FITS = 0.9
"""Share of the utterances that a length has to hold."""


def fitting(seconds: Sequence[float]) -> float | None:
    """The shortest length of clips that nearly all utterances fit into.

    Args:
        seconds: Lengths of the utterances.

    Returns:
        Seconds; None where there are no utterances, or they are as long as usual clips.
    """
    if not seconds:
        return None
    enough = sorted(seconds)[max(0, -int(-FITS * len(seconds) // 1) - 1)]
    return next((length for length in LENGTHS_S if enough <= length), None)
