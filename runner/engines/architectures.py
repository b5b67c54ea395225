"""Published configurations, written out: a model of the true size needs no hub.

With random weights such a model has the true latency, energy, memory and FLOPs. The figures follow
the checkpoints' own ``config.json`` and ``preprocessor_config.json``; the parameter
counts of the resulting models are tested. Importing this module does not import transformers.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runner.engines.delayed_stream_architectures import Kyutai, VoxtralRealtime
from runner.engines.fastconformer_architectures import Canary, Nemotron, Parakeet
from runner.engines.seq2seq_architectures import CohereASR, MoonshineStreaming
from runner.engines.speech_llm_architectures import GraniteSpeech, Qwen3ASR, Voxtral
from runner.errors import UserError

if TYPE_CHECKING:
    from transformers import PretrainedConfig

SAMPLING_RATE = 16_000


@dataclass(frozen=True)
class _Whisper:
    """One Whisper size (Radford et al. 2022, table 1; head width 64, feed-forward 4 x width)."""

    width: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int = 51_865
    mel_bins: int = 80

    @property
    def multilingual(self) -> bool:
        """The English-only tokenizer lacks one entry, and every special token lies one lower."""
        return self.vocabulary >= 51_865

    def config(self) -> PretrainedConfig:
        from transformers import WhisperConfig

        end = 50_257 if self.multilingual else 50_256
        return WhisperConfig(
            vocab_size=self.vocabulary,
            num_mel_bins=self.mel_bins,
            d_model=self.width,
            encoder_layers=self.encoder_layers,
            decoder_layers=self.decoder_layers,
            encoder_attention_heads=self.width // 64,
            decoder_attention_heads=self.width // 64,
            encoder_ffn_dim=4 * self.width,
            decoder_ffn_dim=4 * self.width,
            decoder_start_token_id=end + 1,
            bos_token_id=end,
            eos_token_id=end,
            pad_token_id=end,
            # Neither a blank nor the end may come first.
            begin_suppress_tokens=[220, end],
        )

    def feature_extractor(self) -> Any:
        from transformers import WhisperFeatureExtractor

        return WhisperFeatureExtractor(feature_size=self.mel_bins)


@dataclass(frozen=True)
class _Waveform:
    """A CTC model on the waveform: wav2vec2 (Baevski et al. 2020) and its relatives.

    Sizes of WavLM are those of Chen et al. 2022.
    """

    family: str
    """``wav2vec2``, ``hubert``, ``wavlm`` or ``conformer``."""
    large: bool
    """24 layers of width 1024 rather than 12 of 768."""
    layer_norm: bool
    """Layer norm after every convolution of the feature encoder, which then have biases, but for
    WavLM's. Only these models were trained with an attention mask."""
    positions: str | None = None
    """Positions of a conformer: ``relative`` or ``rotary``."""
    extra_large: bool = False
    """48 layers of width 1280."""

    def config(self) -> PretrainedConfig:
        from transformers import (
            HubertConfig,
            Wav2Vec2Config,
            Wav2Vec2ConformerConfig,
            WavLMConfig,
        )

        fields: dict[str, Any] = {
            "vocab_size": 32,
            "hidden_size": 1024 if self.large else 768,
            "num_hidden_layers": 24 if self.large else 12,
            "num_attention_heads": 16 if self.large else 12,
            "intermediate_size": 4096 if self.large else 3072,
            "feat_extract_norm": "layer" if self.layer_norm else "group",
            "conv_bias": self.layer_norm and self.family != "wavlm",
        }
        if self.family == "conformer":
            return Wav2Vec2ConformerConfig(
                **fields, hidden_act="swish", position_embeddings_type=self.positions
            )
        if self.extra_large:
            fields |= {"hidden_size": 1280, "num_hidden_layers": 48, "intermediate_size": 5120}
        classes = {"wav2vec2": Wav2Vec2Config, "hubert": HubertConfig, "wavlm": WavLMConfig}
        return classes[self.family](**fields, do_stable_layer_norm=self.layer_norm)

    def feature_extractor(self) -> Any:
        from transformers import Wav2Vec2FeatureExtractor

        return Wav2Vec2FeatureExtractor(
            feature_size=1,
            sampling_rate=SAMPLING_RATE,
            padding_value=0.0,
            do_normalize=True,
            return_attention_mask=self.layer_norm,
        )


@dataclass(frozen=True)
class _Data2Vec:
    """data2vec audio base (Baevski et al. 2022): wav2vec 2.0 with stacked small convolutions."""

    def config(self) -> PretrainedConfig:
        from transformers import Data2VecAudioConfig

        return Data2VecAudioConfig(vocab_size=32)

    def feature_extractor(self) -> Any:
        from transformers import Wav2Vec2FeatureExtractor

        return Wav2Vec2FeatureExtractor(
            feature_size=1,
            sampling_rate=SAMPLING_RATE,
            padding_value=0.0,
            do_normalize=True,
            return_attention_mask=True,
        )


@dataclass(frozen=True)
class _Wav2Vec2Bert:
    """w2v-BERT 2.0 (Seamless Communication et al. 2023): conformer layers on pairs of mel frames.

    As published it has no head; one of 32 characters is put on it.
    """

    def config(self) -> PretrainedConfig:
        from transformers import Wav2Vec2BertConfig

        return Wav2Vec2BertConfig(vocab_size=32)

    def feature_extractor(self) -> Any:
        from transformers import SeamlessM4TFeatureExtractor

        return SeamlessM4TFeatureExtractor(
            feature_size=80, num_mel_bins=80, sampling_rate=SAMPLING_RATE, padding_value=1, stride=2
        )


@dataclass(frozen=True)
class _Moonshine:
    """A Moonshine size (Jeffries et al. 2024, table 1)."""

    width: int
    layers: int
    rotary: float
    """Share of a head that positions rotate."""

    def config(self) -> PretrainedConfig:
        from transformers import MoonshineConfig

        return MoonshineConfig(
            hidden_size=self.width,
            intermediate_size=4 * self.width,
            encoder_num_hidden_layers=self.layers,
            decoder_num_hidden_layers=self.layers,
            pad_head_dim_to_multiple_of=8,  # Heads of 36 and 52 are padded for the kernels' sake.
            rope_parameters={
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "partial_rotary_factor": self.rotary,
            },
        )

    def feature_extractor(self) -> Any:
        from transformers import Wav2Vec2FeatureExtractor

        return Wav2Vec2FeatureExtractor(
            feature_size=1,
            sampling_rate=SAMPLING_RATE,
            padding_value=0.0,
            do_normalize=False,
            return_attention_mask=True,
        )


_Architecture = (
    _Whisper
    | _Waveform
    | _Data2Vec
    | _Wav2Vec2Bert
    | Parakeet
    | Canary
    | Nemotron
    | _Moonshine
    | Qwen3ASR
    | Voxtral
    | GraniteSpeech
    | CohereASR
    | MoonshineStreaming
    | Kyutai
    | VoxtralRealtime
)

_ARCHITECTURES: Mapping[str, _Architecture] = MappingProxyType(
    {
        "openai/whisper-tiny": _Whisper(384, 4, 4),
        "openai/whisper-tiny.en": _Whisper(384, 4, 4, vocabulary=51_864),
        "openai/whisper-base": _Whisper(512, 6, 6),
        "openai/whisper-base.en": _Whisper(512, 6, 6, vocabulary=51_864),
        "openai/whisper-small": _Whisper(768, 12, 12),
        "openai/whisper-small.en": _Whisper(768, 12, 12, vocabulary=51_864),
        "openai/whisper-medium": _Whisper(1024, 24, 24),
        "openai/whisper-medium.en": _Whisper(1024, 24, 24, vocabulary=51_864),
        "openai/whisper-large-v2": _Whisper(1280, 32, 32),
        "openai/whisper-large-v3": _Whisper(1280, 32, 32, vocabulary=51_866, mel_bins=128),
        "openai/whisper-large-v3-turbo": _Whisper(1280, 32, 4, vocabulary=51_866, mel_bins=128),
        "UsefulSensors/moonshine-tiny": _Moonshine(288, layers=6, rotary=0.9),
        "UsefulSensors/moonshine-base": _Moonshine(416, layers=8, rotary=0.62),
        "UsefulSensors/moonshine-streaming-tiny": MoonshineStreaming(320, 320, 6, 8, 40),
        "UsefulSensors/moonshine-streaming-small": MoonshineStreaming(620, 512, 10, 8, 64),
        "UsefulSensors/moonshine-streaming-medium": MoonshineStreaming(768, 640, 14, 10, 64),
        "CohereLabs/cohere-transcribe-03-2026": CohereASR(),
        "facebook/wav2vec2-base-960h": _Waveform("wav2vec2", large=False, layer_norm=False),
        "facebook/wav2vec2-large-960h": _Waveform("wav2vec2", large=True, layer_norm=False),
        "facebook/wav2vec2-large-960h-lv60": _Waveform("wav2vec2", large=True, layer_norm=True),
        "facebook/wav2vec2-large-960h-lv60-self": _Waveform(
            "wav2vec2", large=True, layer_norm=True
        ),
        "facebook/hubert-large-ls960-ft": _Waveform("hubert", large=True, layer_norm=True),
        "facebook/wav2vec2-conformer-rel-pos-large-960h-ft": _Waveform(
            "conformer", large=True, layer_norm=True, positions="relative"
        ),
        "facebook/wav2vec2-conformer-rope-large-960h-ft": _Waveform(
            "conformer", large=True, layer_norm=True, positions="rotary"
        ),
        "facebook/hubert-xlarge-ls960-ft": _Waveform(
            "hubert", large=True, layer_norm=True, extra_large=True
        ),
        "facebook/data2vec-audio-base-960h": _Data2Vec(),
        "patrickvonplaten/wavlm-libri-clean-100h-base-plus": _Waveform(
            "wavlm", large=False, layer_norm=False
        ),
        "patrickvonplaten/wavlm-libri-clean-100h-large": _Waveform(
            "wavlm", large=True, layer_norm=True
        ),
        "facebook/w2v-bert-2.0": _Wav2Vec2Bert(),
        "Qwen/Qwen3-ASR-0.6B-hf": Qwen3ASR(896, encoder_layers=18, width=1024),
        "Qwen/Qwen3-ASR-1.7B-hf": Qwen3ASR(1024, encoder_layers=24, width=2048),
        "mistralai/Voxtral-Mini-3B-2507": Voxtral(3072, inner=8192, layers=30),
        "mistralai/Voxtral-Small-24B-2507": Voxtral(5120, inner=32_768, layers=40),
        "ibm-granite/granite-speech-3.3-2b": GraniteSpeech(
            2048, inner=8192, attention_multiplier=1 / 64, logits_scaling=8.0
        ),
        "ibm-granite/granite-speech-3.3-8b": GraniteSpeech(
            4096, inner=12_800, attention_multiplier=1 / 128, logits_scaling=16.0
        ),
        "kyutai/stt-1b-en_fr-trfs": Kyutai(
            16, heads=16, pieces=8000, context=750, delay_s=0.5, silence_s=0.0
        ),
        "kyutai/stt-2.6b-en-trfs": Kyutai(
            48, heads=32, pieces=4000, context=375, delay_s=2.5, silence_s=1.0
        ),
        "mistralai/Voxtral-Mini-4B-Realtime-2602": VoxtralRealtime(),
        "nvidia/canary-1b-v2": Canary(),
        "nvidia/parakeet-tdt-0.6b-v3": Parakeet(layers=24, head="tdt"),
        "nvidia/parakeet-rnnt-0.6b": Parakeet(layers=24, head="rnnt"),
        "nvidia/nemotron-speech-streaming-en-0.6b": Nemotron(),
        "nvidia/parakeet-ctc-0.6b": Parakeet(layers=24),
        "nvidia/parakeet-ctc-1.1b": Parakeet(layers=42),
    }
)

PUBLISHED: tuple[str, ...] = tuple(_ARCHITECTURES)
"""Names with a configuration here, spelt as on the Hugging Face hub."""


def published_config(name: str) -> PretrainedConfig:
    """The configuration that the checkpoint ``name`` was published with, as a new object.

    Raises:
        UserError: ``name`` is not in :data:`PUBLISHED`; the message names the nearest one.
    """
    return _architecture(name).config()


def feature_extractor(name: str) -> Any:
    """The transformers feature extractor that belongs to the checkpoint ``name``.

    It turns float32 mono waveforms of 16 kHz into log-mel features (Whisper: ``(batch, mels,
    3000)``; Parakeet: ``(batch, frames, mels)``) or into normalised waveforms ``(batch, samples)``.

    Raises:
        UserError: ``name`` is not in :data:`PUBLISHED`; the message names the nearest one.
    """
    return _architecture(name).feature_extractor()


def _architecture(name: str) -> _Architecture:
    known = _ARCHITECTURES.get(name)
    if known is not None:
        return known
    # People type `whisper-tiny`, so the part after the organisation is compared as well.
    full_names = {full: full for full in PUBLISHED}
    spellings = full_names | {full.split("/")[-1]: full for full in PUBLISHED}
    near = difflib.get_close_matches(name.lower(), spellings, n=1, cutoff=0.0)
    raise UserError(
        f"no published configuration is known for {name!r}; did you mean {spellings[near[0]]!r}?"
    )
