"""The Whisper family through transformers, pretrained or with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizerFast,
)
from transformers.modeling_outputs import BaseModelOutput

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.base import LoadRequest, Mark, Transcription, Workload, no_mark
from runner.engines.checkpoint_tokenizer import load_tokenizer
from runner.engines.pretrained import from_pretrained, load_extractor, load_model, no_memory
from runner.engines.search_settings import plain_search, published_settings, set_aside
from runner.engines.seq2seq import Seq2SeqEngine
from runner.engines.vocabulary import piece_tokenizer
from runner.engines.whisper_prompt import check_time_stamps, whisper_prompt
from runner.engines.whisper_sequential import transcribe_sequentially
from runner.engines.whisper_settings import generation_config
from runner.errors import Refused


class WhisperEngine(Seq2SeqEngine):
    """One Whisper model; its window is 30 s as published."""

    family = "whisper"
    time_stamps = True
    capabilities = frozenset(
        {
            *("torch", "linear", "attention", "encoder", "generate", "kv_cache"),
            *("compiled_step", "speculation", "token_scores", "chunks", "windows"),
        }
    )

    def language_of(self, request: LoadRequest) -> None:
        """Its prompt says it."""

    def settle(self) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.settle`."""
        self.window = self.extractor.chunk_length * SAMPLE_RATE
        self.window_s = self.window / SAMPLE_RATE
        self.prompt = len(self.spoken.tokens())
        self.longest = self.model.config.max_target_positions - self.prompt

    def max_length(self, tokens: int) -> int:
        """Whisper's generate() adds the prompt to max_length, but not to min_length."""
        return tokens

    def most_tokens(self, seconds: float) -> int:
        """The decoder's number of positions, whatever the length of the audio."""
        most: int = self.model.config.max_target_positions
        return most

    def load(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.load`."""
        config = from_pretrained(WhisperConfig, request)
        self.tokenizer = load_tokenizer(WhisperTokenizerFast, request)
        self.extractor = load_extractor(WhisperFeatureExtractor, request)
        published = published_settings(request, config)
        self.remarks = tuple(filter(None, [set_aside(published, request.variant.beams)]))
        self._speak(request, published, config)
        self._place(load_model(WhisperForConditionalGeneration, request), published)

    def make_random(self, request: LoadRequest) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.make_random`."""
        config = published_config(request.name)
        published = generation_config(config)
        self.tokenizer = piece_tokenizer(config.vocab_size, special=config.eos_token_id)
        self.extractor = feature_extractor(request.name)
        self._speak(request, published, config)
        torch.manual_seed(request.seed)
        with no_memory(request):
            model = WhisperForConditionalGeneration(config)
        self._place(model, published)

    def _speak(
        self, request: LoadRequest, published: GenerationConfig, config: WhisperConfig
    ) -> None:
        """Finds the prompt, before there is a model.

        Raises:
            Refused: the model lacks the language, or the variant cannot have it detected.
        """
        self.spoken = whisper_prompt(request, published, config, self.tokenizer.get_vocab)
        self.language = self.spoken.language
        check_time_stamps(request, self.spoken)
        variant = request.variant
        drafts = variant.assistant is not None or variant.prompt_lookup is not None
        if self.spoken.detects and (drafts or variant.fallback):
            raise Refused(
                f'variant {variant.name}: "language": "detect" goes without "fallback" and '
                "without drafts, which decode window by window; name the language"
            )

    def _place(self, model: WhisperForConditionalGeneration, published: GenerationConfig) -> None:
        settings = plain_search(published)
        self.spoken.settle(settings)
        settings.force_unique_generate_call = True
        settings.max_length = model.config.max_target_positions
        # Where the first time stamp may be; without time stamps it says nothing.
        settings.max_initial_timestamp_index = getattr(
            published, "max_initial_timestamp_index", None
        )
        model.generation_config = settings
        self.place(model)

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`."""
        if self.long_form.name == "sequential":
            return transcribe_sequentially(self, batch, mark)
        return super().transcribe(batch, mark)

    def listen(self, features: torch.Tensor, mark: Mark) -> dict[str, object]:
        """Finds out each window's language, where it is to be detected: a pass of one token."""
        if not self.spoken.detects:
            return {}
        encoded = self.model.get_encoder()(features).last_hidden_state
        mark("encode")
        codes = list(self.spoken.languages)
        start = torch.full((len(features), 1), self.spoken.start, device=self.device)
        # Not called as a module: hooks count the passes that make text.
        hidden = self.model.get_decoder().forward(
            input_ids=start, encoder_hidden_states=encoded, use_cache=False
        )
        tokens = [self.spoken.languages[code] for code in codes]
        logits = self.model.get_output_embeddings()(hidden.last_hidden_state[:, -1])
        best = logits[:, tokens].argmax(dim=-1).tolist()
        self.spoken.tell(self.model.generation_config, [codes[index] for index in best])
        mark("detect")
        return {"encoder_outputs": BaseModelOutput(last_hidden_state=encoded)}

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`."""
        work = super().workload(samples=samples, batch=batch, decoder_calls=decoder_calls)
        return replace(work, detects=self.spoken.detects)

    def features(self, windows: list[Waveform]) -> torch.Tensor:
        """Log-mel features, ``(windows, mels, frames)``, on the host."""
        return log_mel(self.extractor, windows)

    def input_samples(self, features: torch.Tensor) -> int:
        """Samples that features, ``(windows, mels, frames)``, stand for."""
        hop: int = self.extractor.hop_length
        windows, _, frames = features.shape
        samples: int = windows * frames * hop
        return samples


def log_mel(extractor: Any, windows: list[Waveform]) -> torch.Tensor:
    """Log-mel features of windows of ``(samples,)`` each: ``(windows, mels, frames)``."""
    features: torch.Tensor = extractor(
        windows, sampling_rate=SAMPLE_RATE, return_tensors="pt"
    ).input_features
    return features
