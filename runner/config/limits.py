"""How long to measure, and what a case may use."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from runner.config.strict import Positive, Strict
from stats.intervals import FEWEST_ROUNDS

MOST_SECONDS = 3600.0
"""Longest that `max_seconds` may be."""
LONGEST_LOOP = 20.0
"""The loop may take this many times `min_seconds` to reach its iterations, at least one round."""


class Limits(Strict):
    """How long to measure, and what a case may use."""

    warmup_seconds: Annotated[float, Field(gt=0, le=600)] = 20.0
    """Cap on the warm-up; it ends earlier when the last latencies agree."""

    warmup_iterations: Annotated[int, Field(ge=1, le=1000)] = 3
    """Fewest warm-up iterations."""

    min_iterations: Annotated[int, Field(ge=1, le=100_000)] = 16
    """Fewest timed iterations; always rounded up to whole rounds of the batch cycle. A latency from
    fewer than four rounds has no interval."""

    min_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0
    """Shortest timed loop. Both this and `min_iterations` must be reached."""

    precision: Annotated[float, Field(gt=0, le=0.5)] | None = None
    """Ends the timed loop as soon as half the width of the latency's 95 % interval is at most this
    share of the median, after four rounds of the batch cycle at least. It takes the place of
    `min_iterations` and `min_seconds`. The passes of stages and comparison end by it too, where
    that is earlier."""

    max_seconds: Annotated[float, Field(gt=0, le=MOST_SECONDS)] | None = None
    """Longest timed loop; it ends after the round in hand. Twenty times `min_seconds`, and 20 at
    least, when absent."""

    largest_batch: Annotated[int, Field(ge=1, le=4096)] = 256
    """Where the search for the batch size `max` ends, if memory has not ended it before."""

    cycle_batches: Annotated[int, Field(ge=1, le=64)] = 4
    """How many different batches the timed loop goes round."""

    stage_iterations: Annotated[int, Field(ge=1, le=1000)] = 16
    """Iterations of the pass that times the stages; fewer where they would take longer than
    the longest timed loop. Stages from fewer than four rounds have no interval."""

    comparison_rounds: Annotated[int, Field(ge=FEWEST_ROUNDS, le=1000)] = 10
    """Rounds of the batch cycle in which a variant and its baseline are interleaved; fewer, but
    four at least, where they would take longer than the longest timed loop."""

    decoder_tokens: Annotated[int, Field(ge=2, le=448)] = 64
    """Tokens of each row in the decoder's profile, also where trained weights would have
    stopped."""

    decoder_iterations: Annotated[int, Field(ge=1, le=1000)] = 5
    """Iterations of the decoder's profile; fewer where they would take longer
    than the longest timed loop."""

    energy_window_seconds: Annotated[float, Field(ge=0.1, le=600)] = 10.0
    """Shortest energy window of a meter; lengthened to 2 s, below which none is trusted, and to 100
    refresh periods of the sensor. What is only estimated has one window: the timed loop, which
    lasts 2 s at least for it."""

    energy_windows: Annotated[int, Field(ge=1, le=50)] = 5
    """How many energy windows. Joules from fewer than four have no uncertainty."""

    energy_idle_seconds: Annotated[float, Field(ge=0.1, le=600)] = 10.0
    """Idle baseline before and after the windows, with the model resident."""

    energy_cooldown_seconds: Annotated[float, Field(ge=0, le=600)] = 5.0
    """Pause between energy windows."""

    tokens_per_audio_second: Annotated[float, Field(gt=0, le=14)] = 4.0
    """Fixed decoder work with random weights: tokens generated for each second of a window.
    A model of delayed streams gives a token a frame whatever its weights are."""

    profile_tokens: Annotated[int, Field(ge=1, le=448)] = 8
    """Decoder tokens in the operator profile; more makes it slow to read, not better."""

    operators: Annotated[int, Field(ge=1, le=1000)] = 40
    """How many operators of the profile to keep, by self time."""

    quality_utterances: Positive | None = None
    """Most utterances to transcribe for the word error rate, chosen by the seed; all of them when
    absent."""

    quality_longest_seconds: Annotated[float, Field(ge=1, le=36_000)] = 300.0
    """Longest utterance to transcribe for the word error rate. A longer one is a recording: what a
    model without a window needs for it grows with its square. It is left out, and counted."""

    threads: Positive | None = None
    """CPU threads of the framework; one a physical core when absent. More than the cores that a
    process may use are refused."""

    memory_bytes: Annotated[int, Field(ge=64 * 2**20)] | None = None
    """Most private memory a CPU case may allocate; beyond it the case is a row `oom`."""

    case_seconds: Annotated[float, Field(gt=0, le=86_400)] = 1800.0
    """Most time one case may take; beyond it the case is stopped and is a row `failed`."""

    trace: bool = False
    """Keep a chrome trace of the operator profile beside the store."""

    @model_validator(mode="after")
    def _one_end_of_the_loop(self) -> Self:
        fields = type(self).model_fields
        lengths = ("min_iterations", "min_seconds")
        if self.precision is not None and any(
            getattr(self, name) != fields[name].default for name in lengths
        ):
            raise ValueError(
                "precision takes the place of min_iterations and min_seconds: leave those out, "
                "or set precision to null"
            )
        return self

    @property
    def longest_loop_s(self) -> float:
        """Seconds after which the timed loop ends with the round in hand."""
        return self.max_seconds or LONGEST_LOOP * max(self.min_seconds, 1.0)
