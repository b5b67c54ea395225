"""Optimisations against the same case without them: time, energy, memory and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from report.compare import (
    Difference,
    WerDifference,
    compare_energy,
    compare_samples,
    compare_wer,
)
from report.study import BASELINE, Case, Study
from store import Sample, Transcript

MOST_COMPARED = 500
"""Comparisons that a page is made of; each takes some milliseconds."""


@dataclass(frozen=True)
class VariantEffect:
    """One optimised case beside its baseline."""

    baseline: Case
    variant: Case
    latency: Difference
    """Ratio of latencies, variant by baseline."""
    energy: Difference | None
    """Ratio of joules; None unless both have the same label and source."""
    wer: WerDifference | None
    """Over the clips of both; None where one was not scored."""

    @property
    def memory(self) -> float | None:
        """Ratio of peak memory: reserved on the GPU, else resident."""
        a, b = peak_memory(self.baseline), peak_memory(self.variant)
        return b / a if a and b else None


def variant_effects(study: Study) -> list[VariantEffect]:
    """The effect of every variant that has a baseline at the same point.

    The intervals allow for their number: with many of them, one alone must be surer of itself.

    Args:
        study: The study; of its variants the first ``MOST_COMPARED``.
    """
    baselines = {(case.model, case.place, case.point): case for case in study.baseline}
    pairs = [
        (baselines[case.model, case.place, case.point], case)
        for case in study.ok
        if case.row.variant != BASELINE and (case.model, case.place, case.point) in baselines
    ][:MOST_COMPARED]
    both = [case for pair in pairs for case in pair]
    samples = study.children(Sample, both)
    transcripts = study.children(Transcript, both)
    confidence = family_confidence(len(pairs))
    return [
        VariantEffect(
            baseline=a,
            variant=b,
            latency=compare_samples(
                samples[a.row.result_id], samples[b.row.result_id], confidence=confidence
            ),
            energy=compare_energy(a.row, b.row, confidence=confidence),
            wer=_wer(
                transcripts.get(a.row.result_id, ()),
                transcripts.get(b.row.result_id, ()),
                confidence,
            ),
        )
        for a, b in pairs
        if a.row.result_id in samples and b.row.result_id in samples
    ]


def family_confidence(comparisons: int) -> float:
    """Confidence of each of several intervals, so that all together are 95 % sure.

    Source: Bonferroni's inequality.
    """
    return 1 - 0.05 / max(comparisons, 1)


def peak_memory(case: Case) -> int | None:
    """Bytes: what the framework reserved on the GPU, or the resident set on the host."""
    return case.row.gpu_reserved_bytes or case.row.rss_bytes


def _wer(
    a: Sequence[Transcript], b: Sequence[Transcript], confidence: float
) -> WerDifference | None:
    try:
        return compare_wer(a, b, confidence=confidence)
    except ValueError:
        return None
