"""Where a hypothesis departs from its reference, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from store import Transcript

MOST_CLIPS = 200
"""Clips that are aligned at once, those with the most errors."""

Kind = Literal["equal", "substitute", "delete", "insert"]


@dataclass(frozen=True)
class Piece:
    """Some words on which both agree or differ."""

    kind: Kind
    reference: str
    hypothesis: str


@dataclass(frozen=True)
class AlignedClip:
    """One clip."""

    clip_id: str
    audio_seconds: float
    pieces: tuple[Piece, ...]
    """As the normaliser has them, for that is what was counted."""
    errors: int | None
    words: int | None
    reference: str
    """Raw."""
    hypothesis: str


def align_clips(transcripts: Sequence[Transcript]) -> list[AlignedClip]:
    """Aligns clips, those with the most errors first.

    Clips that were not scored are given as they are, without pieces.
    """
    ordered = sorted(transcripts, key=lambda clip: -(_errors(clip) or 0))[:MOST_CLIPS]
    return [
        AlignedClip(
            clip.clip_id,
            clip.audio_seconds,
            () if clip.hits is None else tuple(align(clip.reference, clip.hypothesis)),
            _errors(clip),
            None
            if clip.hits is None
            else clip.hits + (clip.substitutions or 0) + (clip.deletions or 0),
            clip.reference,
            clip.hypothesis,
        )
        for clip in ordered
    ]


def align(reference: str, hypothesis: str) -> list[Piece]:
    """The pieces of two texts, in the order of the speech."""
    # A tenth of a second to import; it runs in a thread, and only when transcripts are looked at.
    import jiwer

    from runner.measure.normalisers import normalise

    words, heard = normalise(reference).split(), normalise(hypothesis).split()
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


def _errors(clip: Transcript) -> int | None:
    if clip.hits is None:
        return None
    return (clip.substitutions or 0) + (clip.deletions or 0) + (clip.insertions or 0)
