"""Optimisations against the same case without them: time, energy, memory and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from report.compare import (
    CONFIDENCE,
    NO_CLIP_DIFFERS,
    Difference,
    WerDifference,
    compare_energy,
    compare_interleaved,
    compare_samples,
    compare_wer,
)
from report.study import BASELINE, Case, Study
from store import Sample, Scalar, StudyRow, Transcript

Compared = TypeVar("Compared")

MOST_COMPARED = 500
"""Comparisons that a page is made of; each takes some milliseconds."""


@dataclass(frozen=True)
class VariantEffect:
    """One optimised case beside its baseline."""

    baseline: Case
    variant: Case
    latency: Difference
    """Ratio of latencies, variant by baseline."""
    interleaved: bool
    """Whether the two were interleaved in one process, rather than one run after the other."""
    energy: Difference | None
    """Ratio of joules; None unless both have the same label and source."""
    wer: WerDifference | None
    """Over the utterances of both; None where `reason_without_wer` says why."""
    figures: tuple[Scalar, ...] = ()
    """Those that only the variant has."""

    @property
    def title(self) -> str:
        """The variant, and its baseline where that is not the usual one."""
        title = self.variant.configuration.title
        named = self.baseline.row.variant
        return title if named == BASELINE else f"{title} (against {named})"

    @property
    def memory(self) -> float | None:
        """Ratio of peak memory: reserved on the GPU, else resident."""
        a, b = peak_memory(self.baseline), peak_memory(self.variant)
        return b / a if a and b else None

    @property
    def size(self) -> float | None:
        """Ratio of the bytes of the weights."""
        a, b = self.baseline.row.weights_bytes, self.variant.row.weights_bytes
        return b / a if a and b else None

    @property
    def texts(self) -> str | None:
        """``30 of 31 same text``; None where no texts were compared."""
        row = self.variant.row
        if row.same_text is None or row.compared_clips is None:
            return None
        return f"{row.same_text} of {row.compared_clips} same text"

    @property
    def text_mismatch(self) -> bool:
        """Whether the variant promises the baseline's text and does not give it."""
        row = self.variant.row
        return bool(row.same_text_promised) and (row.same_text or 0) < (row.compared_clips or 0)


def variant_effects(study: Study, *, energy: bool = True) -> list[VariantEffect]:
    """The effect of every variant that has a baseline at the same point.

    That is the variant with which it was interleaved, or else the one without any optimisation. The
    intervals allow for their number: with many of them, one alone must be surer of itself.

    Args:
        study: The study; of its variants the first ``MOST_COMPARED``.
        energy: Whether energy is shown beside latency and words; its intervals count as well.
    """
    pairs = _pairs(study)[:MOST_COMPARED]
    both = [case for pair in pairs for case in pair]
    samples = study.children(Sample, both)
    transcripts = study.children(Transcript, both)
    words = WordDifferences(transcripts, transcripts)
    figures = study.children(Scalar, [variant for _, variant in pairs])

    def effect(a: Case, b: Case, confidence: float) -> VariantEffect:
        first, second = a.row.result_id, b.row.result_id
        ours, theirs = samples[first], samples[second]
        interleaved = compare_interleaved(theirs, confidence=confidence) if b.row.baseline else None
        return VariantEffect(
            baseline=a,
            variant=b,
            latency=interleaved or compare_samples(ours, theirs, confidence=confidence),
            interleaved=interleaved is not None,
            energy=compare_energy(a.row, b.row, confidence=confidence) if energy else None,
            wer=words.difference(a, b, confidence),
            figures=figures.get(second, ()),
        )

    timed = {
        result for result, of in samples.items() if any(sample.kind == "latency" for sample in of)
    }
    measured = [(a, b) for a, b in pairs if {a.row.result_id, b.row.result_id} <= timed]
    return in_family(
        lambda confidence: [effect(a, b, confidence) for a, b in measured], count_intervals
    )


def count_intervals(effects: Sequence[VariantEffect]) -> int:
    """How many intervals there are; the words of cases that share their records have one."""
    own = sum(
        one is not None and one.reason is None
        for effect in effects
        for one in (effect.latency, effect.energy)
    )
    words = {id(effect.wer) for effect in effects if effect.wer and effect.wer.reason is None}
    return own + len(words)


def reasons_without_interval(effects: Sequence[VariantEffect]) -> list[str]:
    """Why times or words have none, each reason once. That no clip differs is said in its place."""
    differences = [one for effect in effects for one in (effect.latency, effect.wer) if one]
    reasons = {one.reason for one in differences if one.reason}
    return sorted(reasons - {NO_CLIP_DIFFERS})


def reasons_without_wer(effects: Sequence[VariantEffect]) -> list[str]:
    """Why words were not compared, each reason once."""
    bare = [effect for effect in effects if effect.wer is None]
    return sorted({reason_without_wer(one.baseline.row, one.variant.row) for one in bare})


def reason_without_wer(a: StudyRow, b: StudyRow) -> str:
    """Why the words of two cases were not compared."""
    for row in (a, b):
        if row.wer is None:
            return row.quality_reason or "quality was not asked for"
    if a.quality_of != b.quality_of:
        return "one side's WER is of packed clips, the other's of utterances"
    return "no utterance was scored on both sides"


def _pairs(study: Study) -> list[tuple[Case, Case]]:
    """Every case with the one that it is to be compared with."""
    known = {(case.configuration, case.point): case for case in study.ok}
    found = []
    for case in study.ok:
        baseline = case.row.baseline or BASELINE
        beside = known.get((replace(case.configuration, variant=baseline), case.point))
        if beside is None or not _same_clips(beside, case):
            continue
        if baseline != case.row.variant:
            found.append((beside, case))
    return found


def _same_clips(a: Case, b: Case) -> bool:
    """Variants with mixed lengths have clips of their own, which say nothing beside others."""
    ours, theirs = a.row.clips_fingerprint, b.row.clips_fingerprint
    return ours == theirs or ours is None or theirs is None


def family_confidence(intervals: int) -> float:
    """Confidence of each of several intervals, so that all together are 95 % sure.

    Args:
        intervals: All that are shown: a comparison of time, energy and words has three.

    Source: Bonferroni's inequality.
    """
    return 1 - 0.05 / max(intervals, 1)


def in_family(
    compare: Callable[[float], list[Compared]], intervals: Callable[[list[Compared]], int]
) -> list[Compared]:
    """Comparisons whose intervals allow for their number.

    They are made twice, first to see how many intervals there are: the surer each must be, the
    fewer there can only become.

    Args:
        compare: Makes them, each with intervals of this confidence.
        intervals: How many all of them have.
    """
    found = compare(CONFIDENCE)
    shown = intervals(found)
    return found if shown < 2 else compare(family_confidence(shown))


def peak_memory(case: Case) -> int | None:
    """Bytes: what the framework reserved on the GPU, or the resident set on the host."""
    return case.row.gpu_reserved_bytes or case.row.rss_bytes


class WordDifferences:
    """Differences of WER, made once for cases that share their quality records.

    They are then one piece of evidence, and one interval of the family.
    """

    def __init__(
        self,
        a: Mapping[int, Sequence[Transcript]],
        b: Mapping[int, Sequence[Transcript]],
        *,
        seed: int = 42,
    ) -> None:
        """Compares nothing yet.

        Args:
            a: Transcripts by result of the baseline's side.
            b: Of the other side.
            seed: Of the resampling.
        """
        self._transcripts = a, b
        self._seed = seed
        self._known: dict[tuple[int, int, float], WerDifference | None] = {}

    def difference(self, a: Case, b: Case, confidence: float) -> WerDifference | None:
        """That of two cases; None where `reason_without_wer` says why.

        Args:
            a: The baseline.
            b: The other.
            confidence: Of the interval.
        """
        key = (a.quality_record, b.quality_record, confidence)
        if key not in self._known:
            self._known[key] = None
            if a.row.quality_of == b.row.quality_of:
                ours, theirs = self._transcripts
                self._known[key] = wer_difference(
                    ours.get(a.row.result_id, ()),
                    theirs.get(b.row.result_id, ()),
                    seed=self._seed,
                    confidence=confidence,
                )
        return self._known[key]


def wer_difference(
    a: Sequence[Transcript],
    b: Sequence[Transcript],
    *,
    seed: int = 42,
    confidence: float = CONFIDENCE,
) -> WerDifference | None:
    """The difference of `compare_wer`; None where the two share no utterance that was scored.

    Args:
        a: Transcripts of the baseline.
        b: Transcripts of the other side.
        seed: Seed of the resampling.
        confidence: Confidence level of the interval, between 0 and 1.
    """
    try:
        return compare_wer(a, b, seed=seed, confidence=confidence)
    except ValueError:
        return None
