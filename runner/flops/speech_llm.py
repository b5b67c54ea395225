"""FLOPs of a language model whose prompt holds the audio, by stage: encoder, prefill, decode.

As in :mod:`runner.flops.whisper` a decoder pass costs a polynomial of the position, so three passes
on the meta device give the sum over any number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.flops.counter import Count, count
from runner.flops.decoder_passes import decoder_passes
from runner.flops.hearing import HEARING
from runner.flops.models import build
from runner.flops.readings import LEFT_OUT
from runner.flops.whisper import staged_readings
from store.records import FlopsReading

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def speech_llm_flops(
    config: PretrainedConfig,
    *,
    samples: int,
    batch: int,
    prompt_tokens: int,
    tokens: int | None,
    cached: bool = True,
) -> tuple[FlopsReading, ...]:
    """FLOPs of one batch through such a model, by stage.

    Args:
        config: A configuration of a model type of ``models.SPEECH_LLMS``.
        samples: Samples of one (padded) clip at 16 kHz.
        batch: Clips.
        prompt_tokens: Tokens of the prompt without those that stand for the audio.
        tokens: Tokens generated for each row. None where unknown.
        cached: Whether keys and values are cached.

    Returns:
        Readings for ``encoder`` (the projection included), ``prefill``, ``decode``, ``token`` and
        ``total``.
    """
    model = build(config)
    hearing = HEARING[config.model_type]
    encoder = count(lambda: hearing.encode(model, batch, samples))
    prompt = prompt_tokens + hearing.positions(config, samples)
    passes = _passes(model, batch, prompt=prompt, cached=cached)
    return staged_readings(
        encoder,
        passes,
        tokens=tokens,
        cached=cached,
        prefill_note=f"the prompt, {prompt} tokens with the audio's; {LEFT_OUT}",
        # Without a cache transformers hands the audio to every pass, and it is encoded again.
        each_step=0 if cached else encoder.flops,
    )


def _passes(model: Any, rows: int, *, prompt: int, cached: bool) -> tuple[Count, Count, Count]:
    """The prefill, and the two decoder passes after it."""
    return decoder_passes(
        lambda ids, cache: model(
            input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1
        ),
        rows,
        prompt=prompt,
        cached=cached,
    )
