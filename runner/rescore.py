"""Scores stored transcripts again, under another normaliser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runner.errors import UserError
from runner.measure.normalisers import NORMALISERS
from runner.measure.quality import score
from store import Quality, Store, StudyRow, Transcript


@dataclass(frozen=True)
class Rescored:
    """One result, scored again."""

    row: StudyRow
    """As it is in the store."""
    quality: Quality
    transcripts: tuple[Transcript, ...]


def rescore(store: Store, rows: Iterable[StudyRow], normaliser: str) -> Iterator[Rescored]:
    """Scores the transcripts of some results.

    Those without transcripts, and those of random weights, which recognise nothing, are left out.

    Args:
        store: Where the transcripts are.
        rows: The results.
        normaliser: One of ``NORMALISERS``.

    Raises:
        UserError: There is no such normaliser.
    """
    if normaliser not in NORMALISERS:
        known = ", ".join(NORMALISERS)
        raise UserError(f"no normaliser {normaliser!r}: write one of {known}")
    for row in rows:
        if row.weights == "random":
            continue
        # One at a time: a store may hold more texts than fit in memory.
        clips = store.study.children(Transcript, [row.result_id]).get(row.result_id, ())
        if not clips:
            continue
        quality, transcripts = score(
            [clip.reference for clip in clips],
            [clip.hypothesis for clip in clips],
            [clip.clip_id for clip in clips],
            [clip.audio_seconds for clip in clips],
            seed=row.seed,
            normaliser=normaliser,
        )
        yield Rescored(row, quality, transcripts)
