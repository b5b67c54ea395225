"""Published configurations of models whose encoder is a FastConformer (Rekesh et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from runner.clips.clip import SAMPLE_RATE

if TYPE_CHECKING:
    from transformers import PretrainedConfig


@dataclass(frozen=True)
class Parakeet:
    """A Parakeet size: FastConformer (Rekesh et al. 2023), eight-fold subsampling."""

    layers: int
    head: Literal["ctc", "rnnt", "tdt"] = "ctc"
    """CTC and RNN-T over 1,024 pieces, or a token-and-duration transducer over 8,192, whose
    encoder has no biases, takes finer features and does not scale them."""

    def config(self) -> PretrainedConfig:
        from transformers import (
            ParakeetCTCConfig,
            ParakeetEncoderConfig,
            ParakeetRNNTConfig,
            ParakeetTDTConfig,
        )

        encoder = ParakeetEncoderConfig(
            hidden_size=1024,
            num_hidden_layers=self.layers,
            num_attention_heads=8,
            intermediate_size=4096,
            conv_kernel_size=9,
            subsampling_factor=8,
            subsampling_conv_channels=256,
            num_mel_bins=self._mel_bins,
            attention_bias=self.head != "tdt",
            convolution_bias=self.head != "tdt",
            scale_input=self.head != "tdt",
        )
        if self.head == "tdt":
            return ParakeetTDTConfig(
                encoder_config=encoder,
                vocab_size=8193,
                blank_token_id=8192,
                decoder_hidden_size=640,
                num_decoder_layers=2,
                durations=(0, 1, 2, 3, 4),
            )
        if self.head == "rnnt":
            return ParakeetRNNTConfig(
                encoder_config=encoder,
                vocab_size=1025,
                blank_token_id=1024,
                decoder_hidden_size=640,
                num_decoder_layers=2,
            )
        return ParakeetCTCConfig(encoder_config=encoder, vocab_size=1025, pad_token_id=1024)

    @property
    def _mel_bins(self) -> int:
        return 128 if self.head == "tdt" else 80

    def feature_extractor(self) -> Any:
        from transformers import ParakeetFeatureExtractor

        return ParakeetFeatureExtractor(feature_size=self._mel_bins, sampling_rate=SAMPLE_RATE)


@dataclass(frozen=True)
class Nemotron:
    """Nemotron Speech Streaming 0.6B: causal convolutions, 70 frames of attention back, 13 ahead.

    Sizes are the defaults of transformers' ``NemotronAsrStreamingConfig``, but for 128 mel bins and
    layers without biases, by which the weights are as many bytes as the published file has.
    """

    def config(self) -> PretrainedConfig:
        from transformers import NemotronAsrStreamingConfig, NemotronAsrStreamingEncoderConfig

        encoder = NemotronAsrStreamingEncoderConfig(
            hidden_size=1024,
            num_hidden_layers=24,
            num_attention_heads=8,
            intermediate_size=4096,
            conv_kernel_size=9,
            subsampling_factor=8,
            subsampling_conv_channels=256,
            num_mel_bins=128,
            attention_bias=False,
            convolution_bias=False,
            scale_input=False,
            sliding_window=71,
            default_num_lookahead_tokens=13,
        )
        return NemotronAsrStreamingConfig(
            encoder_config=encoder,
            vocab_size=1025,
            blank_token_id=1024,
            decoder_hidden_size=640,
            num_decoder_layers=2,
        )

    def feature_extractor(self) -> Any:
        from transformers import NemotronAsrStreamingFeatureExtractor

        return NemotronAsrStreamingFeatureExtractor(feature_size=128, sampling_rate=SAMPLE_RATE)


@dataclass(frozen=True)
class Canary:
    """Canary 1B v2 (Sekoyan et al. 2025): 32 layers of encoder, 8 of decoder, 25 languages.

    The sizes are the defaults of transformers' ``CanaryConfig``, which are those of the checkpoint,
    but for a vocabulary and depths that the paper and the model card say too.
    """

    def config(self) -> PretrainedConfig:
        from transformers import CanaryConfig, CanaryDecoderConfig, ParakeetEncoderConfig

        encoder = ParakeetEncoderConfig(
            hidden_size=1024,
            num_hidden_layers=32,
            num_attention_heads=8,
            intermediate_size=4096,
            conv_kernel_size=9,
            subsampling_factor=8,
            subsampling_conv_channels=256,
            num_mel_bins=128,
            scale_input=False,
            layerdrop=0.0,
        )
        decoder = CanaryDecoderConfig(
            vocab_size=16_384,
            hidden_size=1024,
            num_hidden_layers=8,
            num_attention_heads=8,
            num_key_value_heads=8,
            intermediate_size=4096,
            max_position_embeddings=1024,
        )
        return CanaryConfig(encoder_config=encoder, decoder_config=decoder, vocab_size=16_384)

    def feature_extractor(self) -> Any:
        from transformers import ParakeetFeatureExtractor

        return ParakeetFeatureExtractor(feature_size=128, sampling_rate=SAMPLE_RATE)
