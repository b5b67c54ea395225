"""Published configurations of delayed streams; see :mod:`runner.engines.architectures`.

Importing this module does not import transformers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_CODEBOOKS, _CODES = 32, 2049
"""Mimi's codebooks, and the tokens of each with the one that begins a stream."""


@dataclass(frozen=True)
class Kyutai:
    """A Kyutai STT size (``config.json`` of kyutai/stt-1b-en_fr and kyutai/stt-2.6b-en).

    Width 2048, gates of 5632, and Mimi as transformers has it by default.
    """

    layers: int
    heads: int
    pieces: int
    """Of text; one more token begins a stream."""
    context: int
    """Frames that attention reaches back."""
    delay_s: float
    """Of the text behind the audio."""
    silence_s: float
    """Before a clip."""

    def config(self) -> PretrainedConfig:
        from transformers import KyutaiSpeechToTextConfig

        vocabulary = self.pieces + 1
        return KyutaiSpeechToTextConfig(
            codebook_vocab_size=_CODES,
            vocab_size=vocabulary,
            hidden_size=2048,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            max_position_embeddings=750,
            sliding_window=self.context,
            rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
            ffn_dim=2 * 5632,
            num_codebooks=_CODEBOOKS,
            audio_bos_token_id=_CODES - 1,
            audio_pad_token_id=vocabulary + _CODEBOOKS * _CODES,
            pad_token_id=3,
            bos_token_id=self.pieces,
        )

    def feature_extractor(self) -> Any:
        from transformers import KyutaiSpeechToTextFeatureExtractor

        return KyutaiSpeechToTextFeatureExtractor(
            audio_delay_seconds=self.delay_s, audio_silence_prefix_seconds=self.silence_s
        )


@dataclass(frozen=True)
class VoxtralRealtime:
    """Voxtral realtime (Liu et al. 2026; ``config.json`` of the checkpoint).

    A causal encoder in the form of Whisper large-v3's, and a language model of Ministral's form.
    """

    def config(self) -> PretrainedConfig:
        from transformers import VoxtralRealtimeConfig

        rotation = {"rope_type": "default", "rope_theta": 1e6}
        return VoxtralRealtimeConfig(
            audio_config={
                "model_type": "voxtral_realtime_encoder",
                "hidden_size": 1280,
                "intermediate_size": 5120,
                "num_hidden_layers": 32,
                "num_attention_heads": 32,
                "head_dim": 64,
                "num_mel_bins": 128,
                "sliding_window": 750,
                "rms_norm_eps": 1e-5,
                "rope_parameters": rotation,
            },
            text_config={
                "model_type": "voxtral_realtime_text",
                "vocab_size": 131_072,
                "hidden_size": 3072,
                "intermediate_size": 9216,
                "num_hidden_layers": 26,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "max_position_embeddings": 131_072,
                "sliding_window": 8192,
                "rms_norm_eps": 1e-5,
                "rope_parameters": rotation,
                "tie_word_embeddings": True,
            },
            audio_length_per_tok=8,
            default_num_delay_tokens=6,
            downsample_factor=4,
        )

    def feature_extractor(self) -> Any:
        from transformers import VoxtralRealtimeFeatureExtractor

        return VoxtralRealtimeFeatureExtractor(feature_size=128)
