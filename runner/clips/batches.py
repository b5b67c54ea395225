"""The cycle of batches that every engine and variant goes round."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from runner.clips.clip import Clip, Waveform


def batches(
    clips: Sequence[Clip], batch_size: int, count: int, *, by_length: bool = False
) -> list[tuple[Clip, ...]]:
    """The first `count` batches of clips in their order, wrapping round at the end.

    With fewer clips than `batch_size` a batch holds a clip more than once.

    Args:
        clips: At least one.
        batch_size: Clips in a batch.
        count: Batches in the cycle.
        by_length: Sort the same clips by length before they are cut into batches, the longest
            first: what does not fit into memory fails at once.

    Raises:
        ValueError: nothing to take, or nothing asked for.
    """
    if not clips or batch_size < 1 or count < 1:
        raise ValueError("batches need at least one clip, a batch size and a count of 1 or more")
    taken = [clips[place % len(clips)] for place in range(batch_size * count)]
    if by_length:
        taken = longest_first(taken)
    return [tuple(taken[start : start + batch_size]) for start in range(0, len(taken), batch_size)]


def longest_first(clips: Sequence[Clip]) -> list[Clip]:
    """Clips by length; those of one length stay in their order."""
    return sorted(clips, key=lambda clip: -len(clip.sound))


def waveforms(batches: Sequence[Sequence[Clip]]) -> list[list[Waveform]]:
    """The waveforms of batches; a clip that is in several places is read and held once."""
    read: dict[int, Waveform] = {}
    for clip in chain.from_iterable(batches):
        if id(clip) not in read:
            read[id(clip)] = clip.audio
    return [[read[id(clip)] for clip in batch] for batch in batches]
