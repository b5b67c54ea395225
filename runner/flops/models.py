"""Builds a model from its configuration for counting: on the meta device, without memory."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from runner.engines.mel_frames import MEL_HOP, WAV2VEC2_BERT, w2v_bert_frames

if TYPE_CHECKING:
    from transformers import PretrainedConfig

WHISPER = "whisper"
WAVEFORM = ("wav2vec2", "hubert", "wav2vec2-conformer", "data2vec-audio", "wavlm")
"""Model types whose input is the waveform."""
NEMOTRON = "nemotron_asr_streaming"
TRANSDUCERS = ("parakeet_tdt", "parakeet_rnnt", NEMOTRON)
PARAKEET = ("parakeet_ctc", *TRANSDUCERS)
MOONSHINE = "moonshine"
CANARY = "canary"
QWEN3_ASR = "qwen3_asr"
VOXTRAL = "voxtral"
GRANITE_SPEECH = "granite_speech"
SPEECH_LLMS = (QWEN3_ASR, VOXTRAL, GRANITE_SPEECH)
"""Language models whose prompt holds the audio."""
COUNTED = (WHISPER, *WAVEFORM, WAV2VEC2_BERT, *PARAKEET, MOONSHINE, CANARY, *SPEECH_LLMS)
"""Values of ``config.model_type`` that this package can count."""


def build(config: PretrainedConfig, *, device: str = "meta", attention: str = "eager") -> Any:
    """A model in evaluation mode with the architecture of ``config``, which is left untouched.

    Args:
        config: Configuration with a ``model_type`` of :data:`COUNTED`.
        device: ``meta`` for shapes alone, ``cpu`` for random weights.
        attention: transformers' name of the attention implementation. ``eager`` exists for every
            model, and its count equals that of the fused ones.
    """
    family = _family(config)
    # from_config writes dtype and attention implementation into the object that it is given.
    own = copy.deepcopy(config)
    with torch.device(device):
        # The count is the same in every precision, and a CPU has slow kernels for some.
        return family.from_config(own, attn_implementation=attention, dtype=torch.float32).eval()


def _family(config: PretrainedConfig) -> Any:
    import transformers

    if has_decoder(config):
        return transformers.AutoModelForSpeechSeq2Seq
    others = {
        "parakeet_tdt": transformers.AutoModelForTDT,
        "parakeet_rnnt": transformers.AutoModelForRNNT,
        NEMOTRON: transformers.AutoModelForRNNT,
        **dict.fromkeys(SPEECH_LLMS, transformers.AutoModelForMultimodalLM),
    }
    return others.get(config.model_type, transformers.AutoModelForCTC)


def has_decoder(config: PretrainedConfig) -> bool:
    """Whether ``config`` is of an encoder with a decoder that gives a token at a time."""
    return config.model_type in (WHISPER, MOONSHINE, CANARY)


def is_whisper(config: PretrainedConfig) -> bool:
    """Whether ``config`` is a Whisper: an encoder of fixed windows, and a decoder."""
    return bool(config.model_type == WHISPER)


def whisper_windows(config: Any, *, samples: int) -> int:
    """Windows that a Whisper encoder needs for ``samples``: 30 s each as published, no overlap."""
    window: int = 2 * config.max_source_positions * MEL_HOP
    return max(1, -(-samples // window))


def encoder_input(
    config: Any,
    *,
    samples: int,
    batch: int,
    feature_frames: int | None = None,
    device: str = "meta",
) -> torch.Tensor:
    """The encoder's input for ``batch`` clips of ``samples`` each, as zeros.

    Args:
        config: Configuration with a ``model_type`` of :data:`COUNTED`.
        samples: Samples of one clip at 16 kHz.
        batch: Clips. Whisper gets one row a window.
        feature_frames: Mel frames of one clip, where the feature extractor differs from the
            published one. That of Parakeet and Canary makes one more than it marks as valid (a
            centred Fourier transform), and the model computes it.
        device: Where the zeros are.

    Returns:
        Whisper ``(batch x windows, mels, 2T)``, Parakeet and Canary ``(batch, frames, mels)``,
        w2v-BERT ``(batch, pairs of frames, 2 x mels)``, others ``(batch, samples)``.
    """
    shape: tuple[int, ...]
    if is_whisper(config):
        rows = batch * whisper_windows(config, samples=samples)
        shape = (rows, config.num_mel_bins, 2 * config.max_source_positions)
    elif config.model_type in (*PARAKEET, CANARY):
        frames = samples // MEL_HOP + 1 if feature_frames is None else feature_frames
        shape = (batch, frames, config.encoder_config.num_mel_bins)
    elif config.model_type == WAV2VEC2_BERT:
        frames = w2v_bert_frames(samples) if feature_frames is None else feature_frames
        shape = (batch, -(-frames // 2), config.feature_projection_input_dim)
    else:
        shape = (batch, samples)
    return torch.zeros(shape, device=device)
