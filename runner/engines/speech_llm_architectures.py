"""Published configurations of language models that hear; see :mod:`runner.engines.architectures`.

Importing this module does not import transformers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig


@dataclass(frozen=True)
class Qwen3ASR:
    """A Qwen3-ASR size (Shi et al. 2026, section 2.1; the checkpoints' ``config.json``)."""

    encoder_width: int
    encoder_layers: int
    width: int
    """Of the language model, a Qwen3 of 28 layers; three times as wide within."""

    def config(self) -> PretrainedConfig:
        from transformers import Qwen3ASRConfig

        return Qwen3ASRConfig(
            audio_config={
                "model_type": "qwen3_asr_encoder",
                "d_model": self.encoder_width,
                "encoder_layers": self.encoder_layers,
                "encoder_attention_heads": self.encoder_width // 64,
                "encoder_ffn_dim": 4 * self.encoder_width,
                "output_dim": self.width,
            },
            text_config={
                "model_type": "qwen3",
                "vocab_size": 151_936,
                "hidden_size": self.width,
                "intermediate_size": 3 * self.width,
                "num_hidden_layers": 28,
                "num_attention_heads": 16,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "max_position_embeddings": 65_536,
                "tie_word_embeddings": True,
            },
        )

    def feature_extractor(self) -> Any:
        from transformers import Qwen3ASRFeatureExtractor

        return Qwen3ASRFeatureExtractor()


@dataclass(frozen=True)
class Voxtral:
    """A Voxtral size (Liu et al. 2025, section 2 and table 1; the checkpoints' ``config.json``).

    The encoder is that of Whisper large-v3, the language model a Llama in its form.
    """

    width: int
    """Of the language model."""
    inner: int
    layers: int

    def config(self) -> PretrainedConfig:
        from transformers import VoxtralConfig

        return VoxtralConfig(
            audio_config={
                "model_type": "voxtral_encoder",
                "hidden_size": 1280,
                "num_hidden_layers": 32,
                "num_attention_heads": 20,
                "intermediate_size": 5120,
                "num_mel_bins": 128,
            },
            text_config={
                "model_type": "llama",
                "vocab_size": 131_072,
                "hidden_size": self.width,
                "intermediate_size": self.inner,
                "num_hidden_layers": self.layers,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "max_position_embeddings": 131_072,
                "rms_norm_eps": 1e-5,
                "rope_parameters": {"rope_type": "default", "rope_theta": 1e8},
            },
            audio_token_id=24,
        )

    def feature_extractor(self) -> Any:
        from transformers import WhisperFeatureExtractor

        return WhisperFeatureExtractor(feature_size=128)


@dataclass(frozen=True)
class GraniteSpeech:
    """A Granite speech 3.3 size (model card of revision 3.3.2, Saon et al. 2025).

    The language models are granite-3.3-2b-instruct and granite-3.3-8b-instruct.
    """

    width: int
    """Of the language model."""
    inner: int
    attention_multiplier: float
    logits_scaling: float

    def config(self) -> PretrainedConfig:
        from transformers import GraniteSpeechConfig

        return GraniteSpeechConfig(
            encoder_config={
                "model_type": "granite_speech_encoder",
                "num_layers": 16,
                "hidden_dim": 1024,
                "input_dim": 160,
                "output_dim": 256,
                "num_heads": 8,
                "conv_kernel_size": 15,
                "context_size": 200,
            },
            projector_config={
                "model_type": "blip_2_qformer",
                "hidden_size": 1024,
                "num_hidden_layers": 2,
                "num_attention_heads": 16,
                "intermediate_size": 4096,
                "encoder_hidden_size": 1024,
                "cross_attention_frequency": 1,
                "max_position_embeddings": 2048,
            },
            text_config={
                "model_type": "granite",
                "vocab_size": 49_160,
                "hidden_size": self.width,
                "intermediate_size": self.inner,
                "num_hidden_layers": 40,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "max_position_embeddings": 131_072,
                "rms_norm_eps": 1e-5,
                "embedding_multiplier": 12.0,
                "residual_multiplier": 0.22,
                "attention_multiplier": self.attention_multiplier,
                "logits_scaling": self.logits_scaling,
                "rope_parameters": {"rope_type": "default", "rope_theta": 1e7},
                "bos_token_id": 0,
                "eos_token_id": 0,
                "pad_token_id": 0,
                "tie_word_embeddings": True,
            },
            audio_token_index=49_159,
            has_lora_adapter=False,  # Merged: the published one has rank 64.
        )

    def feature_extractor(self) -> Any:
        from runner.engines.granite_features import GraniteFeatures

        return GraniteFeatures()
