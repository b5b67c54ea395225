"""Moonshine through transformers, pretrained or with random weights.

An encoder on the waveform and a decoder, like a Whisper without windows: a clip is encoded in one
piece of its own length, so short clips cost little.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from transformers import (
    AutoFeatureExtractor,
    AutoTokenizer,
    GenerationConfig,
    MoonshineForConditionalGeneration,
)

from runner.clips.clip import Waveform
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.base import LoadRequest
from runner.engines.torch_engine import from_pretrained, load_model, padded_features
from runner.engines.vocabulary import piece_tokenizer
from runner.engines.whisper import WhisperEngine

TOKENS_PER_SECOND = 6.5
"""No more tokens are decoded for a second of audio, as its publishers advise: it may repeat itself
without end."""


class MoonshineEngine(WhisperEngine):
    """One Moonshine model."""

    family = "moonshine"

    def _load(self, request: LoadRequest) -> None:
        model = load_model(MoonshineForConditionalGeneration, request)
        self.extractor = from_pretrained(AutoFeatureExtractor, request)
        self.tokenizer = from_pretrained(AutoTokenizer, request)
        self.place(model)
        self.tokens_per_second = None

    def _make_random(self, request: LoadRequest) -> None:
        config: Any = published_config(request.name)
        torch.manual_seed(request.seed)
        model = MoonshineForConditionalGeneration(config)
        self.extractor = feature_extractor(request.name)
        # Begin and end of text, and the unknown token, are the first three ids.
        self.tokenizer = piece_tokenizer(config.vocab_size, special=config.vocab_size)
        self.place(model)
        self.tokens_per_second = request.tokens_per_audio_second

    def _settle(self) -> None:
        config, settings = self.model.config, self.model.generation_config
        if settings.pad_token_id is None:
            settings.pad_token_id = settings.eos_token_id
        self.window = 2**62  # It has none.
        self.prompt = 1
        self.longest = config.max_position_embeddings - self.prompt

    def _features(self, windows: list[Waveform]) -> torch.Tensor:
        """Waveforms, ``(clips, samples)``."""
        features: torch.Tensor = padded_features(self.extractor, windows).input_values
        return features

    def _masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """Where each clip's padding begins; none for clips of one length."""
        lengths = torch.tensor([len(wave) for wave in windows])
        if len(lengths.unique()) == 1:
            return {}
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        return {"attention_mask": mask.long().to(self.device)}

    def _input_samples(self, features: torch.Tensor) -> int:
        samples: int = features.numel()
        return samples

    def _max_length(self, tokens: int) -> int:
        return tokens + self.prompt

    def _bound_decoder(self, seconds: float) -> None:
        if self.tokens_per_second is not None:
            super()._bound_decoder(seconds)
            return
        most = max(1, min(math.ceil(TOKENS_PER_SECOND * seconds), self.longest))
        settings: GenerationConfig = self.model.generation_config
        settings.max_length = self._max_length(min(most, self.cap or most))
