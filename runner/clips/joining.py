"""How utterances are joined to a clip: what every way of making clips shares.

An utterance is never cut: a clip that ends inside a word makes every model lose the same words, and
a reference that says more than the audio makes the word error rate meaningless.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from runner.clips.clip import SAMPLE_RATE, Clip, ClipOrigin, Omitted, Sound, Utterance
from runner.clips.sound import Held, Joined

PACKING_VERSION = "2"
"""Changes whenever the same input would give other clips."""

SPREAD = 4
"""Clips of mixed lengths are to be of a quarter of the longest length up to all of it."""

GAP_SAMPLES = SAMPLE_RATE // 4
"""Digital silence between two utterances of a clip where no true audio is known: 0.25 s."""

SILENCE: Sound = Held(np.zeros(GAP_SAMPLES, dtype=np.float32))
"""What lies between two utterances where no true audio is known."""

LONGEST_PAUSE_S = 2.0
"""Longest true pause, in seconds, that a clip keeps between two utterances of a recording.

A longer one may hold speech that nobody transcribed: a model would be charged for words that the
reference lacks, and timed on them.
"""

LONGEST_PAUSE_SAMPLES = round(LONGEST_PAUSE_S * SAMPLE_RATE)


@dataclass(frozen=True)
class Packing:
    """The clips, and what is in none of them."""

    clips: tuple[Clip, ...]
    omitted: Omitted


@dataclass(frozen=True)
class Group:
    """Utterances that become one clip."""

    utterances: tuple[Utterance, ...]
    pauses: tuple[Sound, ...]
    """What lies between two of them: one fewer than there are utterances."""
    origin: ClipOrigin

    @property
    def samples(self) -> int:
        """Samples from the first utterance's start to the last one's end."""
        parts = (*(utterance.sound for utterance in self.utterances), *self.pauses)
        return sum(len(part) for part in parts)


def clip_samples(audio_seconds: float) -> int:
    """Samples of a clip of this many seconds, to the nearest."""
    return round(audio_seconds * SAMPLE_RATE)


def rank(seed: int, scope: int | str, utterance_id: str) -> bytes:
    """A place in a shuffled order: SHA-256 of seed, scope and utterance id.

    It depends on no library's random numbers, and stays the same when other utterances are added.

    Args:
        seed: Seed of the order.
        scope: Samples of a clip, or a word, so that different sets have different orders.
        utterance_id: What is ranked.
    """
    return hashlib.sha256(f"{seed}\n{scope}\n{utterance_id}".encode()).digest()


def drawn_samples(seed: int, total: int, utterance_id: str) -> int:
    """Samples that a clip of mixed lengths is to have when it starts with this utterance.

    Args:
        seed: Seed of the lengths.
        total: Samples of the longest clip.
        utterance_id: The first utterance of the clip.

    Returns:
        Evenly between a quarter of `total` and all of it.
    """
    drawn = hashlib.sha256(f"{seed}\n{total}\n{utterance_id}\nlength".encode()).digest()
    share = int.from_bytes(drawn[:8], "big") / 2**64
    return round(total * (1 + share * (SPREAD - 1)) / SPREAD)


def clips_of(
    groups: Iterable[Group], *, audio_seconds: float, mixed: bool = False
) -> tuple[Clip, ...]:
    """Groups become clips, numbered in their order.

    Args:
        groups: None longer than a clip.
        audio_seconds: Exact length of every clip; of mixed lengths the longest.
        mixed: Whether a clip ends where its speech does.
    """
    total = None if mixed else clip_samples(audio_seconds)
    name = f"{audio_seconds:g}s-mixed" if mixed else f"{audio_seconds:g}s"
    return tuple(_join(group, total, f"{name}-{number:04d}") for number, group in enumerate(groups))


def too_long(utterances: Iterable[Utterance], samples: int) -> Omitted:
    """The utterances of more samples than a clip has, counted."""
    found = [utterance for utterance in utterances if len(utterance.sound) > samples]
    return Omitted(too_long=len(found), too_long_words=sum(one.words for one in found))


def nothing_fits(utterances: Sequence[Utterance], audio_seconds: float) -> str:
    """What to tell a user whose utterances are all longer than a clip, on one line."""
    if not utterances:
        return "the source gave no utterances; give it at least one"
    shortest = min(utterance.seconds for utterance in utterances)
    return (
        f"no utterance fits into clips of {audio_seconds:g} s: the shortest lasts "
        f"{shortest:.2f} s; raise audio_seconds or use other data"
    )


def _join(group: Group, total: int | None, clip_id: str) -> Clip:
    """A clip of `total` samples, or of as many as its speech has."""
    samples = group.samples
    first, *others = group.utterances
    parts = [first.sound]
    for pause, utterance in zip(group.pauses, others, strict=True):
        parts += (pause, utterance.sound)
    return Clip(
        id=clip_id,
        sound=Joined(parts, samples if total is None else total),
        reference=" ".join(utterance.text for utterance in group.utterances),
        utterance_ids=tuple(utterance.id for utterance in group.utterances),
        speech_seconds=samples / SAMPLE_RATE,
        origin=group.origin,
        speaker=_shared(utterance.speaker for utterance in group.utterances),
        recording=_shared(utterance.recording for utterance in group.utterances),
    )


def _shared(values: Iterable[str | None]) -> str | None:
    """The one value that all have; None where they differ."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None
