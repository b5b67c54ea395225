"""One entry for every architecture: the FLOPs that a result stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from runner.engines.base import Workload
from runner.flops.ctc import ctc_flops
from runner.flops.delayed_stream import delayed_stream_flops
from runner.flops.models import (
    COUNTED,
    DELAYED_STREAMS,
    OWN_LENGTH,
    SPEECH_LLMS,
    TRANSDUCERS,
    encoder_input,
    is_whisper,
    rows_of,
    whisper_windows,
)
from runner.flops.readings import META, no_reading
from runner.flops.speech_llm import speech_llm_flops
from runner.flops.transducer import transducer_flops
from runner.flops.whisper import seq2seq_flops, whisper_flops
from store.records import FlopsReading

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def workload_flops(work: Workload) -> tuple[FlopsReading, ...]:
    """FLOPs of an engine's batch by stage; see :func:`count_flops`."""
    return count_flops(
        work.config,
        samples=work.samples,
        batch=work.batch,
        prompt_tokens=work.prompt_tokens,
        tokens=work.tokens,
        windows=work.windows,
        cached=work.cached,
        beams=work.beams,
        detects=work.detects,
    )


def count_flops(
    config: PretrainedConfig,
    *,
    samples: int,
    batch: int,
    prompt_tokens: int = 4,
    tokens: int | None = None,
    windows: int | None = None,
    cached: bool = True,
    beams: int = 1,
    detects: bool = False,
) -> tuple[FlopsReading, ...]:
    """FLOPs of one batch by stage, counted on the meta device: no weights, no compute.

    Args:
        config: Any transformers configuration. One without a counter gives a reading without a
            figure, and the reason.
        samples: Samples of one (padded) clip at 16 kHz.
        batch: Clips.
        prompt_tokens: Tokens of the decoder prompt, where there is a decoder.
        tokens: Tokens generated for each row (decoder passes). None where unknown: encoder and
            prefill are counted all the same.
        windows: Encoder windows of one clip, where there are windows; as many as ``samples`` need
            without overlap when None.
        cached: Whether the decoder caches keys and values.
        beams: Hypotheses that the decoder follows for each window.
        detects: Whether a Whisper finds out the language of each window first.
    """
    if config.model_type not in COUNTED:
        reason = f"no FLOP counter for the model type {config.model_type!r}"
        return (no_reading(META, "total", reason),)
    if config.model_type in OWN_LENGTH:
        rows, samples = rows_of(config, samples=samples, batch=batch, windows=windows)
        decoder = getattr(config, "decoder_config", config)
        longest = cast(Any, decoder).max_position_embeddings - prompt_tokens
        return seq2seq_flops(
            config,
            encoder_input(config, samples=samples, batch=rows),
            longest=longest,
            prompt_tokens=prompt_tokens,
            tokens=tokens,
            cached=cached,
            beams=beams,
        )
    if config.model_type in SPEECH_LLMS:
        return speech_llm_flops(
            config,
            samples=samples,
            batch=batch,
            prompt_tokens=prompt_tokens,
            tokens=tokens,
            cached=cached,
        )
    if config.model_type in DELAYED_STREAMS:
        return delayed_stream_flops(
            config, samples=samples, batch=batch, prompt_tokens=prompt_tokens, tokens=tokens
        )
    if not is_whisper(config):
        transducer = config.model_type in TRANSDUCERS
        return (
            transducer_flops(config, samples=samples, batch=batch, steps=tokens)
            if transducer
            else ctc_flops(config, samples=samples, batch=batch)
        )
    rows = batch * (windows or whisper_windows(config, samples=samples))
    return whisper_flops(
        cast(Any, config),
        batch_windows=rows,
        prompt_tokens=prompt_tokens,
        tokens=tokens,
        cached=cached,
        beams=beams,
        detects=detects,
    )
