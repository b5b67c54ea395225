"""Kyutai STT through transformers (Zeghidour et al. 2025), pretrained or with random weights.

Mimi, a codec, makes 32 tokens of each frame of 80 ms; a decoder without an encoder of its own reads
them beside its last token of text. As published, Mimi is fed one frame at a time (the first of them
twice: see findings/).
"""

from __future__ import annotations

from typing import Any

import soxr
import torch
from transformers import (
    AutoConfig,
    AutoTokenizer,
    GenerationConfig,
    KyutaiSpeechToTextFeatureExtractor,
    KyutaiSpeechToTextForConditionalGeneration,
)

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.base import LoadRequest, Unmeasurable, Workload
from runner.engines.checkpoint_tokenizer import load_tokenizer
from runner.engines.delayed_stream import DelayedStreamEngine
from runner.engines.pretrained import from_pretrained, load_model, no_memory
from runner.engines.search_settings import plain_search, published_settings, set_aside
from runner.engines.vocabulary import piece_tokenizer
from runner.errors import Refused

CODEC = "codec_model"
_ROOM_S = 1.0
"""Silence that the extractor puts behind a clip beyond that of the delay."""
_STREAMED = frozenset({"audio_window_size", "cache_implementation"})
"""Of a checkpoint's settings: how a stream is fed, which is kept, and which cache it has, which a
variant says. Those of its codec begin with ``codec_``."""


class KyutaiEngine(DelayedStreamEngine):
    """One Kyutai STT model."""

    family = "kyutai-stt"
    keeps_fp32 = (CODEC,)

    def load(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.load`."""
        config = from_pretrained(AutoConfig, request)
        self.tokenizer = load_tokenizer(AutoTokenizer, request)
        self.extractor = from_pretrained(KyutaiSpeechToTextFeatureExtractor, request)
        if self.extractor.sampling_rate != config.codec_config.sampling_rate:
            raise Refused(
                f"{request.name}: its feature extractor gives {self.extractor.sampling_rate} Hz, "
                f"its codec takes {config.codec_config.sampling_rate} Hz: correct "
                "preprocessor_config.json"
            )
        published = published_settings(request, config)
        self.remarks = tuple(filter(None, [set_aside(_search(published))]))
        model = load_model(KyutaiSpeechToTextForConditionalGeneration, request)
        model.generation_config = plain_search(published)
        model.generation_config.audio_window_size = getattr(published, "audio_window_size", None)
        self.place(model)

    def make_random(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.make_random`."""
        config: Any = published_config(request.name)
        torch.manual_seed(request.seed)
        with no_memory(request):
            model = KyutaiSpeechToTextForConditionalGeneration(config)
        # As the published checkpoints have it.
        model.generation_config.audio_window_size = 1
        model.codec_model.generation_config.use_cache = True
        self.extractor = feature_extractor(request.name)
        self.tokenizer = piece_tokenizer(config.vocab_size, special=config.vocab_size)
        self.place(model)

    def settle(self) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.settle`."""
        super().settle()
        self.prompt = 1  # The token that begins a stream.

    @property
    def encoder(self) -> Any:
        """Mimi's encoder; what comes after it makes tokens of its frames."""
        return self.model.codec_model.encoder

    @property
    def input_dtype(self) -> torch.dtype:
        """That of the codec, which its publishers keep in fp32."""
        return torch.float32

    def stream_tokens(self, samples: int) -> int:
        """See :meth:`~runner.engines.delayed_stream.DelayedStreamEngine.stream_tokens`."""
        extractor = self.extractor
        rate = extractor.sampling_rate
        heard = -(-samples * rate // SAMPLE_RATE)
        before = int(extractor.audio_silence_prefix_seconds * rate)
        after = int((extractor.audio_delay_seconds + _ROOM_S) * rate)
        frames: int = (before + heard + after) // self.model.config.frame_size
        return frames

    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """Waveforms at the codec's rate between silence, ``(clips, 1, samples)``, on the host.

        The longest says how long all are: shorter ones have more silence behind them.
        """
        rate = self.extractor.sampling_rate
        resampled = [soxr.resample(wave, SAMPLE_RATE, rate, quality="VHQ") for wave in windows]
        made = self.extractor(resampled, sampling_rate=rate, return_tensors="pt")
        waves: torch.Tensor = made.input_values
        return waves

    def input_samples(self, features: torch.Tensor) -> int:
        """Samples at 16 kHz that the padded waveforms, ``(clips, 1, samples)``, stand for."""
        samples: int = features.shape[0] * features.shape[-1]
        return samples * SAMPLE_RATE // int(self.extractor.sampling_rate)

    def inputs(self, features: torch.Tensor) -> dict[str, Any]:
        """See :meth:`~runner.engines.delayed_stream.DelayedStreamEngine.inputs`."""
        return {"input_values": features}

    @property
    def hearing(self) -> tuple[Any, str]:
        """See :attr:`~runner.engines.delayed_stream.DelayedStreamEngine.hearing`."""
        return self.model.codec_model, "encode"

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`."""
        if self.model.generation_config.audio_window_size != 1:
            raise Unmeasurable("audio_window_size of the checkpoint is not 1, as published")
        return super().workload(samples=samples, batch=batch, decoder_calls=decoder_calls)


def _search(published: GenerationConfig) -> GenerationConfig:
    """What of the settings is of a search."""
    told = published.to_dict().items()
    return GenerationConfig(
        **{k: v for k, v in told if k not in _STREAMED and not k.startswith("codec_")}
    )
