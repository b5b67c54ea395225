"""The cycle of batches that every engine and variant goes round."""

from __future__ import annotations

from collections.abc import Sequence

from runner.clips.clip import Clip


def batches(clips: Sequence[Clip], batch_size: int, count: int) -> list[tuple[Clip, ...]]:
    """The first `count` batches of clips in their order, wrapping round at the end.

    With fewer clips than `batch_size` a batch holds a clip more than once.

    Args:
        clips: At least one.
        batch_size: Clips in a batch.
        count: Batches in the cycle.

    Raises:
        ValueError: nothing to take, or nothing asked for.
    """
    if not clips or batch_size < 1 or count < 1:
        raise ValueError("batches need at least one clip, a batch size and a count of 1 or more")
    return [
        tuple(clips[(number * batch_size + place) % len(clips)] for place in range(batch_size))
        for number in range(count)
    ]
