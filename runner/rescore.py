"""Scores stored transcripts again, under another normaliser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runner.measure.normalisers import named
from runner.measure.quality import Transcribed, score
from store import Quality, Store, StudyRow, Transcript


@dataclass(frozen=True)
class Rescored:
    """One quality record, scored again."""

    rows: tuple[StudyRow, ...]
    """Those asked for that share it, as they are in the store; one at least."""
    quality: Quality
    transcripts: tuple[Transcript, ...]

    @property
    def row(self) -> StudyRow:
        """The first of them: what they share is the same in each."""
        return self.rows[0]


def rescore(store: Store, rows: Iterable[StudyRow], normaliser: str) -> Iterator[Rescored]:
    """Scores the transcripts of some results, those that several share once.

    Those without transcripts, and those of random weights, which recognise nothing, are left out.
    What was transcribed, its speakers and its times stay as they are.

    Args:
        store: Where the transcripts are.
        rows: The results.
        normaliser: Of `runner.measure.normalisers`, by its name or its short one.

    Raises:
        UserError: There is no such normaliser.
    """
    normaliser = named(normaliser)
    sharing: dict[int, list[StudyRow]] = {}
    for row in rows:
        if row.weights != "random" and row.quality_id is not None:
            sharing.setdefault(row.quality_id, []).append(row)
    for found in sharing.values():
        row = found[0]
        # One at a time: a store may hold more texts than fit in memory.
        spoken = store.study.children(Transcript, [row.result_id]).get(row.result_id, ())
        if not spoken:
            continue
        quality, transcripts = score(
            [_transcribed(transcript) for transcript in spoken],
            seed=row.seed,
            normaliser=normaliser,
            of=row.quality_of or "utterances",
            batch_size=row.quality_batch_size,
            beyond_window=row.beyond_window,
            coverage=row.coverage,
        )
        yield Rescored(tuple(found), quality, transcripts)


def _transcribed(transcript: Transcript) -> Transcribed:
    return Transcribed(
        clip_id=transcript.clip_id,
        reference=transcript.reference,
        hypothesis=transcript.hypothesis,
        audio_seconds=transcript.audio_seconds,
        speaker=transcript.speaker,
        recording=transcript.recording,
        at_limit=transcript.at_limit,
        seconds=transcript.seconds,
    )
