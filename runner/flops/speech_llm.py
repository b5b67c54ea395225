"""FLOPs of a language model whose prompt holds the audio, by stage: encoder, prefill, decode.

As in :mod:`runner.flops.whisper` a decoder pass costs a polynomial of the position, so three passes
on the meta device give the sum over any number. The encoder of Qwen3-ASR looks at the values of its
mask, which meta tensors lack; its modules are therefore called one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from runner.engines.qwen3_asr import audio_positions, qwen3_asr_frames
from runner.flops.counter import Count, count
from runner.flops.decoder_passes import decoder_passes
from runner.flops.models import build
from runner.flops.readings import LEFT_OUT
from runner.flops.whisper import staged_readings
from store.records import FlopsReading

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_CHUNK = 100
"""Mel frames of a chunk, one second."""


def speech_llm_flops(
    config: PretrainedConfig,
    *,
    samples: int,
    batch: int,
    prompt_tokens: int,
    tokens: int | None,
    cached: bool = True,
) -> tuple[FlopsReading, ...]:
    """FLOPs of one batch through a Qwen3-ASR, by stage.

    Args:
        config: A configuration of the model type ``qwen3_asr``.
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
    frames = qwen3_asr_frames(samples)
    encoder = count(lambda: encode(model, batch, frames))
    prompt = prompt_tokens + audio_positions(frames)
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


def encode(model: Any, batch: int, frames: int) -> None:
    """All operations of the encoder and the projection, as its own ``forward`` does them.

    Args:
        model: A Qwen3-ASR on the meta device.
        batch: Clips.
        frames: Mel frames of each.
    """
    tower, audio = model.model.audio_tower, model.config.audio_config
    chunks = -(-frames // _CHUNK)
    x = torch.zeros((batch * chunks, 1, audio.num_mel_bins, _CHUNK), device="meta")
    for layer in (tower.conv2d1, tower.conv2d2, tower.conv2d3):
        x = torch.nn.functional.gelu(layer(x))
    rows, channels, bins, steps = x.shape
    x = tower.conv_out(x.permute(0, 3, 1, 2).reshape(rows, steps, channels * bins))
    positions = audio_positions(frames)
    x = x.reshape(-1, x.shape[-1])[: batch * positions]
    window = steps * audio.n_window_infer // _CHUNK
    full, rest = divmod(positions, window)
    ends = torch.tensor([0, *([window] * full + [rest] * (rest > 0)) * batch]).cumsum(0)
    for layer in tower.layers:
        (x,) = layer(x, ends)
    model.model.multi_modal_projector(x)


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
