"""Word and character error rates over whole references, with their uncertainty.

Both texts go through the same versioned normaliser and are kept raw beside the counts, so that a
run can be scored again under another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import jiwer
import numpy as np
from numpy.typing import NDArray

from runner.measure.normalisers import NORMALISER, NORMALISERS, normalise
from store.records import Quality, Transcript

RESAMPLES = 1000
"""Bootstrap resamples of the clips."""

_CHUNK = 2**22
"""Most elements of a resampling matrix held at once: 32 MiB."""


@dataclass(frozen=True)
class _Counts:
    """Errors of one clip after normalisation."""

    substitutions: int
    deletions: int
    insertions: int
    hits: int
    character_errors: int
    characters: int
    """Characters of the reference."""

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def words(self) -> int:
        """Words of the reference."""
        return self.substitutions + self.deletions + self.hits


def score(
    references: Sequence[str],
    hypotheses: Sequence[str],
    clip_ids: Sequence[str],
    audio_seconds: Sequence[float],
    *,
    seed: int,
    normaliser: str = NORMALISER,
) -> tuple[Quality, tuple[Transcript, ...]]:
    """Score one hypothesis a clip.

    WER is the sum of word errors over the sum of reference words (and CER likewise for
    characters, spaces included), never a mean over clips; both may exceed 1. The 95 % interval is
    the percentile bootstrap over clips (Bisani and Ney, ICASSP 2004).

    Args:
        references: Raw reference of every clip.
        hypotheses: Raw hypothesis of every clip; an empty one is all deletions.
        clip_ids: Id of every clip.
        audio_seconds: Real seconds of speech of every clip.
        seed: Seed of the bootstrap.
        normaliser: One of `runner.measure.normalisers`.

    Returns:
        The figures over all clips, and every clip's texts with its counts. A clip whose reference
        normalises to no word is in neither sum: its counts are None and the reason says so.

    Raises:
        ValueError: the four differ in length.
    """
    counts = [
        _count(normalise(reference, normaliser), normalise(hypothesis, normaliser))
        for reference, hypothesis in zip(references, hypotheses, strict=True)
    ]
    transcripts = _transcripts(references, hypotheses, clip_ids, audio_seconds, counts)
    scored = [count for count in counts if count is not None]
    reason = _reason(len(counts), len(scored))
    if not scored:
        return _unscored_quality(0, reason or "no clips"), transcripts
    word_errors = np.array([count.errors for count in scored])
    words = np.array([count.words for count in scored])
    character_errors = np.array([count.character_errors for count in scored])
    characters = np.array([count.characters for count in scored])
    wer_low, wer_high = _interval(word_errors, words, seed)
    cer_low, cer_high = _interval(character_errors, characters, seed)
    quality = Quality(
        clips=len(scored),
        wer=float(word_errors.sum() / words.sum()),
        wer_low=wer_low,
        wer_high=wer_high,
        cer=float(character_errors.sum() / characters.sum()),
        cer_low=cer_low,
        cer_high=cer_high,
        substitutions=sum(count.substitutions for count in scored),
        deletions=sum(count.deletions for count in scored),
        insertions=sum(count.insertions for count in scored),
        hits=sum(count.hits for count in scored),
        normaliser=normaliser,
        normaliser_version=NORMALISERS[normaliser].version(),
        reason=reason,
    )
    return quality, transcripts


def unscored(
    references: Sequence[str],
    hypotheses: Sequence[str],
    clip_ids: Sequence[str],
    audio_seconds: Sequence[float],
    *,
    reason: str = "random weights",
) -> tuple[Quality, tuple[Transcript, ...]]:
    """Keep the transcripts without judging them.

    Args:
        references: Raw reference of every clip.
        hypotheses: Raw hypothesis of every clip.
        clip_ids: Id of every clip.
        audio_seconds: Real seconds of speech of every clip.
        reason: Why there are no error rates.

    Raises:
        ValueError: the four differ in length.
    """
    nothing = [None] * len(references)
    transcripts = _transcripts(references, hypotheses, clip_ids, audio_seconds, nothing)
    return _unscored_quality(len(transcripts), reason), transcripts


@lru_cache(maxsize=2**12)
def _count(reference: str, hypothesis: str) -> _Counts | None:
    """Counts for normalised texts; None where the reference holds no letter or digit."""
    if not any(character.isalnum() for character in reference):
        return None
    words = jiwer.process_words(reference, hypothesis)
    characters = jiwer.process_characters(reference, hypothesis)
    return _Counts(
        substitutions=words.substitutions,
        deletions=words.deletions,
        insertions=words.insertions,
        hits=words.hits,
        character_errors=characters.substitutions + characters.deletions + characters.insertions,
        characters=characters.substitutions + characters.deletions + characters.hits,
    )


def _interval(
    errors: NDArray[np.int64], totals: NDArray[np.int64], seed: int
) -> tuple[float, float] | tuple[None, None]:
    """The 95 % percentile interval of `errors.sum() / totals.sum()`; none from one clip."""
    clips = len(errors)
    if clips < 2:
        return None, None
    generator = np.random.default_rng(seed)
    rows = max(1, _CHUNK // clips)
    rates = []
    for start in range(0, RESAMPLES, rows):
        chosen = generator.integers(0, clips, size=(min(rows, RESAMPLES - start), clips))
        rates.append(errors[chosen].sum(axis=1) / totals[chosen].sum(axis=1))
    low, high = np.percentile(np.concatenate(rates), [2.5, 97.5])
    return float(low), float(high)


def _reason(clips: int, scored: int) -> str | None:
    if clips == 0:
        return "no clips"
    reasons = []
    if scored < clips:
        reasons.append(f"{clips - scored} of {clips} clips not scored: no word in the reference")
    if scored == 1:
        reasons.append("no interval: one clip")
    return "; ".join(reasons) or None


def _transcripts(
    references: Sequence[str],
    hypotheses: Sequence[str],
    clip_ids: Sequence[str],
    audio_seconds: Sequence[float],
    counts: Sequence[_Counts | None],
) -> tuple[Transcript, ...]:
    return tuple(
        Transcript(
            clip_id=clip_id,
            audio_seconds=seconds,
            reference=reference,
            hypothesis=hypothesis,
            substitutions=count.substitutions if count else None,
            deletions=count.deletions if count else None,
            insertions=count.insertions if count else None,
            hits=count.hits if count else None,
        )
        for reference, hypothesis, clip_id, seconds, count in zip(
            references, hypotheses, clip_ids, audio_seconds, counts, strict=True
        )
    )


def _unscored_quality(clips: int, reason: str) -> Quality:
    return Quality(
        clips=clips,
        wer=None,
        wer_low=None,
        wer_high=None,
        cer=None,
        cer_low=None,
        cer_high=None,
        substitutions=None,
        deletions=None,
        insertions=None,
        hits=None,
        normaliser=None,
        normaliser_version=None,
        reason=reason,
    )
