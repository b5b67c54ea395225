"""Published sizes of later encoders with a decoder: Cohere Transcribe, and Moonshine streaming.

Importing this module does not import transformers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PretrainedConfig


@dataclass(frozen=True)
class CohereASR:
    """Cohere Transcribe: a FastConformer of 48 layers and a Transformer decoder of eight.

    Sizes, special tokens and front end are those of the ``config.json``, ``generation_config.json``
    and ``preprocessor_config.json`` of CohereLabs/cohere-transcribe-03-2026 (revision 76b8b23, as
    handy-computer/transcribe.cpp recorded them) and the defaults of transformers' classes, which
    were made for it.
    """

    def config(self) -> PretrainedConfig:
        from transformers import CohereAsrConfig

        return CohereAsrConfig(
            encoder_config={
                "model_type": "parakeet_encoder",
                "hidden_size": 1280,
                "num_hidden_layers": 48,
                "num_attention_heads": 8,
                "intermediate_size": 5120,
                "conv_kernel_size": 9,
                "subsampling_factor": 8,
                "subsampling_conv_channels": 256,
                "num_mel_bins": 128,
                "scale_input": False,
            },
            vocab_size=16_384,
            hidden_size=1024,
            intermediate_size=4096,
            num_hidden_layers=8,
            num_attention_heads=8,
            max_position_embeddings=1024,
            pad_token_id=2,
            eos_token_id=3,
            bos_token_id=4,
            decoder_start_token_id=13_764,
        )

    def feature_extractor(self) -> Any:
        from transformers import CohereAsrFeatureExtractor

        return CohereAsrFeatureExtractor(feature_size=128, max_audio_clip_s=35)
