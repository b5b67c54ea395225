"""How long a benchmark will take, before it runs: coarse, and corrected by what ran before.

The passes of a case and their lengths are in the config; only the latency has to be guessed. A
case that the store has a row of takes what it took then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.engines.catalogue import CATALOGUE

if TYPE_CHECKING:
    from runner.config import Benchmark
    from runner.grid import Case

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
QUALITY_CLIPS = 32
TRIAL_BATCHES = 4
"""Batches that a try of a batch size runs."""
MIXED_LENGTH = 0.75
"""Of the longest length, what clips of mixed lengths come to, padding included."""
OPERATOR_BATCHES = 4
"""A profiled batch costs as much as these, warm-up included."""


@dataclass(frozen=True)
class Estimate:
    """Seconds for a whole benchmark, and how well they are known."""

    seconds: float
    cases: int
    known: int
    """Cases whose time is that of an earlier run."""


def estimate(benchmark: Benchmark, cases: Sequence[Case], took_s: Mapping[str, float]) -> Estimate:
    """Estimates a benchmark.

    Args:
        benchmark: The benchmark.
        cases: Its cases.
        took_s: Seconds that cases took before, by their keys.
    """
    known = [took_s[case.key] for case in cases if case.key in took_s]
    guessed = [case_seconds(benchmark, case) for case in cases if case.key not in took_s]
    return Estimate(sum(known) + sum(guessed), len(cases), len(known))


def left_seconds(
    benchmark: Benchmark,
    cases: Sequence[Case],
    *,
    settled: Collection[str],
    took_s: Mapping[str, float],
    in_hand_s: float,
) -> float:
    """Seconds that a running job will still take.

    Args:
        benchmark: Its benchmark.
        cases: All its cases.
        settled: Keys of the cases that will not run any more.
        took_s: Seconds of the cases that this attempt has run, by key: they say how far the guess
            is off on this machine.
        in_hand_s: Seconds since the case in hand began.
    """
    guesses = {case.key: case_seconds(benchmark, case) for case in cases}
    ran = [key for key in took_s if key in guesses]
    guessed = sum(guesses[key] for key in ran)
    factor = sum(took_s[key] for key in ran) / guessed if guessed else 1.0
    open_s = [guess * factor for key, guess in guesses.items() if key not in settled]
    if not open_s:
        return 0.0
    # The first open case is the one in hand; one that is late has an end too.
    return max(0.0, open_s[0] - in_hand_s) + sum(open_s[1:])


def case_seconds(benchmark: Benchmark, case: Case) -> float:
    """A guess for one case, from the lengths of its passes."""
    limits, measures = benchmark.limits, set(benchmark.measures)
    batch_s = batch_seconds(case, _batch(benchmark, case))
    loop_s = max(limits.min_seconds, batch_s * max(limits.min_iterations, limits.cycle_batches))
    loop_s = min(loop_s, max(20 * max(limits.min_seconds, 1.0), batch_s * limits.cycle_batches))
    warmup_s = max(batch_s * limits.warmup_iterations, min(limits.warmup_seconds, 2 * batch_s))
    start_s = START_S + _parameters(case) * LOAD_S_PER_PARAMETER
    total = start_s + batch_s * 2 + warmup_s + loop_s
    if case.batch_size == "max":
        total += _search_seconds(batch_s, limits.largest_batch, start_s)
    if "stages" in measures:
        total += batch_s * limits.stage_iterations
    if "quality" in measures and case.model.weights != "random":
        clips = min(limits.quality_clips or QUALITY_CLIPS, benchmark.data.utterances or 10_000)
        total += batch_s * clips / _batch(benchmark, case)
    if "energy" in measures:
        window_s = max(limits.energy_window_seconds, batch_s) + limits.energy_cooldown_seconds
        total += limits.energy_windows * window_s + 2 * limits.energy_idle_seconds
    if "operators" in measures:
        total += batch_s * OPERATOR_BATCHES
    return min(total, limits.case_seconds)


def _batch(benchmark: Benchmark, case: Case) -> int:
    """Clips in a batch; where the largest is still to be found, the most that it may be."""
    return benchmark.limits.largest_batch if case.batch_size == "max" else case.batch_size


def _search_seconds(batch_s: float, largest: int, start_s: float) -> float:
    """A guess for the search for the largest batch, if memory does not end it."""
    doublings = largest.bit_length()
    # Each try takes half as long as the next one.
    return doublings * start_s + 2 * batch_s * TRIAL_BATCHES


def batch_seconds(case: Case, batch_size: int) -> float:
    """A guess for the latency of one batch."""
    entry = CATALOGUE.get(case.model.name)
    audio_s = case.audio_seconds * batch_size
    if case.mixed:
        audio_s *= MIXED_LENGTH
    if entry is not None and entry.family == "pocketsphinx":
        return audio_s * POCKETSPHINX_S
    window = None if entry is None else entry.window_seconds
    if window is not None:
        windows = -(-case.audio_seconds // window)
        audio_s = windows * window * batch_size / 2  # The decoder sees the speech alone.
    if case.device == "cpu":
        return max(0.005, audio_s * _parameters(case) * CPU_S)
    return max(GPU_LEAST_S, audio_s * _parameters(case) * GPU_S)


def _parameters(case: Case) -> int:
    entry = CATALOGUE.get(case.model.name)
    return UNKNOWN_PARAMETERS if entry is None else entry.parameters
