"""The decoder step by step: time against position, what a step spends it on, the cache's bytes.

In passes of their own, over one batch that is encoded once. Every row decodes a fixed number of
tokens, also where trained weights would have stopped: what a step costs does not depend on what
the token is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

from runner.clips.clip import Waveform
from runner.config import Limits
from runner.engines.base import Engine
from runner.measure.latency import Clock, Progress
from store.records import DecoderStep, Scalar

ENDS = 8
"""Steps at either end of the profile that ``late_to_early`` is taken over."""


def profile_decoder(
    engine: Engine, batch: Sequence[Waveform], limits: Limits, *, clock: Clock, progress: Progress
) -> tuple[tuple[DecoderStep, ...], tuple[Scalar, ...]]:
    """Times every decoder pass of one batch.

    Args:
        engine: A warm engine.
        batch: Its waveforms.
        limits: Tokens and iterations; it ends early, after the iteration in hand, once it has
            taken as long as the longest timed loop.
        clock: Monotonic seconds.
        progress: Told how far it is.

    Returns:
        One record a decoder pass, and the figures drawn from them.

    Raises:
        Unmeasurable: the engine has no decoder whose passes can be seen.
    """
    decoder = engine.decoder_passes(batch, limits.decoder_tokens)
    decoder.run(lambda: None)  # Warm: shapes of this length may be new.
    iterations: list[list[float]] = []
    started = clock()
    while len(iterations) < limits.decoder_iterations:
        stamps = [clock()]
        decoder.run(lambda stamps=stamps: stamps.append(clock()))  # type: ignore[misc]
        iterations.append([after - before for before, after in pairwise(stamps)])
        progress("decoder", len(iterations) / limits.decoder_iterations)
        if clock() - started > limits.longest_loop_s:
            break
    steps = tuple(
        DecoderStep(
            position=position + 1,
            median_s=median(seconds),
            low_s=min(seconds),
            high_s=max(seconds),
            iterations=len(seconds),
        )
        for position, seconds in enumerate(zip(*iterations, strict=True))
    )
    return steps, (*_figures(steps, decoder.rows), *decoder.shares(clock), *decoder.cache())


def _figures(steps: tuple[DecoderStep, ...], rows: int) -> list[Scalar]:
    later = [step.median_s for step in steps[1:]]
    figures = [Scalar(name="prefill_s", value=steps[0].median_s)]
    if later:
        figures.append(
            Scalar(
                name="tokens_per_second",
                value=rows / fmean(later),
                note=f"all {rows} rows of a batch, the prefill left out",
            )
        )
    if len(later) >= 2 * ENDS:
        early, late = median(later[:ENDS]), median(later[-ENDS:])
        figures += [
            Scalar(name="early_token_s", value=early, note=f"median of the first {ENDS} steps"),
            Scalar(name="late_token_s", value=late, note=f"median of the last {ENDS} steps"),
            Scalar(
                name="late_to_early",
                value=late / early,
                note=f"{len(later)} steps; 1 is a time per token that does not depend on position",
            ),
        ]
    return figures
