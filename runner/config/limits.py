"""How long to measure, and what a case may use."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runner.config.strict import Positive, Strict
from store.turns import FEWEST_ROUNDS


class Limits(Strict):
    """How long to measure, and what a case may use."""

    warmup_seconds: Annotated[float, Field(gt=0, le=600)] = 20.0
    """Cap on the warm-up; it ends earlier when the last latencies agree."""

    warmup_iterations: Annotated[int, Field(ge=1, le=1000)] = 3
    """Fewest warm-up iterations."""

    min_iterations: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Fewest timed iterations; always rounded up to whole rounds of the batch cycle."""

    min_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0
    """Shortest timed loop. Both this and `min_iterations` must be reached."""

    largest_batch: Annotated[int, Field(ge=1, le=4096)] = 256
    """Where the search for the batch size `max` ends, if memory has not ended it before."""

    cycle_batches: Annotated[int, Field(ge=1, le=64)] = 4
    """How many different batches the timed loop goes round."""

    stage_iterations: Annotated[int, Field(ge=1, le=1000)] = 5
    """Iterations of the pass that times the stages."""

    comparison_rounds: Annotated[int, Field(ge=FEWEST_ROUNDS, le=1000)] = 10
    """Rounds of the batch cycle in which a variant and its baseline take turns; fewer, but four
    at least, where they would take twenty times `min_seconds`."""

    decoder_tokens: Annotated[int, Field(ge=2, le=448)] = 64
    """Tokens of each row in the decoder's profile, also where trained weights would have
    stopped."""

    decoder_iterations: Annotated[int, Field(ge=1, le=1000)] = 5
    """Iterations of the decoder's profile; fewer where they would take twenty times
    `min_seconds`."""

    energy_window_seconds: Annotated[float, Field(ge=0.1, le=600)] = 10.0
    """Shortest energy window; lengthened to 100 refresh periods of the sensor."""

    energy_windows: Annotated[int, Field(ge=1, le=50)] = 5
    """How many energy windows."""

    energy_idle_seconds: Annotated[float, Field(ge=0.1, le=600)] = 10.0
    """Idle baseline before and after the windows, with the model resident."""

    energy_cooldown_seconds: Annotated[float, Field(ge=0, le=600)] = 5.0
    """Pause between energy windows."""

    tokens_per_audio_second: Annotated[float, Field(gt=0, le=14)] = 4.0
    """Fixed decoder work with random weights: tokens generated for each second of a window."""

    profile_tokens: Annotated[int, Field(ge=1, le=448)] = 8
    """Decoder tokens in the operator profile; more makes it slow to read, not better."""

    operators: Annotated[int, Field(ge=1, le=1000)] = 40
    """How many operators of the profile to keep, by self time."""

    quality_clips: Positive | None = None
    """Most clips to score; all of them when absent."""

    threads: Positive | None = None
    """CPU threads of the framework; one a physical core when absent."""

    memory_bytes: Annotated[int, Field(ge=64 * 2**20)] | None = None
    """Most private memory a CPU case may allocate; beyond it the case is a row `oom`."""

    case_seconds: Annotated[float, Field(gt=0, le=86_400)] = 1800.0
    """Most time one case may take; beyond it the case is stopped and is a row `failed`."""

    trace: bool = False
    """Keep a chrome trace of the operator profile beside the store."""
