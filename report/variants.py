"""Optimisations against the same case without them: time, energy, memory and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from report.compare import (
    CONFIDENCE,
    Difference,
    WerDifference,
    compare_energy,
    compare_samples,
    compare_turns,
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
    in_turns: bool
    """Whether the two took turns in one process, rather than one run after the other."""
    energy: Difference | None
    """Ratio of joules; None unless both have the same label and source."""
    wer: WerDifference | None
    """Over the clips of both; None where one was not scored."""

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


def variant_effects(study: Study) -> list[VariantEffect]:
    """The effect of every variant that has a baseline at the same point.

    That is the variant with which it took turns, or else the one without any optimisation. The
    intervals allow for their number: with many of them, one alone must be surer of itself.

    Args:
        study: The study; of its variants the first ``MOST_COMPARED``.
    """
    pairs = _pairs(study)[:MOST_COMPARED]
    both = [case for pair in pairs for case in pair]
    samples = study.children(Sample, both)
    transcripts = study.children(Transcript, both)
    confidence = family_confidence(len(pairs))
    found = []
    for a, b in pairs:
        ours, theirs = (samples.get(case.row.result_id, ()) for case in (a, b))
        if not ours or not theirs:
            continue
        turns = compare_turns(theirs, confidence=confidence) if b.row.baseline else None
        found.append(
            VariantEffect(
                baseline=a,
                variant=b,
                latency=turns or compare_samples(ours, theirs, confidence=confidence),
                in_turns=turns is not None,
                energy=compare_energy(a.row, b.row, confidence=confidence),
                wer=wer_difference(
                    transcripts.get(a.row.result_id, ()),
                    transcripts.get(b.row.result_id, ()),
                    confidence=confidence,
                ),
            )
        )
    return found


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
    """Variants with mixed lengths hear clips of their own, which say nothing beside others."""
    ours, theirs = a.row.clips_fingerprint, b.row.clips_fingerprint
    return ours == theirs or ours is None or theirs is None


def family_confidence(comparisons: int) -> float:
    """Confidence of each of several intervals, so that all together are 95 % sure.

    Source: Bonferroni's inequality.
    """
    return 1 - 0.05 / max(comparisons, 1)


def peak_memory(case: Case) -> int | None:
    """Bytes: what the framework reserved on the GPU, or the resident set on the host."""
    return case.row.gpu_reserved_bytes or case.row.rss_bytes


def wer_difference(
    a: Sequence[Transcript],
    b: Sequence[Transcript],
    *,
    seed: int = 42,
    confidence: float = CONFIDENCE,
) -> WerDifference | None:
    """As `compare_wer`, but None where the two share no clip that was scored."""
    try:
        return compare_wer(a, b, seed=seed, confidence=confidence)
    except ValueError:
        return None
