"""Moonshine through transformers, pretrained or with random weights.

An encoder on the waveform and a decoder, like a Whisper without windows: a clip is encoded in one
piece of its own length, so short clips cost little.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from transformers import (
    AutoFeatureExtractor,
    AutoTokenizer,
    MoonshineForConditionalGeneration,
)

from runner.clips.clip import Waveform
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.base import LoadRequest
from runner.engines.checkpoint_tokenizer import load_tokenizer
from runner.engines.pretrained import load_extractor, load_model, no_memory
from runner.engines.search_settings import plain_search, set_aside
from runner.engines.seq2seq import Seq2SeqEngine
from runner.engines.torch_engine import LEAST, padded_features
from runner.engines.vocabulary import piece_tokenizer

TOKENS_PER_SECOND = 6.5
"""No more tokens are decoded for a second of audio, as its publishers advise: it may repeat itself
without end."""


class MoonshineEngine(Seq2SeqEngine):
    """One Moonshine model."""

    family = "moonshine"
    capabilities = frozenset(
        {"torch", "linear", "attention", "encoder", "generate", "kv_cache", "chunks"}
    )
    model_class: ClassVar[Any] = MoonshineForConditionalGeneration
    """The class of transformers."""

    def load(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.load`."""
        self.tokenizer = load_tokenizer(AutoTokenizer, request)
        self.extractor = load_extractor(AutoFeatureExtractor, request)
        model = load_model(self.model_class, request)
        published = model.generation_config
        self.remarks = tuple(filter(None, [set_aside(published, request.variant.beams)]))
        model.generation_config = plain_search(published)
        self.place(model)

    def make_random(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.make_random`."""
        config: Any = published_config(request.name)
        torch.manual_seed(request.seed)
        with no_memory(request):
            model = self.model_class(config)
        self.extractor = feature_extractor(request.name)
        # Begin and end of text, and the unknown token, are the first three ids.
        self.tokenizer = piece_tokenizer(config.vocab_size, special=config.vocab_size)
        self.place(model)

    def settle(self) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.settle`."""
        config, settings = self.model.config, self.model.generation_config
        if settings.pad_token_id is None:
            settings.pad_token_id = settings.eos_token_id
        self.prompt = 1
        self.longest = config.max_position_embeddings - self.prompt

    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """Waveforms at 16 kHz on the host, ``(clips, samples)``."""
        features: torch.Tensor = padded_features(self.extractor, windows).input_values
        return features

    def masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """The padding mask, ``(clips, samples)``, on the device; none for clips of one length."""
        lengths = torch.tensor([max(LEAST, len(wave)) for wave in windows])
        if len(lengths.unique()) == 1:
            return {}
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        return {"attention_mask": mask.long().to(self.device)}

    def input_samples(self, features: torch.Tensor) -> int:
        """Samples of waveforms, ``(clips, samples)``, padding included."""
        samples: int = features.numel()
        return samples

    def most_tokens(self, seconds: float) -> int:
        """See :data:`TOKENS_PER_SECOND`."""
        return max(1, min(math.ceil(TOKENS_PER_SECOND * seconds), self.longest))
