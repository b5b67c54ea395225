"""Word errors where the texts of two windows of one recording meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import jiwer

from runner.measure.normalisers import normalise
from runner.measure.quality import Transcribed
from store.records import Scalar

REACH = 3
"""Words of the text on either side of a seam that belong to it."""


@dataclass(frozen=True)
class SeamErrors:
    """Errors at seams. Words that are missing count in full where they are missing at one."""

    seams: int
    lost: int
    """Words of the reference that are not in the text."""
    other: int
    """Words that are others, or too many."""

    @staticmethod
    def of(reference: str, text: str, seams: Sequence[int], normaliser: str) -> SeamErrors:
        """Those of one recording.

        Args:
            reference: Raw.
            text: Raw.
            seams: How many words of the text lie before each seam.
            normaliser: One of `runner.measure.normalisers`.
        """
        words = text.split()
        bounds = [0, *seams, len(words)]
        parts = [
            normalise(" ".join(words[start:end]), normaliser).split()
            for start, end in pairwise(bounds)
        ]
        said = normalise(reference, normaliser)
        if not said or not seams:
            return SeamErrors(len(seams), 0, 0)
        places = [sum(map(len, parts[:count])) for count in range(1, len(parts))]
        aligned = jiwer.process_words(said, " ".join(word for part in parts for word in part))
        lost = other = 0
        for chunk in aligned.alignments[0]:
            if chunk.type == "delete" and _near(chunk.hyp_start_idx, places, 0):
                lost += chunk.ref_end_idx - chunk.ref_start_idx
            elif chunk.type in ("substitute", "insert"):
                heard = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
                other += sum(_near(place, places, 1) for place in heard)
        return SeamErrors(len(seams), lost, other)


def seam_figures(transcribed: Iterable[Transcribed], normaliser: str) -> tuple[Scalar, ...]:
    """Those of a quality pass; none where no recording was cut.

    Args:
        transcribed: What came of each utterance.
        normaliser: What its words are compared by.
    """
    found = [
        SeamErrors.of(one.reference, one.hypothesis, one.seams, normaliser)
        for one in transcribed
        if one.seams
    ]
    if not found:
        return ()
    seams = sum(one.seams for one in found)
    lost = sum(one.lost for one in found)
    other = sum(one.other for one in found)
    note = f"within {REACH} words of {seams} seams in {len(found)} utterances"
    return (
        Scalar(name="seams", value=float(seams), note=f"in {len(found)} utterances"),
        Scalar(name="seam_words_lost", value=float(lost), note=note),
        Scalar(name="seam_other_errors", value=float(other), note=note),
    )


def _near(place: int, seams: Sequence[int], width: int) -> bool:
    """Whether a place in the text is at a seam.

    Args:
        place: Words before it.
        seams: The same of each seam.
        width: 1 for a word, which has its own width, 0 for a gap between words.
    """
    return any(seam - REACH <= place <= seam + REACH - width for seam in seams)
