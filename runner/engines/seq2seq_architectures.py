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


@dataclass(frozen=True)
class MoonshineStreaming:
    """A Moonshine streaming size (Kudlur et al. 2026, table 1, which leaves out the output head).

    Widths of heads are those of the checkpoints' ``config.json``, as handy-computer/transcribe.cpp
    recorded them. Feed-forwards are four times as wide; all but the first and last two layers of
    the encoder look at nothing later (section 3.2).
    """

    encoder_width: int
    width: int
    """Of the decoder."""
    layers: int
    """Of each."""
    heads: int
    head_width: int

    def config(self) -> PretrainedConfig:
        from transformers import MoonshineStreamingConfig

        attention = {
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "head_dim": self.head_width,
        }
        ends = [[16, 4], [16, 4]]
        return MoonshineStreamingConfig(
            encoder_config={
                "model_type": "moonshine_streaming_encoder",
                "hidden_size": self.encoder_width,
                "intermediate_size": 4 * self.encoder_width,
                "sliding_windows": [*ends, *[[16, 0]] * (self.layers - 4), *ends],
                **attention,
            },
            vocab_size=32_768,
            hidden_size=self.width,
            intermediate_size=4 * self.width,
            max_position_embeddings=4096,
            decoder_start_token_id=1,
            rope_parameters={
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "partial_rotary_factor": 0.8,
            },
            **attention,
        )

    def feature_extractor(self) -> Any:
        from transformers import Wav2Vec2FeatureExtractor

        return Wav2Vec2FeatureExtractor(
            feature_size=1,
            sampling_rate=16_000,
            padding_value=0.0,
            do_normalize=False,
            return_attention_mask=True,
        )
