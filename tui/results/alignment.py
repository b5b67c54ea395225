"""Where a hypothesis departs from its reference, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from store import Transcript

MOST_CLIPS = 200
"""Transcripts that are aligned at once, those with the most errors."""

Kind = Literal["equal", "substitute", "delete", "insert"]


@dataclass(frozen=True)
class Piece:
    """Some words on which both agree or differ."""

    kind: Kind
    reference: str
    hypothesis: str


@dataclass(frozen=True)
class AlignedClip:
    """One utterance, or one packed clip of an old store."""

    clip_id: str
    audio_seconds: float
    pieces: tuple[Piece, ...]
    """As the normaliser has them, for that is what was counted; none where the texts were not
    scored, or not as this asrprof would."""
    errors: int | None
    words: int | None
    reference: str
    """Raw."""
    hypothesis: str
    speaker: str | None = None
    loop: str = ""
    """How its text runs in a loop, in words; empty where it does not."""
    note: str = ""
    """Why its errors are not marked, in words."""


def align_clips(transcripts: Sequence[Transcript], normaliser: str | None) -> list[AlignedClip]:
    """Aligns transcripts, those with the most errors first.

    Args:
        transcripts: Of one result.
        normaliser: The name of that with which they were counted; None where they were not.
    """
    ordered = sorted(transcripts, key=lambda clip: -(clip.errors or 0))[:MOST_CLIPS]
    return [_aligned(clip, normaliser) for clip in ordered]


def _aligned(clip: Transcript, normaliser: str | None) -> AlignedClip:
    # As below: some of it takes a while to import, and it runs in a thread.
    from runner.engines.repetition import loops
    from runner.measure.normalisers import NORMALISERS

    errors = clip.errors
    pieces: tuple[Piece, ...] = ()
    note = ""
    if errors is not None and normaliser not in NORMALISERS:
        note = f"this asrprof has no normaliser {normaliser}: the texts are raw"
    elif errors is not None and normaliser is not None:
        pieces = tuple(align(clip.reference, clip.hypothesis, normaliser))
        if marked_errors(pieces) != errors:
            pieces, note = (), f"counted by another version of {normaliser}: the texts are raw"
    loop = ""
    if loops(clip.at_limit, clip.compression_ratio):
        loop = "ran into the length limit" if clip.at_limit else "repeats itself"
    return AlignedClip(
        clip_id=clip.clip_id,
        audio_seconds=clip.audio_seconds,
        pieces=pieces,
        errors=errors,
        words=clip.words,
        reference=clip.reference,
        hypothesis=clip.hypothesis,
        speaker=clip.speaker,
        loop=loop,
        note=note,
    )


def marked_errors(pieces: Sequence[Piece]) -> int:
    """Word errors that some pieces show."""
    return sum(
        len((piece.hypothesis if piece.kind == "insert" else piece.reference).split())
        for piece in pieces
        if piece.kind != "equal"
    )


def align(reference: str, hypothesis: str, normaliser: str) -> list[Piece]:
    """The pieces of two texts, in the order of the speech.

    Args:
        reference: What was said, raw.
        hypothesis: What was transcribed, raw.
        normaliser: One of `runner.measure.normalisers`.
    """
    # A tenth of a second to import; it runs in a thread, and only when transcripts are looked at.
    import jiwer

    from runner.measure.normalisers import normalise

    words = normalise(reference, normaliser).split()
    heard = normalise(hypothesis, normaliser).split()
    if not words:
        return [Piece("insert", "", " ".join(heard))] if heard else []
    output = jiwer.process_words(" ".join(words), " ".join(heard))
    pieces: list[Piece] = []
    for chunk in output.alignments[0]:
        kind: Kind = chunk.type
        said = words[chunk.ref_start_idx : chunk.ref_end_idx]
        understood = heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
        if kind == "substitute":
            # Word by word: each is one error.
            pieces += [Piece(kind, a, b) for a, b in zip(said, understood, strict=True)]
        else:
            pieces.append(Piece(kind, " ".join(said), " ".join(understood)))
    return pieces
