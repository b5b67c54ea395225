"""What the counters know of a language model that hears: its encoder, and how long a prompt is.

Everything else of such a model is a decoder like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch

from runner.engines.audio_positions import (
    granite_speech_pairs,
    granite_speech_positions,
    qwen3_asr_frames,
    qwen3_asr_positions,
    voxtral_positions,
    voxtral_windows,
)
from runner.flops.models import GRANITE_SPEECH, QWEN3_ASR, VOXTRAL

_CHUNK = 100
"""Mel frames of a chunk of Qwen3-ASR, one second."""


@dataclass(frozen=True)
class Hearing:
    """Of one model type."""

    positions: Callable[[Any, int], int]
    """Positions of the prompt that a clip takes, from the configuration and the clip's samples."""
    encode: Callable[[Any, int, int], object]
    """Does all operations of the encoder and the projection, given a model on the meta device,
    clips, and samples of each."""


def _qwen3_asr(model: Any, batch: int, samples: int) -> None:
    # Its forward() looks at the values of its mask, which meta tensors lack: its modules are
    # called one by one.
    tower, audio = model.model.audio_tower, model.config.audio_config
    chunks = -(-qwen3_asr_frames(samples) // _CHUNK)
    x = torch.zeros((batch * chunks, 1, audio.num_mel_bins, _CHUNK), device="meta")
    for layer in (tower.conv2d1, tower.conv2d2, tower.conv2d3):
        x = torch.nn.functional.gelu(layer(x))
    rows, channels, bins, steps = x.shape
    x = tower.conv_out(x.permute(0, 3, 1, 2).reshape(rows, steps, channels * bins))
    positions = qwen3_asr_positions(samples)
    x = x.reshape(-1, x.shape[-1])[: batch * positions]
    window = steps * audio.n_window_infer // _CHUNK
    full, rest = divmod(positions, window)
    ends = torch.tensor([0, *([window] * full + [rest] * (rest > 0)) * batch]).cumsum(0)
    for layer in tower.layers:
        (x,) = layer(x, ends)
    model.model.multi_modal_projector(x)


def _voxtral(model: Any, batch: int, samples: int) -> None:
    audio = model.config.audio_config
    windows = batch * voxtral_windows(model.config, samples)
    shape = (windows, audio.num_mel_bins, 2 * audio.max_source_positions)
    model.get_audio_features(torch.zeros(shape, device="meta"))


def _granite_speech(model: Any, batch: int, samples: int) -> None:
    shape = (batch, granite_speech_pairs(samples), model.config.encoder_config.input_dim)
    model.get_audio_features(torch.zeros(shape, device="meta"))


HEARING: Mapping[str, Hearing] = MappingProxyType(
    {
        QWEN3_ASR: Hearing(lambda _, samples: qwen3_asr_positions(samples), _qwen3_asr),
        VOXTRAL: Hearing(voxtral_positions, _voxtral),
        GRANITE_SPEECH: Hearing(granite_speech_positions, _granite_speech),
    }
)
"""``config.model_type`` -> what is known of it; all of ``models.SPEECH_LLMS``."""
