"""Differences between two measurements of one case: latency and word error rate.

The latency of a case is the median of each batch of its cycle, averaged over the cycle, so its
samples are resampled within their batches. Error rates are compared over the utterances that both
sides transcribed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from stats.clusters import cluster_interval
from stats.interleaved import interleaved_ratio
from stats.intervals import FEW_ROUNDS, FEWEST_ROUNDS
from stats.student import t_quantile
from stats.timings import Floats, cycle_median, log_standard_error, rounds_of
from store import Sample, StudyRow, Transcript
from store.clusters import Clusters, clusters_of
from store.records import BASELINE, VARIANT

CONFIDENCE = 0.95

NO_CLIP_DIFFERS = "no utterance differs"
"""Each has as many errors on both sides, so there is nothing to be unsure of."""
_NO_SPREAD = 1e-9
"""Few that all differ alike: their spread says nothing of how much others would."""

INTERLEAVED = (BASELINE, VARIANT)
"""Kinds of the samples of a variant that was interleaved with its baseline."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How ``b`` differs from ``a``, as a ratio."""

    ratio: float
    """``b`` by ``a``: 1.03 is 3 % more."""
    low: float
    """Lower end of the ratio's confidence interval; NaN where there is none."""
    high: float
    significant: bool
    """The interval excludes 1. Never without an interval."""
    reason: str | None = None
    """Why there is no interval, or None."""


@dataclass(frozen=True, kw_only=True)
class WerDifference:
    """How the word error rate of ``b`` differs from that of ``a``, over the same clips."""

    a: float
    """Word error rate over the shared clips."""
    b: float
    low: float
    """Lower end of the confidence interval of ``b - a``; NaN where there is none."""
    high: float
    significant: bool
    """The interval excludes 0. Never without an interval."""
    clips: int
    """Clips that both sides transcribed and that could be scored."""
    interval_by: str | None = None
    """What was drawn, for example ``speaker``; None where there is no interval."""
    clusters: int | None = None
    """How many of them there are."""
    reason: str | None = None
    """Why there is no interval, or None."""

    @property
    def difference(self) -> float:
        """``b - a``: 0.01 is one more wrong word in a hundred."""
        return self.b - self.a


def compare_samples(
    a: Sequence[Sample], b: Sequence[Sample], *, seed: int = 42, confidence: float = CONFIDENCE
) -> Difference:
    """The ratio of two latencies, and whether chance can explain it.

    The interval is Student's, of the logarithm of the ratio, its standard error by a bootstrap
    within batches that allows for few samples and for drift. It knows what varied within the two
    loops. What differs from one process to the next (memory layout, other tenants of a machine) is
    not in it: where that matters, compare runs of the same code first.

    Args:
        a: Samples of the baseline. Only those of kind ``latency`` count.
        b: Samples of the other.
        seed: Of the resampling.
        confidence: Of the interval; raise it when many cases are compared at once.

    Raises:
        ValueError: One side has no samples of kind ``latency``.
    """
    sides = _by_batch(a), _by_batch(b)
    ratio = cycle_median(sides[1]) / cycle_median(sides[0])
    if min(map(rounds_of, sides)) < FEWEST_ROUNDS:
        return Difference(
            ratio=ratio,
            low=math.nan,
            high=math.nan,
            significant=False,
            reason=FEW_ROUNDS,
        )
    error = math.hypot(*(log_standard_error(side, seed) for side in sides))
    degrees_of_freedom = sum(len(values) - 1 for side in sides for values in side)
    factor = math.exp(t_quantile((1 + confidence) / 2, degrees_of_freedom) * error)
    low, high = ratio / factor, ratio * factor
    return Difference(ratio=ratio, low=low, high=high, significant=not low <= 1 <= high)


def compare_interleaved(
    samples: Sequence[Sample], *, confidence: float = CONFIDENCE
) -> Difference | None:
    """The ratio of two latencies that were measured interleaved, in one process.

    As the runner stores it (`stats.interleaved`), for any confidence.

    Args:
        samples: Of the variant's result, those of both sides among them.
        confidence: Of the interval; raise it when many cases are compared at once.

    Returns:
        None where the two were not interleaved.
    """
    sides = [
        _by_batch(samples, kind) for kind in INTERLEAVED if any(s.kind == kind for s in samples)
    ]
    if len(sides) < len(INTERLEAVED):
        return None
    base, variant = ([values.tolist() for values in side] for side in sides)
    found = interleaved_ratio(variant, base, confidence=confidence)
    if found.low is None or found.high is None:
        return Difference(
            ratio=found.ratio, low=math.nan, high=math.nan, significant=False, reason=found.reason
        )
    return Difference(
        ratio=found.ratio,
        low=found.low,
        high=found.high,
        significant=not found.low <= 1 <= found.high,
    )


def all_estimated(rows: Iterable[StudyRow]) -> bool:
    """Whether no joule of these rows was read from a meter.

    Such joules are time times a constant power: a chart of them is the one of time in a mirror, and
    they correlate with whatever time does.
    """
    labels = {row.energy_label for row in rows if row.energy_j}
    return labels == {"estimated"}


def estimates_apart(rows: Iterable[StudyRow]) -> bool:
    """Whether joules are estimates with different numbers of threads.

    Power that is modelled from the processor's load follows the threads by a law of the model's
    own: what it says of two numbers of threads is not known to be so of any machine.
    """
    estimated = (row for row in rows if row.energy_label == "estimated" and row.energy_j)
    return len({row.threads for row in estimated if row.threads is not None}) > 1


def compare_energy(
    a: StudyRow, b: StudyRow, *, confidence: float = CONFIDENCE
) -> Difference | None:
    """The ratio of two energies, from the uncertainties of the readings.

    A meter's bias is in both readings and cancels out, while their uncertainties hold it twice, so
    the interval is too wide rather than too narrow.

    Args:
        a: The baseline.
        b: The other.
        confidence: Of the interval.

    Returns:
        None unless both have joules of one label and one source that compare.
    """
    same = (a.energy_label, a.energy_source) == (b.energy_label, b.energy_source)
    if not same or estimates_apart([a, b]) or not a.energy_j or not b.energy_j:
        return None
    ratio = b.energy_j / a.energy_j
    if a.energy_uncertainty_j is None or b.energy_uncertainty_j is None:
        return Difference(
            ratio=ratio,
            low=math.nan,
            high=math.nan,
            significant=False,
            reason="the readings have no uncertainty",
        )
    error = math.hypot(a.energy_uncertainty_j / a.energy_j, b.energy_uncertainty_j / b.energy_j)
    factor = math.exp(NormalDist().inv_cdf((1 + confidence) / 2) * error)
    low, high = ratio / factor, ratio * factor
    return Difference(ratio=ratio, low=low, high=high, significant=not low <= 1 <= high)


def compare_wer(
    a: Sequence[Transcript],
    b: Sequence[Transcript],
    *,
    seed: int = 42,
    confidence: float = CONFIDENCE,
) -> WerDifference:
    """The difference of two word error rates, by a bootstrap over the utterances that both have.

    They are drawn by speaker or by recording where that is known of enough (`store.clusters`), as
    for the interval of one rate. Each is drawn for both sides at once, so what makes it hard
    cancels out.

    Args:
        a: Transcripts of the baseline. Those without counts, or of an utterance that the other side
            does not have with the same reference, are left out.
        b: Transcripts of the other.
        seed: Of the resampling.
        confidence: Of the interval.

    Raises:
        ValueError: The two share no clip that was scored.

    Source: Bisani and Ney (2004), Bootstrap estimates for confidence intervals in ASR performance
    evaluation, ICASSP; over clusters: see `stats.clusters`.
    """
    others = {(clip.clip_id, clip.reference): clip for clip in b if clip.hits is not None}
    pairs = [
        (clip, others[clip.clip_id, clip.reference])
        for clip in a
        if clip.hits is not None and (clip.clip_id, clip.reference) in others
    ]
    if not pairs:
        raise ValueError("the two share no scored clip")
    # Two normalisers, or two scorings, may count other words in one reference.
    counts = np.array([[x.errors, x.words, y.errors, y.words] for x, y in pairs], float)
    errors_a, words_a, errors_b, words_b = counts.sum(axis=0)
    wer_a, wer_b = float(errors_a / words_a), float(errors_b / words_b)
    # A store of an older asrprof says less of who speaks.
    clusters = clusters_of([x if x.speaker or x.recording else y for x, y in pairs])
    low, high, reason = _wer_interval(counts, clusters, seed, confidence)
    return WerDifference(
        a=wer_a,
        b=wer_b,
        low=low,
        high=high,
        significant=low > 0 or high < 0,
        clips=len(pairs),
        interval_by=clusters.by if reason is None else None,
        clusters=clusters.count if reason is None else None,
        reason=reason,
    )


def _by_batch(samples: Sequence[Sample], kind: str = "latency") -> list[Floats]:
    """Seconds of each batch of the cycle, in the order of their measurement."""
    batches: dict[int, list[float]] = {}
    for sample in samples:
        if sample.kind == kind:
            batches.setdefault(sample.batch, []).append(sample.seconds)
    if not batches:
        raise ValueError("no latency samples to compare")
    return [np.asarray(batches[batch]) for batch in sorted(batches)]


def _wer_interval(
    counts: Floats, clusters: Clusters, seed: int, confidence: float
) -> tuple[float, float, str | None]:
    """Both ends, or NaN and why.

    Args:
        counts: Of each utterance errors and words of the one, errors and words of the other; shape
            (utterances, 4).
        clusters: Of the utterances.
        seed: Of the resampling.
        confidence: Of the interval.
    """
    if (counts[:, :2] == counts[:, 2:]).all():
        return math.nan, math.nan, NO_CLIP_DIFFERS
    if clusters.enough:
        found = cluster_interval(
            counts,
            clusters.numbers,
            lambda sums: sums[:, 2] / sums[:, 3] - sums[:, 0] / sums[:, 1],
            seed=seed,
            confidence=confidence,
        )
        if not found.of_spread or found.high - found.low > _NO_SPREAD:
            return found.low, found.high, None
    verb = "is" if clusters.count == 1 else "are"
    few = f"{clusters.counted} {verb} too few for an interval of {100 * confidence:.6g} %"
    return math.nan, math.nan, few
