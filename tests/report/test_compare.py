"""Differences between two measurements: planted ones are found, chance is not taken for one."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from report.compare import compare_samples, compare_wer
from store import Sample, Transcript

BATCHES = (1.0, 1.15, 0.9, 1.3)
"""Seconds of the batches of a cycle: different speech takes different time."""


def loop(
    seed: int, *, factor: float = 1.0, rounds: int = 15, noise: float = 0.02, drift: float = 0.0
) -> list[Sample]:
    """Samples of a timing loop.

    Args:
        seed: Of its noise.
        factor: Times the seconds of ``BATCHES``.
        rounds: Rounds of the cycle.
        noise: Standard deviation of a sample, relative.
        drift: Correlation of one sample with the next.
    """
    generator = np.random.default_rng(seed)
    errors = generator.normal(0, noise, size=rounds * len(BATCHES))
    for index in range(1, len(errors)):
        errors[index] = drift * errors[index - 1] + math.sqrt(1 - drift**2) * errors[index]
    return [
        Sample(
            kind="latency",
            iteration=index,
            batch=index % len(BATCHES),
            seconds=factor * BATCHES[index % len(BATCHES)] * math.exp(error),
        )
        for index, error in enumerate(errors)
    ]


@pytest.mark.parametrize(("rounds", "drift"), [(4, 0.0), (15, 0.0), (15, 0.7)])
def test_chance_is_taken_for_a_difference_in_under_five_of_a_hundred(
    rounds: int, drift: float
) -> None:
    alarms = sum(
        compare_samples(
            loop(2 * seed, rounds=rounds, drift=drift),
            loop(2 * seed + 1, rounds=rounds, drift=drift),
        ).significant
        for seed in range(200)
    )
    assert alarms < 10


@pytest.mark.parametrize("factor", [1.03, 1.10, 0.97])
def test_planted_regressions_are_found(factor: float) -> None:
    found = [
        compare_samples(loop(2 * seed), loop(2 * seed + 1, factor=factor)) for seed in range(50)
    ]
    assert sum(difference.significant for difference in found) >= 49
    inside = sum(difference.low <= factor <= difference.high for difference in found)
    assert inside >= 45
    assert np.mean([difference.ratio for difference in found]) == pytest.approx(factor, rel=2e-3)


def test_batches_that_differ_are_no_noise() -> None:
    # Pooled over batches, 1 % would drown in the 44 % between the shortest and the longest batch.
    difference = compare_samples(loop(1, noise=0.002), loop(2, factor=1.01, noise=0.002))
    assert difference.significant
    assert difference.high - difference.low < 0.01


def test_only_latency_samples_count() -> None:
    noise = [Sample(kind=kind, iteration=0, batch=0, seconds=99.0) for kind in ("cold", "warmup")]
    plain = compare_samples(loop(1), loop(2))
    assert compare_samples([*noise, *loop(1)], [*noise, *loop(2)]) == plain


def test_the_same_samples_do_not_differ() -> None:
    same = compare_samples(loop(1, noise=0), loop(2, noise=0))
    assert same.ratio == 1
    assert not same.significant


@pytest.mark.parametrize(("a", "b"), [(1, 1), (3, 3), (15, 3), (2, 15)])
def test_fewer_than_four_rounds_give_a_ratio_without_a_verdict(a: int, b: int) -> None:
    difference = compare_samples(loop(1, rounds=a), loop(2, rounds=b, factor=2.0))
    assert difference.ratio == pytest.approx(2, rel=0.1)
    assert math.isnan(difference.low)
    assert not difference.significant
    assert difference.reason == "fewer than 4 rounds of the batch cycle give no interval"


def test_very_many_samples_take_no_time_and_say_the_same() -> None:
    many = compare_samples(loop(1, rounds=2500), loop(2, rounds=2500, factor=1.001))
    fewer = compare_samples(loop(1, rounds=2000), loop(2, rounds=2000, factor=1.001))
    width = many.high - many.low
    assert width == pytest.approx((fewer.high - fewer.low) * math.sqrt(2000 / 2500), rel=0.25)
    assert many.significant
    assert many.low < 1.001 < many.high


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ValueError, match="no latency samples"):
        compare_samples(loop(1), [Sample(kind="warmup", iteration=0, batch=0, seconds=1.0)])


def test_a_higher_confidence_asks_for_more() -> None:
    loose = compare_samples(loop(1), loop(2))
    strict = compare_samples(loop(1), loop(2), confidence=0.999)
    assert strict.low < loose.low < loose.high < strict.high


def clip(number: int, errors: int, words: int = 20, reference: str = "r") -> Transcript:
    return Transcript(
        clip_id=f"clip-{number}",
        audio_seconds=10.0,
        reference=reference,
        hypothesis="h",
        substitutions=errors,
        deletions=0,
        insertions=0,
        hits=words - errors,
    )


def test_paired_error_rates_cancel_what_makes_a_clip_hard() -> None:
    hard = np.random.default_rng(7).integers(0, 12, size=60)
    a = [clip(number, int(errors)) for number, errors in enumerate(hard)]
    b = [clip(number, int(errors) + (number % 3 == 0)) for number, errors in enumerate(hard)]
    difference = compare_wer(a, b)
    assert difference.difference == pytest.approx(1 / 60)
    assert difference.significant
    assert 0 < difference.low < 1 / 60 < difference.high < 0.03
    # Not paired, the two would differ by chance alone as much.
    assert hard.std() / 20 / math.sqrt(60) > 1 / 60


def test_error_rates_rarely_differ_by_chance() -> None:
    generator = np.random.default_rng(3)
    alarms = 0
    for seed in range(200):
        errors = generator.binomial(20, 0.15, size=(2, 64))
        a, b = ([clip(n, int(e)) for n, e in enumerate(side)] for side in errors)
        alarms += compare_wer(a, b, seed=seed, confidence=0.98).significant
    assert alarms < 10


def test_only_clips_of_both_with_one_reference_count() -> None:
    a = [clip(1, 2), clip(2, 0), clip(3, 5), clip(4, 0, reference="old")]
    b = [clip(1, 1), clip(2, 1), clip(9, 20), clip(4, 20, reference="new")]
    difference = compare_wer(a, b)
    assert difference.clips == 2
    assert (difference.a, difference.b) == (2 / 40, 2 / 40)


def test_no_shared_clip_is_an_error_and_one_gives_no_interval() -> None:
    with pytest.raises(ValueError, match="share no scored clip"):
        compare_wer([clip(1, 0)], [clip(2, 0)])
    single = compare_wer([clip(1, 0)], [clip(1, 4)])
    assert single.difference == pytest.approx(0.2)
    assert (single.significant, single.reason) == (
        False,
        "1 utterance is too few for an interval of 95 %",
    )
    assert (single.interval_by, single.clusters) == (None, None)


def test_a_far_tail_has_resamples_beyond_it() -> None:
    generator = np.random.default_rng(11)
    a, b = ([clip(n, int(e)) for n, e in enumerate(generator.binomial(20, 0.2, 60))] for _ in "ab")
    found = [compare_wer(a, b, confidence=1 - 0.05 / intervals) for intervals in (1, 20, 200)]
    widths = [one.high - one.low for one in found]
    # Of 60 clips the difference is nearly normal, so its quantiles tell how wide it must be.
    quantiles = [NormalDist().inv_cdf(1 - 0.025 / intervals) for intervals in (1, 20, 200)]
    for width, quantile in zip(widths, quantiles, strict=True):
        assert width / widths[0] == pytest.approx(quantile / quantiles[0], rel=0.12)
    # Another seed moves an end of the far interval by little: it is not one draw's chance.
    other = compare_wer(a, b, seed=1, confidence=1 - 0.05 / 200)
    assert other.high - other.low == pytest.approx(widths[2], rel=0.1)


@pytest.mark.parametrize(
    ("clips", "confidence", "reason"),
    [
        (3, 0.95, "3 utterances are too few for an interval of 95 %"),
        (5, 0.9995, "5 utterances are too few for an interval of 99.95 %"),
    ],
)
def test_a_tail_that_cannot_be_reached_gives_no_interval(
    clips: int, confidence: float, reason: str
) -> None:
    a, b = ([clip(n, errors) for n in range(clips)] for errors in (1, 2))
    found = compare_wer(a, b, confidence=confidence)
    assert found.difference == pytest.approx(0.05)
    assert math.isnan(found.low)
    assert (found.significant, found.reason) == (False, reason)


def test_far_out_the_ends_are_those_of_the_spread() -> None:
    """What many comparisons ask for widens on as it does within reach of the resamples."""
    a, b = ([clip(n, (n * step) % 5) for n in range(200)] for step in (1, 3))
    widths = []
    for comparisons in (1, 400, 600, 100_000):
        found = compare_wer(a, b, confidence=1 - 0.05 / comparisons)
        assert found.reason is None
        widths.append(found.high - found.low)
    assert widths == sorted(widths)
    normal = [NormalDist().inv_cdf(1 - 0.025 / n) for n in (1, 400, 600, 100_000)]
    ratios = [width / of for width, of in zip(widths, normal, strict=True)]
    assert ratios == pytest.approx(4 * [ratios[0]], rel=0.08)


def test_where_no_clip_differs_there_is_nothing_to_be_unsure_of() -> None:
    same = [clip(n, n % 4) for n in range(30)]
    found = compare_wer(same, same)
    assert (found.difference, found.reason, found.significant) == (0, "no utterance differs", False)
    assert math.isnan(found.low)


def test_utterances_of_a_speaker_are_drawn_together() -> None:
    generator = np.random.default_rng(5)
    speakers, each = 30, 10
    alarms = {"speaker": 0, "utterance": 0}
    for seed in range(60):
        # Two models that are as good, each better with voices of its own.
        shares = np.repeat(generator.beta(2, 8, size=(2, speakers)), each, axis=1)
        errors = generator.binomial(20, shares)
        a, b = ([clip(n, int(e)) for n, e in enumerate(side)] for side in errors)
        named = [replace(one, speaker=f"s{n // each}") for n, one in enumerate(a)]
        for by, side, count in (("utterance", a, speakers * each), ("speaker", named, speakers)):
            found = compare_wer(side, b, seed=seed)
            assert (found.interval_by, found.clusters) == (by, count)
            alarms[by] += found.significant
    assert alarms["speaker"] <= 8
    assert alarms["utterance"] > 15


def test_one_side_may_know_the_speakers_alone() -> None:
    a = [clip(n, n % 5) for n in range(12)]
    b = [replace(clip(n, 1), speaker=f"s{n % 4}") for n in range(12)]
    found = compare_wer(a, b)
    assert (found.interval_by, found.clusters, found.clips) == ("speaker", 4, 12)
    # Two voices are too few, and each of the twelve is drawn.
    b = [replace(clip(n, 1), speaker=f"s{n % 2}") for n in range(12)]
    found = compare_wer(a, b)
    assert (found.interval_by, found.clusters) == ("utterance", 12)
