"""Voxtral realtime through transformers (Liu et al. 2026), pretrained or with random weights.

A causal encoder and a language model, to whose token embeddings what is heard in each 80 ms is
added. The prompt is silence: its tokens say nothing, and the model hears the delay beforehand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import (
    AutoConfig,
    AutoTokenizer,
    VoxtralRealtimeFeatureExtractor,
    VoxtralRealtimeForConditionalGeneration,
)

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.audio_positions import (
    REALTIME_SILENCE,
    voxtral_realtime_positions,
    voxtral_realtime_prompt,
)
from runner.engines.base import LoadRequest
from runner.engines.checkpoint_tokenizer import REMEDY, load_tokenizer
from runner.engines.delayed_stream import DelayedStreamEngine
from runner.engines.mel_frames import MEL_HOP
from runner.engines.pretrained import from_pretrained, load_extractor, load_model, no_memory
from runner.engines.search_settings import plain_search, published_settings, set_aside
from runner.engines.vocabulary import piece_tokenizer
from runner.errors import Refused

_BEGINNING, _SILENT = "<s>", "[STREAMING_PAD]"
_IDS = {_BEGINNING: 1, _SILENT: 32}
"""Of the published tokenizer."""


class VoxtralRealtimeEngine(DelayedStreamEngine):
    """One Voxtral realtime model."""

    family = "voxtral-realtime"
    marks: dict[str, int]
    """Ids of the tokens that a prompt is made of."""

    def load(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.load`."""
        config = from_pretrained(AutoConfig, request)
        # As for Voxtral: its own tekken.json, without mistral-common.
        self.tokenizer = load_tokenizer(AutoTokenizer, request, mistral_format=False)
        known = self.tokenizer.get_vocab()
        for token in _IDS:
            if token not in known:
                raise Refused(f"{request.name}: its tokenizer has no {token}: {REMEDY}")
        self.marks = {token: known[token] for token in _IDS}
        self.extractor = load_extractor(VoxtralRealtimeFeatureExtractor, request)
        published = published_settings(request, config)
        self.remarks = tuple(filter(None, [set_aside(published)]))
        model = load_model(VoxtralRealtimeForConditionalGeneration, request)
        model.generation_config = plain_search(published)
        self.place(model)

    def make_random(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.make_random`."""
        config: Any = published_config(request.name)
        torch.manual_seed(request.seed)
        with no_memory(request):
            model = VoxtralRealtimeForConditionalGeneration(config)
        model.generation_config = plain_search(model.generation_config)
        if request.weights == "random":
            model.generation_config.eos_token_id = None  # Said by chance, it would end the work.
        self.marks = dict(_IDS)
        self.extractor = feature_extractor(request.name)
        size = config.text_config.vocab_size
        self.tokenizer = piece_tokenizer(size, special=size)
        self.place(model)

    def settle(self) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.settle`."""
        super().settle()
        self.prompt = voxtral_realtime_prompt(self.model.config)

    @property
    def encoder(self) -> Any:
        """The transformer layers of the encoder, which hear four frames for each token."""
        return self.model.model.audio_tower

    @property
    def hearing(self) -> tuple[Any, str]:
        """See :attr:`~runner.engines.delayed_stream.DelayedStreamEngine.hearing`."""
        return self.model.model, "get_audio_features"

    def stream_tokens(self, samples: int) -> int:
        """See :meth:`~runner.engines.delayed_stream.DelayedStreamEngine.stream_tokens`."""
        return voxtral_realtime_positions(self.model.config, samples) - self.prompt

    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """Log-mel features on the host, ``(clips, mels, frames)``, silence around every clip.

        The longest says how long all are: shorter ones have more silence behind them.
        """
        config = self.model.config
        position = MEL_HOP * config.audio_length_per_tok
        before = position * REALTIME_SILENCE
        padded = [
            np.pad(
                wave,
                (
                    before,
                    position * voxtral_realtime_positions(config, len(wave)) - before - len(wave),
                ),
            )
            for wave in windows
        ]
        made = self.extractor(padded, sampling_rate=SAMPLE_RATE, padding=True, return_tensors="pt")
        mels: torch.Tensor = made.input_features
        return mels

    def input_samples(self, features: torch.Tensor) -> int:
        """Samples that features, ``(clips, mels, frames)``, stand for."""
        samples: int = MEL_HOP * features.shape[0] * features.shape[2]
        return samples

    def inputs(self, features: torch.Tensor) -> dict[str, Any]:
        """See :meth:`~runner.engines.delayed_stream.DelayedStreamEngine.inputs`."""
        return {"input_features": features, **self._prompts(len(features))}

    def inputs_heard(self, features: torch.Tensor) -> dict[str, Any]:
        """See :meth:`~runner.engines.delayed_stream.DelayedStreamEngine.inputs_heard`."""
        return {
            "encoder_inputs_embeds": self.encoder.embedder(features),
            **self._prompts(len(features)),
        }

    def _prompts(self, clips: int) -> dict[str, Any]:
        said = [self.marks[_BEGINNING], *[self.marks[_SILENT]] * (self.prompt - 1)]
        ids = torch.tensor([said] * clips, device=self.device)
        return {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "num_delay_tokens": self.model.config.default_num_delay_tokens,
        }
