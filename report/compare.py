"""Differences between two measurements of one case: latency and word error rate.

The latency of a case is the median of each batch of its cycle, averaged over the cycle, so its
samples are resampled within their batches. Error rates are compared over the clips that both
sides transcribed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from report.statistics import RESAMPLES, Floats, cycle_median, log_standard_error
from store import Sample, StudyRow, Transcript
from store.student import student_quantile
from store.turns import BASELINE, VARIANT, turns_ratio

CONFIDENCE = 0.95

BEYOND = 20
"""Resamples that lie beyond each end of a bootstrap interval, at least: fewer, and the end is one
draw's chance."""
MOST_RESAMPLES = 400_000
MOST_DRAWN = 2**26
"""Of resamples times clips, a byte each; drawing them takes a second, and then they are kept."""
NO_CLIP_DIFFERS = "no clip differs"
"""Each has as many errors on both sides, so there is nothing to be unsure of."""
_AT_ONCE = 2**20

TURNS = (BASELINE, VARIANT)
"""Kinds of the samples of a variant that took turns with its baseline."""


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
    if min(len(values) for side in sides for values in side) < 2:
        return Difference(
            ratio=ratio,
            low=math.nan,
            high=math.nan,
            significant=False,
            reason="one round of the batch cycle gives no interval",
        )
    error = math.hypot(*(log_standard_error(side, seed) for side in sides))
    freedom = sum(len(values) - 1 for side in sides for values in side)
    factor = math.exp(student_quantile((1 + confidence) / 2, freedom) * error)
    low, high = ratio / factor, ratio * factor
    return Difference(ratio=ratio, low=low, high=high, significant=not low <= 1 <= high)


def compare_turns(
    samples: Sequence[Sample], *, confidence: float = CONFIDENCE
) -> Difference | None:
    """The ratio of two latencies that were measured in turns, in one process.

    As the runner stores it (`store.turns`), for any confidence.

    Args:
        samples: Of the variant's result, those of both sides among them.
        confidence: Of the interval; raise it when many cases are compared at once.

    Returns:
        None where the two did not take turns.
    """
    sides = [_by_batch(samples, kind) for kind in TURNS if any(s.kind == kind for s in samples)]
    if len(sides) < len(TURNS):
        return None
    base, variant = ([values.tolist() for values in side] for side in sides)
    found = turns_ratio(variant, base, confidence=confidence)
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
        None unless both have joules of one label and one source.
    """
    same = (a.energy_label, a.energy_source) == (b.energy_label, b.energy_source)
    if not same or not a.energy_j or not b.energy_j:
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
    """The difference of two word error rates, by a bootstrap over the clips that both have.

    A clip is drawn for both sides at once, so what makes it hard cancels out.

    Args:
        a: Transcripts of the baseline. Those without counts, or of a clip that the other side does
            not have with the same reference, are left out.
        b: Transcripts of the other.
        seed: Of the resampling.
        confidence: Of the interval.

    Raises:
        ValueError: The two share no clip that was scored.

    Source: Bisani and Ney (2004), Bootstrap estimates for confidence intervals in ASR performance
    evaluation, ICASSP.
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
    counts = np.array([[_errors(x), _words(x), _errors(y), _words(y)] for x, y in pairs], float)
    errors_a, words_a, errors_b, words_b = counts.sum(axis=0)
    wer_a, wer_b = float(errors_a / words_a), float(errors_b / words_b)
    low, high, reason = _wer_interval(counts, seed, confidence)
    return WerDifference(
        a=wer_a,
        b=wer_b,
        low=low,
        high=high,
        significant=low > 0 or high < 0,
        clips=len(pairs),
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


def _wer_interval(counts: Floats, seed: int, confidence: float) -> tuple[float, float, str | None]:
    """Both ends, or NaN and why.

    The ends are quantiles of the resamples. Of hundreds of comparisons each asks for more of them
    than can be drawn: its ends are then the normal ones, of the resamples' spread.
    """
    clips, tail = len(counts), (1 - confidence) / 2
    reason = None
    if (counts[:, :2] == counts[:, 2:]).all():
        reason = NO_CLIP_DIFFERS
    elif clips < 2:
        reason = "one clip gives no interval"
    elif float(clips) ** -clips > tail:
        # Not even the rarest draw, one clip and nothing else, is as rare as the tail.
        reason = f"{clips} clips are too few for an interval of {100 * confidence:.6g} %"
    if reason is not None:
        return math.nan, math.nan, reason
    resamples = max(RESAMPLES, math.ceil(BEYOND / tail))
    reached = resamples <= min(MOST_RESAMPLES, MOST_DRAWN // clips)
    if not reached:
        resamples = RESAMPLES
    drawn = _drawn_clips(clips, resamples, seed)
    single = counts.astype(np.float32)
    rows = max(1, _AT_ONCE // clips)
    sums = np.concatenate(
        [drawn[n : n + rows].astype(np.float32) @ single for n in range(0, resamples, rows)]
    )
    errors_a, words_a, errors_b, words_b = sums.T.astype(np.float64)
    differences = errors_b / words_b - errors_a / words_a
    if not reached:
        reach = NormalDist().inv_cdf(1 - tail) * float(np.std(differences, ddof=1))
        middle = float(np.mean(differences))
        return middle - reach, middle + reach, None
    low, high = np.quantile(differences, (tail, 1 - tail))
    return float(low), float(high), None


@lru_cache(maxsize=2)
def _drawn_clips(clips: int, resamples: int, seed: int) -> NDArray[np.uint8]:
    """How often each clip is drawn in each resample: all that sums need, and the same every time.

    A byte each: no clip is drawn 256 times where there are as many draws as clips.
    """
    generator = np.random.default_rng(seed)
    drawn = np.empty((resamples, clips), dtype=np.uint8)
    rows = max(1, _AT_ONCE // clips)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        picks = generator.integers(0, clips, size=(count, clips))
        picks += clips * np.arange(count)[:, None]
        counted = np.bincount(picks.ravel(), minlength=count * clips)
        drawn[start : start + count] = counted.reshape(count, clips)
    return drawn


def _errors(clip: Transcript) -> int:
    return (clip.substitutions or 0) + (clip.deletions or 0) + (clip.insertions or 0)


def _words(clip: Transcript) -> int:
    return (clip.substitutions or 0) + (clip.deletions or 0) + (clip.hits or 0)
