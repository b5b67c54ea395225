"""Cohere Transcribe through transformers (Cohere Labs 2026), pretrained or with random weights.

A FastConformer on mel frames and a Transformer decoder, whose prompt of ten tokens names the
language. A clip is encoded at its own length up to a window of 35 s; beyond that it is cut.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoTokenizer,
    CohereAsrForConditionalGeneration,
)

from runner.catalogue.languages import COHERE_ASR
from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.config import DETECT
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.base import LoadRequest
from runner.engines.checkpoint_tokenizer import REMEDY, load_tokenizer
from runner.engines.language import Language, lacks, prompted_language
from runner.engines.mel_frames import MEL_WINDOW
from runner.engines.pretrained import from_pretrained, load_extractor, load_model, no_memory
from runner.engines.search_settings import plain_search, published_settings, set_aside
from runner.engines.seq2seq import Seq2SeqEngine
from runner.engines.vocabulary import piece_tokenizer
from runner.errors import Refused

MOST_TOKENS = 256
"""Of the text of a window, as the model card has it."""

# The publishers' request, as transformers' processor writes it: with punctuation, figures as they
# are spoken, neither time stamps nor speakers.
_BEFORE = ("▁", "<|startofcontext|>", "<|startoftranscript|>", "<|emo:undefined|>")
_AFTER = ("<|pnc|>", "<|noitn|>", "<|notimestamp|>", "<|nodiarize|>")

_PUBLISHED = (13_764, 7, 4, 16, 62, 62, 5, 9, 11, 13)
"""The same for English in the ids of the published tokenizer (as handy-computer/transcribe.cpp
recorded them); the other languages have as many tokens."""


class CohereASREngine(Seq2SeqEngine):
    """One Cohere Transcribe model."""

    family = "cohere-asr"
    capabilities = frozenset(
        {
            *("torch", "linear", "attention", "encoder", "generate", "kv_cache"),
            *("chunks", "windows"),
        }
    )
    fills_window = False

    def language_of(self, request: LoadRequest) -> Language:
        """The one that is asked for; English where none is."""
        if request.language == DETECT:
            raise lacks(request.name, DETECT, COHERE_ASR)
        return prompted_language(request.name, request.language, COHERE_ASR)

    def load(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.load`."""
        config = from_pretrained(AutoConfig, request)
        self.tokenizer = load_tokenizer(AutoTokenizer, request)
        self.extractor = load_extractor(AutoFeatureExtractor, request)
        self.prompt_ids = self._own_prompt()
        published = published_settings(request, config)
        self.remarks = tuple(filter(None, [set_aside(published, request.variant.beams)]))
        model = load_model(CohereAsrForConditionalGeneration, request)
        model.generation_config = plain_search(published)
        self.place(model)

    def _own_prompt(self) -> tuple[int, ...]:
        """The published prompt in the ids of the checkpoint's tokenizer."""
        assert self.language is not None
        known = self.tokenizer.get_vocab()
        spoken = f"<|{self.language.code}|>"
        tokens = (*_BEFORE, spoken, spoken, *_AFTER)
        for token in tokens:
            if token not in known:
                raise Refused(f"{self.request.name}: its tokenizer has no {token}: {REMEDY}")
        return tuple(known[token] for token in tokens)

    def make_random(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.make_random`."""
        config: Any = published_config(request.name)
        torch.manual_seed(request.seed)
        with no_memory(request):
            model = CohereAsrForConditionalGeneration(config)
        self.extractor = feature_extractor(request.name)
        self.tokenizer = piece_tokenizer(config.vocab_size, special=config.vocab_size)
        self.prompt_ids = _PUBLISHED
        self.place(model)

    def settle(self) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.settle`."""
        settings = self.model.generation_config
        first = settings.decoder_start_token_id
        first = settings.bos_token_id if first is None else first
        if self.prompt_ids[0] != first:
            # generate() would write it before a prompt that begins otherwise.
            self.prompt_ids = (first, *self.prompt_ids)
        self.window = round(self.extractor.max_audio_clip_s * SAMPLE_RATE)
        self.window_s = self.window / SAMPLE_RATE
        self.prompt = len(self.prompt_ids)
        self.longest = self.model.config.max_position_embeddings - self.prompt

    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """Log-mel features on the host, ``(windows, frames, mels)``."""
        # Each band is scaled by its deviation over the frames, of which it takes two.
        heard = [np.pad(wave, (0, max(0, MEL_WINDOW - len(wave)))) for wave in windows]
        features: torch.Tensor = self.extractor(
            heard, sampling_rate=SAMPLE_RATE, return_tensors="pt"
        ).input_features
        return features

    def masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """1 for the frames of a window, ``(windows, frames)``, on the device."""
        hop = self.extractor.hop_length
        frames = torch.tensor([max(len(wave), MEL_WINDOW) // hop for wave in windows])
        # The Fourier transform is centred: one frame more is made than counts.
        mask = torch.arange(int(frames.max()) + 1) < frames[:, None]
        return {"attention_mask": mask.to(self.device)}

    def input_samples(self, features: torch.Tensor) -> int:
        """Samples that features, ``(windows, frames, mels)``, stand for."""
        samples: int = self.extractor.hop_length * features.shape[0] * (features.shape[1] - 1)
        return samples

    def most_tokens(self, seconds: float) -> int:
        """See :data:`MOST_TOKENS`."""
        return min(MOST_TOKENS, self.longest)
