"""How long a benchmark will take, before it runs: coarse, and corrected by what ran before.

The passes of a case and their lengths are in the config; only the latency has to be guessed. A
case that the store has a row of takes what it took then.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from runner.catalogue.measures import COUNTS, LATENCY
from runner.catalogue.models import CATALOGUE
from runner.config.robustness import SILENCE_S
from stats.intervals import FEWEST_ROUNDS

if TYPE_CHECKING:
    from runner.config import Benchmark, Data, Limits, Measure, Model, Variant
    from runner.grid import Case

ENERGY_WINDOW_S = 2.0
"""Shorter windows are lengthened to it."""
START_S = 3.0
"""Process, clips and a small model."""
LOAD_S_PER_PARAMETER = 4e-9
"""A checkpoint of 1 GB (fp32) in a second."""
CPU_S = 1.4e-9
"""Seconds a parameter and second of audio on one core: what Whisper tiny and wav2vec 2.0 base take
on common cores, to a factor of two."""
GPU_S = CPU_S / 40
GPU_LEAST_S = 0.02
"""A batch takes so long at the least: launches, and a decoder's steps."""
POCKETSPHINX_S = 0.19
"""Seconds a second of audio."""
UNKNOWN_PARAMETERS = 100_000_000
BUILTIN = (110, 2.4)
"""Utterances of the built-in speech, and their mean length in seconds."""
OTHER = (200, 8.0)
"""The same of other speech, which is not known before it is read: what is taken of a hub data set,
and a length between those of GigaSpeech and LibriSpeech."""
TRIAL_BATCHES = 4
"""Batches that a try of a batch size runs."""
MIXED_LENGTH = 0.75
"""Of the longest length, what clips of mixed lengths come to, padding included."""
PRECISE_ROUNDS = 6
"""Rounds of the batch cycle until a precision is reached, on a machine that is fairly quiet."""
LOOSE, TIGHT = 0.1, 0.02
"""Precisions: from the one on the fewest rounds do, below the other it takes more."""
OPERATOR_BATCHES = 4
"""A profiled batch costs as much as these, warm-up included."""


@dataclass(frozen=True)
class Estimate:
    """Seconds for a whole benchmark, and how well they are known."""

    seconds: float
    cases: int
    known: int
    """Cases whose time is that of an earlier run."""
    otherwise: int = 0
    """Of these, the ones that had other limits, measures or speech then."""


def estimate(
    benchmark: Benchmark,
    cases: Sequence[Case],
    took_s: Mapping[str, float],
    otherwise: Collection[str] = (),
) -> Estimate:
    """Estimates a benchmark.

    Args:
        benchmark: The benchmark.
        cases: Its cases.
        took_s: Seconds that cases took before, by their keys.
        otherwise: Keys of those that were measured otherwise then; see `measured_otherwise`.
    """
    each = estimate_each(benchmark, cases, took_s)
    known = each.keys() & took_s.keys()
    return Estimate(sum(each.values()), len(cases), len(known), len(known & set(otherwise)))


@dataclass(frozen=True)
class Before:
    """How long a case took, and how it was measured then."""

    seconds: float
    limits: Limits
    measures: tuple[Measure, ...]
    data: Data


def measured_otherwise(benchmark: Benchmark, before: Mapping[str, Before]) -> set[str]:
    """Keys of the cases that had other limits, measures or speech than those of a benchmark."""
    now = (benchmark.limits, set(benchmark.measures), _speech(benchmark.data))
    return {
        key
        for key, was in before.items()
        if (was.limits, set(was.measures), _speech(was.data)) != now
    }


def _speech(data: Data) -> Data:
    return data.model_copy(update={"cache": None})


def as_now(
    benchmark: Benchmark, cases: Sequence[Case], before: Mapping[str, Before]
) -> dict[str, float]:
    """Seconds that cases would take now that took so long before, by their keys.

    Where loops, measures or speech were others, the time changes as the guesses do.

    Args:
        benchmark: The benchmark.
        cases: Its cases.
        before: What cases took, by their keys.
    """
    now = _guesses(benchmark, cases)
    then: dict[tuple[Limits, tuple[Measure, ...], Data], dict[str, float]] = {}
    found = {}
    for key in now.keys() & before.keys():
        was = before[key]
        kind = (was.limits, was.measures, was.data)
        if kind not in then:
            changes = {"limits": was.limits, "measures": list(was.measures), "data": was.data}
            then[kind] = _guesses(benchmark.model_copy(update=changes), cases)
        found[key] = was.seconds * now[key] / then[kind][key]
    return found


def estimate_each(
    benchmark: Benchmark, cases: Sequence[Case], took_s: Mapping[str, float]
) -> dict[str, float]:
    """Seconds of each case of a benchmark, by its key.

    Args:
        benchmark: The benchmark.
        cases: Its cases, in their order: the first of a kind takes the words of all.
        took_s: Seconds that cases took before, by their keys.
    """
    guesses = _guesses(benchmark, cases)
    return {key: took_s.get(key, guess) for key, guess in guesses.items()}


def left_seconds(
    benchmark: Benchmark,
    cases: Sequence[Case],
    *,
    settled: Collection[str],
    took_s: Mapping[str, float],
    in_hand_s: float,
) -> float | None:
    """Seconds that a running job will still take; None where nobody can tell.

    A case in hand that is later than all that follows has shown the guess to be wrong, and nothing
    says by how much.

    Args:
        benchmark: Its benchmark.
        cases: All its cases.
        settled: Keys of the cases that will not run any more.
        took_s: Seconds of the cases that this attempt has run, by key: they say how far the guess
            is off on this machine.
        in_hand_s: Seconds since the case in hand began.
    """
    guesses = _guesses(benchmark, cases)
    ran = [key for key in took_s if key in guesses]
    guessed = sum(guesses[key] for key in ran)
    factor = sum(took_s[key] for key in ran) / guessed if guessed else 1.0
    open_s = [guess * factor for key, guess in guesses.items() if key not in settled]
    if not open_s:
        return 0.0
    # The first open case is the one in hand.
    left_s, later_s = open_s[0] - in_hand_s, sum(open_s[1:])
    return None if -left_s > later_s else max(0.0, left_s) + later_s


def _guesses(benchmark: Benchmark, cases: Sequence[Case]) -> dict[str, float]:
    """Seconds of every case by its key; the first of a kind takes the quality pass for all."""
    seen: set[tuple[Model, str, Variant]] = set()
    guesses = {}
    for case in cases:
        kind = (case.model, case.device, case.variant)
        guesses[case.key] = case_seconds(benchmark, case, takes_quality=kind not in seen)
        seen.add(kind)
    return guesses


def case_seconds(benchmark: Benchmark, case: Case, *, takes_quality: bool) -> float:
    """A guess for one case, from the lengths of its passes.

    Args:
        benchmark: The benchmark.
        case: The case.
        takes_quality: Whether it is the first of its model, device and variant, which transcribes
            the utterances for all of them.
    """
    limits, measures = benchmark.limits, set(benchmark.measures)
    if measures <= COUNTS and case.batch_size != "max":
        return START_S
    batch_s = batch_seconds(case, _batch(benchmark, case))
    round_s = batch_s * limits.cycle_batches
    if limits.precision is None:
        loop_s = max(limits.min_seconds, batch_s * limits.min_iterations, round_s)
    else:
        loop_s = _rounds(limits.precision) * round_s
    loop_s = min(loop_s, max(limits.longest_loop_s, round_s))
    if LATENCY not in measures:
        loop_s = round_s
    warmup_s = max(batch_s * limits.warmup_iterations, min(limits.warmup_seconds, 2 * batch_s))
    start_s = START_S + _parameters(case) * LOAD_S_PER_PARAMETER
    total = start_s + batch_s * 2 + warmup_s + loop_s
    if case.batch_size == "max":
        total += _search_seconds(batch_s, limits.largest_batch, start_s)
    if "stages" in measures:
        total += batch_s * limits.stage_iterations
    if case.model.weights != "random":
        passes = ("quality" in measures and takes_quality) + ("quality_batch" in measures)
        total += passes * _quality_seconds(benchmark, case)
        if "robustness" in measures:
            total += _robustness_seconds(benchmark, case)
    if "energy" in measures:
        total += _energy_seconds(limits, case, batch_s, loop_s if LATENCY in measures else 0.0)
    if "load" in measures:
        total += benchmark.load.usual_s(batcher=case.model.server is None)
    if "operators" in measures:
        total += batch_s * OPERATOR_BATCHES
    return min(total, limits.case_seconds)


def _energy_seconds(limits: Limits, case: Case, batch_s: float, loop_s: float) -> float:
    """A guess for the energy of a case, beside its timed loop of ``loop_s`` seconds."""
    if not case.device.startswith("cuda") and not has_cpu_meter():
        # The loop is the one window of what is only estimated.
        return max(0.0, max(ENERGY_WINDOW_S, batch_s) - loop_s)
    window_s = max(limits.energy_window_seconds, ENERGY_WINDOW_S, batch_s)
    cooled_s = window_s + limits.energy_cooldown_seconds
    return limits.energy_windows * cooled_s + 2 * limits.energy_idle_seconds


@cache
def has_cpu_meter() -> bool:
    """Whether a counter of a processor's energy can be read here.

    A guess for runners elsewhere: those of a fleet, and containers, which see what they are given.
    """
    counters = Path("/sys/class/powercap").glob("*/energy_uj")
    return any(os.access(counter, os.R_OK) for counter in counters)


def _rounds(precision: float) -> float:
    """A guess for the rounds of the batch cycle until a precision is reached."""
    if precision >= LOOSE:
        return FEWEST_ROUNDS
    # Half as wide an interval takes four times the samples.
    return PRECISE_ROUNDS * max(1.0, TIGHT / precision) ** 2


def _quality_seconds(benchmark: Benchmark, case: Case) -> float:
    """A guess for transcribing every utterance at its natural length, in batches of the case."""
    data, most = benchmark.data, benchmark.limits.quality_utterances
    utterances, length_s = BUILTIN if data.source == "builtin" else OTHER
    utterances = data.utterances or utterances
    utterances = min(utterances, most or utterances)
    batch = min(_batch(benchmark, case), utterances)
    return batch_seconds(case, batch, utterance_s=length_s) * utterances / batch


def _robustness_seconds(benchmark: Benchmark, case: Case) -> float:
    """A guess for every utterance at every ratio, and for the inputs in which nobody speaks."""
    asked = benchmark.robustness
    passes = asked.passes + ("quality" not in benchmark.measures)
    quiet_s = sum(batch_seconds(case, 1, utterance_s=seconds) for seconds in SILENCE_S)
    return passes * _quality_seconds(benchmark, case) + asked.quiet_draws * quiet_s


def _batch(benchmark: Benchmark, case: Case) -> int:
    """Clips in a batch; where the largest is still to be found, the most that it may be."""
    return benchmark.limits.largest_batch if case.batch_size == "max" else case.batch_size


def _search_seconds(batch_s: float, largest: int, start_s: float) -> float:
    """A guess for the search for the largest batch, if memory does not end it."""
    doublings = largest.bit_length()
    # Each try takes half as long as the next one.
    return doublings * start_s + 2 * batch_s * TRIAL_BATCHES


def batch_seconds(case: Case, batch_size: int, *, utterance_s: float | None = None) -> float:
    """A guess for the latency of one batch.

    Args:
        case: The case.
        batch_size: Clips in the batch.
        utterance_s: Seconds of each, where they are utterances instead of its clips.
    """
    entry = CATALOGUE.get(case.model.name)
    length_s = case.audio_seconds if utterance_s is None else utterance_s
    audio_s = length_s * batch_size
    if case.mixed and utterance_s is None:
        audio_s *= MIXED_LENGTH
    if entry is not None and entry.family == "pocketsphinx":
        return audio_s * POCKETSPHINX_S
    window = None if entry is None else entry.window_seconds
    if window is not None and entry is not None and entry.family == "whisper":
        windows = -(-length_s // window)  # The last one padded.
        audio_s = windows * window * batch_size / 2  # The decoder sees the speech alone.
    if case.device == "cpu":
        return max(0.005, audio_s * _parameters(case) * CPU_S)
    return max(GPU_LEAST_S, audio_s * _parameters(case) * GPU_S)


def _parameters(case: Case) -> int:
    entry = CATALOGUE.get(case.model.name)
    return UNKNOWN_PARAMETERS if entry is None else entry.parameters


def duration(seconds: float) -> str:
    """So long, as coarsely as an estimate is known."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
