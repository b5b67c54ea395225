"""FLOPs by stage of an encoder with a decoder (Whisper, Moonshine, Canary).

A decoder pass costs a polynomial of the position: constant plus linear with a cache (a step
attends to one more token than the last), quadratic without one (every pass repeats all tokens).
Three passes on the meta device therefore give the sum over any number, as exact integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runner.errors import UserError
from runner.flops.counter import Count, count
from runner.flops.decoder_passes import decoder_passes
from runner.flops.models import build, encode
from runner.flops.readings import LEFT_OUT, meta_reading
from store.records import FlopsReading

if TYPE_CHECKING:
    from transformers import PretrainedConfig, WhisperConfig


def whisper_flops(
    config: WhisperConfig,
    *,
    batch_windows: int,
    prompt_tokens: int,
    tokens: int | None,
    cached: bool = True,
    beams: int = 1,
    detects: bool = False,
) -> tuple[FlopsReading, ...]:
    """FLOPs of one batch through a Whisper, by stage.

    Args:
        config: Any Whisper configuration; the window is ``2 x max_source_positions`` mel frames.
        batch_windows: Rows of the batch, clips x windows.
        prompt_tokens: Tokens of the decoder prompt; 4 for language, task and no time stamps.
        tokens: Tokens generated for each row, which is the number of decoder passes: the prefill
            gives the first, each step one more. None where unknown.
        cached: Whether keys and values are cached. Without a cache every pass repeats all tokens
            and the cross-attention's keys and values.
        beams: Hypotheses of each row: all of them are rows of the decoder, and transformers has
            each make its own keys and values of the encoder's output.
        detects: Whether the language of each window is found out first, by a decoder pass of one
            token over what is encoded.

    Returns:
        Readings for ``encoder``, ``detect`` where the language is detected, ``prefill``,
        ``decode`` (all steps), ``token`` (one mean step of the whole batch) and ``total``.

    Raises:
        UserError: ``prompt_tokens + tokens`` is more than the decoder has positions for.
    """
    return seq2seq_flops(
        config,
        _features(config, batch_windows),
        longest=config.max_target_positions - prompt_tokens,
        prompt_tokens=prompt_tokens,
        tokens=tokens,
        cached=cached,
        beams=beams,
        detects=detects,
    )


def seq2seq_flops(
    config: PretrainedConfig,
    features: torch.Tensor,
    *,
    longest: int,
    prompt_tokens: int,
    tokens: int | None,
    cached: bool,
    beams: int,
    detects: bool = False,
) -> tuple[FlopsReading, ...]:
    """Counts any encoder with a decoder as ``whisper_flops`` does Whisper.

    Args:
        config: Its configuration.
        features: The encoder's input, on the meta device.
        longest: Most tokens that the decoder has positions for after the prompt.
        prompt_tokens: Tokens of the decoder prompt.
        tokens: Tokens generated for each row.
        cached: Whether keys and values are cached.
        beams: Hypotheses of each row.
        detects: Whether the language of each row is found out first.

    Raises:
        UserError: The decoder cannot decode so many tokens.
    """
    if tokens is not None and not 1 <= tokens <= longest:
        raise UserError(
            f"this {config.model_type} can decode 1 to {longest} tokens "
            f"after a prompt of {prompt_tokens}, not {tokens}: change the number of tokens"
        )
    model = build(config)
    shapes: list[tuple[int, ...]] = []
    encoder = count(lambda: shapes.append(tuple(encode(model, features).last_hidden_state.shape)))
    ((rows, *frames),) = shapes
    passes = _passes(model, (rows * beams, *frames), prompt=prompt_tokens, cached=cached)
    detection = None
    if detects:
        detection = _passes(model, (rows, *frames), prompt=1, cached=cached)[0]
    return staged_readings(
        encoder,
        passes,
        tokens=tokens,
        cached=cached,
        prefill_note=f"the prompt and the encoder's keys and values; {LEFT_OUT}",
        detection=detection,
    )


def staged_readings(
    encoder: Count,
    passes: tuple[Count, Count, Count],
    *,
    tokens: int | None,
    cached: bool,
    prefill_note: str,
    detection: Count | None = None,
    each_step: int = 0,
) -> tuple[FlopsReading, ...]:
    """The readings of an encoder and a decoder, stage by stage.

    Args:
        encoder: All that runs once for a clip.
        passes: The prefill, and the two decoder passes after it.
        tokens: Tokens generated for each row. None where unknown.
        cached: Whether the passes had a cache.
        prefill_note: What the prefill holds.
        detection: What finds out the language, where it is found out first.
        each_step: FLOPs of every pass after the prefill that are not the decoder's.
    """
    prefill = passes[0]
    missed = tuple(sorted({name for each in (encoder, *passes) for name in each.missed}))
    readings = [meta_reading("encoder", encoder.flops, missed=encoder.missed)]
    if detection is not None:
        readings.append(meta_reading("detect", detection.flops, missed=missed))
    readings.append(
        meta_reading("prefill", prefill.flops, missed=prefill.missed, note=prefill_note)
    )
    if tokens is None:
        reason = "the number of generated tokens is unknown"
        unknown = (meta_reading(stage, None, note=reason) for stage in ("decode", "token", "total"))
        return *readings, *unknown
    steps = tokens - 1
    decode = _sum_of_steps([each.flops for each in passes], steps=steps, cached=cached)
    decode += steps * each_step
    mode = "with" if cached else "without"
    note = f"{tokens - 1} steps after the prefill, {mode} key-value cache; {LEFT_OUT}"
    token = None if tokens == 1 else decode // (tokens - 1)
    token_note = "no step after the prefill" if token is None else f"mean step; {LEFT_OUT}"
    detected = 0 if detection is None else detection.flops
    total = encoder.flops + detected + prefill.flops + decode
    return (
        *readings,
        meta_reading("decode", decode, missed=missed, note=note),
        meta_reading("token", token, missed=missed, note=token_note),
        meta_reading("total", total, missed=missed),
    )


def _features(config: WhisperConfig, rows: int) -> torch.Tensor:
    """Log-mel features of ``rows`` windows, ``(rows, mels, 2T)``."""
    shape = (rows, config.num_mel_bins, 2 * config.max_source_positions)
    return torch.zeros(shape, device="meta")


def _passes(
    model: Any, encoded_shape: tuple[int, ...], *, prompt: int, cached: bool
) -> tuple[Count, Count, Count]:
    """The prefill, and the two decoder passes after it."""
    from transformers.modeling_outputs import BaseModelOutput

    rows = encoded_shape[0]
    encoded = BaseModelOutput(last_hidden_state=torch.zeros(encoded_shape, device="meta"))
    encoded.attention_mask = None  # Moonshine and Canary look for one.
    return decoder_passes(
        lambda ids, cache: model(
            encoder_outputs=encoded, decoder_input_ids=ids, past_key_values=cache, use_cache=True
        ),
        rows,
        prompt=prompt,
        cached=cached,
    )


def _sum_of_steps(passes: list[int], *, steps: int, cached: bool) -> int:
    """Sum of the ``steps`` passes after the first, from the first three passes.

    Cached steps are affine in the position. Passes without a cache are a quadratic, of which the
    prefill is the first value (Newton's forward differences).
    """
    prefill, first, second = passes
    if cached:
        return steps * first + (second - first) * (steps * (steps - 1) // 2)
    slope, curvature = first - prefill, second - 2 * first + prefill
    number = steps + 1
    pairs, triples = number * (number - 1) // 2, number * (number - 1) * (number - 2) // 6
    return steps * prefill + pairs * slope + triples * curvature
