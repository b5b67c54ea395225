"""Clips of an exact length from whole utterances of anyone, filled as full as they can be.

Unrelated speakers meet inside a clip, which no recording does: some models end their text there.
`continuous` is the way that does not do this; this one is kept for comparison with it.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from runner.clips.clip import Utterance
from runner.clips.joining import (
    GAP_SAMPLES,
    SILENCE,
    Group,
    Packing,
    clip_samples,
    clips_of,
    drawn_samples,
    nothing_fits,
    rank,
    too_long,
)
from runner.errors import UserError


def pack(
    utterances: Sequence[Utterance], *, audio_seconds: float, seed: int, mixed: bool = False
) -> Packing:
    """Fill clips one after the other; every utterance that fits goes into exactly one.

    A clip starts with the next utterance of a shuffled order and then takes, again and again, the
    longest remaining one that still fits. That order is SHA-256 of seed, length and utterance id.

    Of mixed lengths, each clip is filled up to a length of its own, drawn evenly in the same way
    between a quarter of the longest length and all of it, and ends where its speech does. One that
    starts with a longer utterance is as long as that; one that finds nothing more to take is
    shorter.

    Args:
        utterances: With different ids.
        audio_seconds: Exact length of every clip; of mixed lengths the longest.
        seed: Seed of the order.
        mixed: Whether clips are of different lengths.

    Returns:
        The clips, of origin "any" where they join several utterances, whoever speaks.

    Raises:
        UserError: no utterance is as short as a clip.
    """
    total = clip_samples(audio_seconds)
    shuffled = sorted(
        (utterance for utterance in utterances if len(utterance.sound) <= total),
        key=lambda utterance: rank(seed, total, utterance.id),
    )
    if not shuffled:
        raise UserError(nothing_fits(utterances, audio_seconds))
    places = _fill(
        [len(utterance.sound) for utterance in shuffled],
        [drawn_samples(seed, total, u.id) if mixed else total for u in shuffled],
    )
    groups = [
        Group(
            utterances=tuple(shuffled[index] for index in group),
            pauses=(SILENCE,) * (len(group) - 1),
            origin="any" if len(group) > 1 else "utterance",
        )
        for group in places
    ]
    clips = clips_of(groups, audio_seconds=audio_seconds, mixed=mixed)
    return Packing(clips=clips, omitted=too_long(utterances, total))


def _fill(lengths: Sequence[int], totals: Sequence[int]) -> list[list[int]]:
    """Indices of `lengths` in groups, with a gap between two.

    A group that index `i` begins fits into `totals[i]`, unless `lengths[i]` alone does not.
    """
    # Sorted by length, among equals the later first: the last that fits is the right one.
    remaining = sorted((length, -index) for index, length in enumerate(lengths))
    taken = [False] * len(lengths)
    groups: list[list[int]] = []
    for first, length in enumerate(lengths):
        if taken[first]:
            continue
        del remaining[bisect.bisect_left(remaining, (length, -first))]
        group = [first]
        room = totals[first] - length - GAP_SAMPLES
        while (position := bisect.bisect_left(remaining, (room + 1,))) > 0:
            chosen_length, chosen = remaining.pop(position - 1)
            group.append(-chosen)
            room -= chosen_length + GAP_SAMPLES
        for index in group:
            taken[index] = True
        # Back to the shuffled order, or every clip would run from long to short.
        groups.append(sorted(group))
    return groups
