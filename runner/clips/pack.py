"""Clips of an exact length from whole utterances.

An utterance is never cut: a clip that ends inside a word makes every model lose the same words, and
a reference that says more than the audio makes the word error rate meaningless.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.clips.clip import SAMPLE_RATE, Clip, Utterance
from runner.errors import UserError

PACKING_VERSION = "1"
"""Changes whenever the same input would give other clips."""

SPREAD = 4
"""Clips of mixed lengths are to be of a quarter of the longest length up to all of it."""

GAP_SAMPLES = SAMPLE_RATE // 4
"""Digital silence between two utterances of a clip: 0.25 s."""


@dataclass(frozen=True)
class Packing:
    """The clips, and how many utterances are too long for any of them."""

    clips: tuple[Clip, ...]
    left_out: int


def clip_samples(audio_seconds: float) -> int:
    """Samples of a clip of this many seconds, to the nearest."""
    return round(audio_seconds * SAMPLE_RATE)


def pack(
    utterances: Sequence[Utterance], *, audio_seconds: float, seed: int, mixed: bool = False
) -> Packing:
    """Fill clips one after the other; every utterance that fits goes into exactly one.

    A clip starts with the next utterance of a shuffled order and then takes, again and again, the
    longest remaining one that still fits. That order is SHA-256 of seed, length and utterance id,
    so that it depends on no library's random numbers and stays the same when others are added.

    Of mixed lengths, each clip is filled up to a length of its own, drawn evenly in the same way
    between a quarter of the longest length and all of it, and ends where its speech does. One that
    starts with a longer utterance is as long as that; one that finds nothing more to take is
    shorter.

    Args:
        utterances: With different ids.
        audio_seconds: Exact length of every clip; of mixed lengths the longest.
        seed: Seed of the order.
        mixed: Whether clips are of different lengths.

    Raises:
        UserError: no utterance is as short as a clip.
    """
    total = clip_samples(audio_seconds)
    shuffled = sorted(
        (utterance for utterance in utterances if len(utterance.audio) <= total),
        key=lambda utterance: _rank(seed, total, utterance.id),
    )
    if not shuffled:
        raise UserError(_nothing_fits(utterances, audio_seconds))
    groups = _fill(
        [len(utterance.audio) for utterance in shuffled],
        [_drawn(seed, total, u.id) if mixed else total for u in shuffled],
    )
    name = f"{audio_seconds:g}s-mixed" if mixed else f"{audio_seconds:g}s"
    clips = tuple(
        _join(
            [shuffled[index] for index in group], None if mixed else total, f"{name}-{number:04d}"
        )
        for number, group in enumerate(groups)
    )
    return Packing(clips=clips, left_out=len(utterances) - len(shuffled))


def _rank(seed: int, total: int, utterance_id: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{total}\n{utterance_id}".encode()).digest()


def _drawn(seed: int, total: int, utterance_id: str) -> int:
    """Samples that a clip which starts with this utterance is to have."""
    drawn = hashlib.sha256(f"{seed}\n{total}\n{utterance_id}\nlength".encode()).digest()
    share = int.from_bytes(drawn[:8], "big") / 2**64
    return round(total * (1 + share * (SPREAD - 1)) / SPREAD)


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


def _join(group: Sequence[Utterance], total: int | None, clip_id: str) -> Clip:
    """A clip of `total` samples, or of as many as its speech has."""
    speech = sum(len(utterance.audio) for utterance in group) + GAP_SAMPLES * (len(group) - 1)
    audio = np.zeros(speech if total is None else total, dtype=np.float32)
    end = 0
    for number, utterance in enumerate(group):
        start = end + (GAP_SAMPLES if number else 0)
        end = start + len(utterance.audio)
        audio[start:end] = utterance.audio
    return Clip(
        id=clip_id,
        audio=audio,
        reference=" ".join(utterance.text for utterance in group),
        utterance_ids=tuple(utterance.id for utterance in group),
        speech_seconds=end / SAMPLE_RATE,
    )


def _nothing_fits(utterances: Sequence[Utterance], audio_seconds: float) -> str:
    if not utterances:
        return "the source gave no utterances; give it at least one"
    shortest = min(utterance.seconds for utterance in utterances)
    return (
        f"no utterance fits into clips of {audio_seconds:g} s: the shortest lasts "
        f"{shortest:.2f} s; raise audio_seconds or use other data"
    )
