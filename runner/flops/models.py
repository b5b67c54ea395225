"""Builds a model from its configuration for counting: on the meta device, without memory."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from runner.engines.mel_frames import MEL_HOP, MEL_WINDOW, WAV2VEC2_BERT, w2v_bert_frames
from runner.engines.waveform_frames import frame_samples, streaming_window

if TYPE_CHECKING:
    from transformers import PretrainedConfig

WHISPER = "whisper"
WAVEFORM = ("wav2vec2", "hubert", "wav2vec2-conformer", "data2vec-audio", "wavlm")
"""Model types whose input is the waveform."""
NEMOTRON = "nemotron_asr_streaming"
TRANSDUCERS = ("parakeet_tdt", "parakeet_rnnt", NEMOTRON)
PARAKEET = ("parakeet_ctc", *TRANSDUCERS)
MOONSHINE = "moonshine"
MOONSHINE_STREAMING = "moonshine_streaming"
COHERE_ASR = "cohere_asr"
CANARY = "canary"
OWN_LENGTH = (MOONSHINE, MOONSHINE_STREAMING, COHERE_ASR, CANARY)
"""Encoders with a decoder that take a clip at its own length."""
QWEN3_ASR = "qwen3_asr"
VOXTRAL = "voxtral"
GRANITE_SPEECH = "granite_speech"
SPEECH_LLMS = (QWEN3_ASR, VOXTRAL, GRANITE_SPEECH)
"""Language models whose prompt holds the audio."""
KYUTAI = "kyutai_speech_to_text"
VOXTRAL_REALTIME = "voxtral_realtime"
DELAYED_STREAMS = (KYUTAI, VOXTRAL_REALTIME)
"""Models that give a token for every frame of audio."""
COUNTED = (
    *(WHISPER, *WAVEFORM, WAV2VEC2_BERT, *PARAKEET, *OWN_LENGTH),
    *(*SPEECH_LLMS, *DELAYED_STREAMS),
)
"""Values of ``config.model_type`` that this package can count."""


COHERE_WINDOW = 35 * 16_000
"""Samples of a window as Cohere Transcribe was published; its feature extractor says it."""


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
        # Automatic classes call it otherwise than a model's own class.
        make = family.from_config if hasattr(family, "from_config") else family._from_config
        return make(own, attn_implementation=attention, dtype=torch.float32).eval()


def _family(config: PretrainedConfig) -> Any:
    import transformers

    if has_decoder(config):
        return transformers.AutoModelForSpeechSeq2Seq
    others = {
        "parakeet_tdt": transformers.AutoModelForTDT,
        "parakeet_rnnt": transformers.AutoModelForRNNT,
        NEMOTRON: transformers.AutoModelForRNNT,
        **dict.fromkeys(SPEECH_LLMS, transformers.AutoModelForMultimodalLM),
        KYUTAI: transformers.KyutaiSpeechToTextForConditionalGeneration,
        VOXTRAL_REALTIME: transformers.VoxtralRealtimeForConditionalGeneration,
    }
    return others.get(config.model_type, transformers.AutoModelForCTC)


def has_decoder(config: PretrainedConfig) -> bool:
    """Whether ``config`` is of an encoder with a decoder that gives a token at a time."""
    return config.model_type in (WHISPER, *OWN_LENGTH)


def is_whisper(config: PretrainedConfig) -> bool:
    """Whether ``config`` is a Whisper: an encoder of fixed windows, and a decoder."""
    return bool(config.model_type == WHISPER)


def whisper_windows(config: Any, *, samples: int) -> int:
    """Windows that a Whisper encoder needs for ``samples``: 30 s each as published, no overlap."""
    window: int = 2 * config.max_source_positions * MEL_HOP
    return max(1, -(-samples // window))


def longest_window(config: Any) -> int | None:
    """Most samples that an encoder takes at a time without padding less to it; None without end."""
    if config.model_type == COHERE_ASR:
        return COHERE_WINDOW
    if config.model_type == MOONSHINE_STREAMING:
        return streaming_window(config)
    return None


def rows_of(config: Any, *, samples: int, batch: int, windows: int | None) -> tuple[int, int]:
    """Rows of a batch through an encoder that takes a clip at its own length, and their samples.

    Args:
        config: Configuration with a ``model_type`` of :data:`OWN_LENGTH`.
        samples: Of one clip.
        batch: Clips.
        windows: Of one clip, each of ``samples``; as many as it needs when None.
    """
    longest = longest_window(config)
    if windows is not None or longest is None or samples <= longest:
        return batch * (windows or 1), samples
    return batch * -(-samples // longest), longest


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
        Whisper ``(batch x windows, mels, 2T)``, Parakeet, Canary and Cohere Transcribe
        ``(batch, frames, mels)``, w2v-BERT ``(batch, pairs of frames, 2 x mels)``, others
        ``(batch, samples)``.
    """
    shape: tuple[int, ...]
    if is_whisper(config):
        rows = batch * whisper_windows(config, samples=samples)
        shape = (rows, config.num_mel_bins, 2 * config.max_source_positions)
    elif config.model_type == COHERE_ASR:
        frames = max(samples, MEL_WINDOW) // MEL_HOP + 1
        shape = (batch, frames, config.encoder_config.num_mel_bins)
    elif config.model_type in (*PARAKEET, CANARY):
        frames = samples // MEL_HOP + 1 if feature_frames is None else feature_frames
        shape = (batch, frames, config.encoder_config.num_mel_bins)
    elif config.model_type == WAV2VEC2_BERT:
        frames = w2v_bert_frames(samples) if feature_frames is None else feature_frames
        shape = (batch, -(-frames // 2), config.feature_projection_input_dim)
    elif config.model_type == MOONSHINE_STREAMING:
        shape = (batch, frame_samples(samples))
    else:
        shape = (batch, samples)
    return torch.zeros(shape, device=device)


def encode(model: Any, features: torch.Tensor) -> Any:
    """One pass of the encoder of a model with a decoder.

    Args:
        model: As :func:`build` makes it.
        features: What :func:`encoder_input` gives.
    """
    masks = {}
    if model.config.model_type == MOONSHINE_STREAMING:
        # Its engine always gives one, over which the encoder runs convolutions too.
        masks["attention_mask"] = torch.ones_like(features, dtype=torch.long)
    return model.get_encoder()(features, **masks)
