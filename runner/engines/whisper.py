"""The Whisper family through transformers, pretrained or with random weights.

Audio longer than the encoder's window (30 s as published) is cut into windows without overlap,
all of them one batch. Transformers' own long-form loop is not used: it decodes a number of passes
that depends on the predicted timestamps, so neither its work nor its text is comparable between
models, and with random weights it loops.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    GenerationConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizerFast,
)
from transformers.generation.streamers import BaseStreamer
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.base import LoadRequest, Mark, Transcription, Unmeasurable, no_mark
from runner.engines.chunks import Chunks
from runner.engines.streamer import StageStreamer
from runner.engines.torch_engine import TorchEngine, from_pretrained, load_model
from runner.engines.vocabulary import piece_tokenizer
from runner.engines.whisper_decoder import WhisperDecoder
from runner.engines.windows import cut_windows, fixed_tokens, join_windows
from runner.errors import Refused
from runner.variants.base import hooked
from runner.variants.speculative import Speculation
from store.records import FlopsReading

ENGLISH_VOCABULARY = 51_864
"""Tokens of the English-only models; they have no language and no task token."""


class WhisperEngine(TorchEngine):
    """One Whisper model."""

    family = "whisper"
    token_each_pass = True
    speculation: Speculation | None = None
    """What drafts tokens for it, or None."""

    def __init__(self, request: LoadRequest) -> None:
        super().__init__(request)
        if request.weights == "random":
            self._make_random(request)
        else:
            self._load(request)
        self.cap: int | None = None
        self._settle()

    def _settle(self) -> None:
        """What the loaded model decides."""
        self.window: int = self.extractor.chunk_length * SAMPLE_RATE
        """Samples of one encoder window."""
        self.prompt = prompt_length(self.model)
        """Tokens before the first generated one: start, language, task, no timestamps."""
        self.longest = self.model.config.max_target_positions - self.prompt
        """Most tokens the decoder can generate."""

    @property
    def models(self) -> tuple[Any, ...]:
        """See :attr:`~runner.engines.torch_engine.TorchEngine.models`."""
        drafter = self.speculation.drafter if self.speculation is not None else None
        return (self.model,) if drafter is None else (self.model, drafter)

    @property
    def encoder(self) -> Any:
        """See :attr:`TorchEngine.encoder`."""
        return self.model.get_encoder()

    def _max_length(self, tokens: int) -> int:
        # Whisper's generate() adds the prompt to max_length, but not to min_length.
        return tokens

    def _load(self, request: LoadRequest) -> None:
        model = load_model(WhisperForConditionalGeneration, request)
        self.extractor = from_pretrained(WhisperFeatureExtractor, request)
        self.tokenizer = from_pretrained(WhisperTokenizerFast, request)
        self.place(model)
        settings = self.model.generation_config
        if getattr(settings, "is_multilingual", False):
            if not getattr(settings, "lang_to_id", None):
                raise Refused(
                    f"{request.name} is multilingual, but its generation_config.json has no "
                    "lang_to_id: every batch would run the encoder twice to guess the language"
                )
            settings.language, settings.task = "en", "transcribe"
        settings.force_unique_generate_call = True
        settings.return_timestamps = False
        # Re-saved checkpoints may hold no length, which generate() takes for 20 tokens.
        settings.max_new_tokens = None
        settings.max_length = self.model.config.max_target_positions
        self.tokens_per_second: float | None = None

    def _make_random(self, request: LoadRequest) -> None:
        config = published_config(request.name)
        torch.manual_seed(request.seed)
        model = WhisperForConditionalGeneration(config)
        self.extractor = feature_extractor(request.name)
        self.tokenizer = piece_tokenizer(config.vocab_size, special=config.eos_token_id)
        model.generation_config = generation_config(config)
        self.place(model)
        self.tokens_per_second = request.tokens_per_audio_second

    def transcribe(self, batch: Sequence[Waveform], mark: Mark = no_mark) -> Transcription:
        """See :class:`~runner.engines.base.Engine`. Windows of a clip are joined by a space."""
        if self.chunks is not None:
            return self._stream(batch, self.chunks, mark)
        return self._transcribe(batch, mark)

    def _stream(self, batch: Sequence[Waveform], chunks: Chunks, mark: Mark) -> Transcription:
        """Hears and decodes chunk by chunk, each by itself."""
        parts: list[Transcription] = []
        texts: list[str] = []
        for windows in chunks.windows(batch):
            parts.append(self._transcribe(windows, mark))
            texts = [
                " ".join(filter(None, said)) for said in zip(*(p.texts for p in parts), strict=True)
            ]
            self.after_chunk(texts)
        return Transcription(
            texts=tuple(texts),
            tokens=sum(part.tokens or 0 for part in parts),
            windows=sum(part.windows or 0 for part in parts),
            decoder_calls=sum(part.decoder_calls or 0 for part in parts),
            prefills=sum(part.prefills for part in parts),
        )

    def _transcribe(self, batch: Sequence[Waveform], mark: Mark) -> Transcription:
        windows = cut_windows(batch, self.window)
        features = self._features(windows)
        mark("features")
        features = features.to(self.device, self.dtype)
        mark("transfer")
        self._bound_decoder(max(map(len, windows)) / SAMPLE_RATE)
        with self.inference():
            if self.speculation is None:
                generated, passes = self._generate(features, self._masks(windows), mark)
            else:
                generated, passes = self._speculate(self.speculation, features, mark)
        texts = self.tokenizer.batch_decode(generated, skip_special_tokens=True)
        joined = join_windows(texts, batch, self.window)
        mark("text")
        return Transcription(
            texts=joined,
            tokens=_tokens(generated, self.model.generation_config.eos_token_id),
            windows=len(windows),
            decoder_calls=passes,
            input_samples=self._input_samples(features),
            prefills=1 if self.speculation is None else len(windows),
        )

    def _generate(
        self, features: torch.Tensor, masks: dict[str, torch.Tensor], mark: Mark
    ) -> tuple[torch.Tensor, int]:
        """Decodes all rows at once: the ids without the prompt, on the host, and the passes."""
        with self._following(mark) as passes:
            ids = self.model.generate(features, streamer=passes.streamer, **masks)
        generated = ids[:, self.prompt :].cpu()
        mark("decode")
        return generated, generated.shape[1] if passes.count is None else passes.count

    def _speculate(
        self, speculation: Speculation, features: torch.Tensor, mark: Mark
    ) -> tuple[torch.Tensor, int]:
        """Decodes row by row: rows would keep drafts of different lengths."""
        rows = []
        calls = 0
        # Whisper's generate() takes the word alone, without a model, for an assistant.
        drafter = speculation.drafter
        assistant = {} if drafter is None else {"assistant_model": drafter}
        for row in features.split(1):
            with self._following(mark) as passes:
                ids = self.model.generate(row, **assistant)
            rows.append(ids[0, self.prompt :].cpu())
            mark("decode")
            calls += passes.count or 0
            speculation.finish(self.prompt, rows[-1])
        padding = float(self.model.generation_config.pad_token_id)
        return pad_sequence(rows, batch_first=True, padding_value=padding), calls

    def _features(self, windows: list[Waveform]) -> torch.Tensor:
        """Log-mel features, ``(windows, mels, frames)``, on the host."""
        features: torch.Tensor = self.extractor(
            windows, sampling_rate=SAMPLE_RATE, return_tensors="pt"
        ).input_features
        return features

    def _masks(self, windows: list[Waveform]) -> dict[str, torch.Tensor]:
        """What tells the model where padding begins: nothing, a window is always full."""
        return {}

    def _input_samples(self, features: torch.Tensor) -> int:
        """Samples that features, ``(windows, mels, frames)``, stand for."""
        hop: int = self.extractor.hop_length
        windows, _, frames = features.shape
        samples: int = windows * frames * hop
        return samples

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> WhisperDecoder:
        """See :meth:`~runner.engines.base.Engine.decoder_passes`."""
        if self.speculation is not None:
            raise Unmeasurable("with drafts a decoder pass has no one position")
        if self.model.generation_config.compile_config is not None:
            raise Unmeasurable("compiled code does not tell its steps apart")
        features = self._features(cut_windows(batch, self.window)).to(self.device, self.dtype)
        return WhisperDecoder(self, features, tokens)

    @contextmanager
    def _following(self, mark: Mark) -> Iterator[_Passes]:
        """Follows a ``generate()`` that is about to begin.

        A streamer is told of the prompt once the encoder has run and of every token after it, so
        one ``generate()`` gives all stages; the end-to-end pass runs without one. A search over
        several hypotheses takes no streamer, and neither does an assistant, and their passes are
        not one a token: there hooks mark the stages and count.
        """
        greedy = self.model.generation_config.num_beams in (None, 1)
        if greedy and self.speculation is None:
            yield _Passes(None if mark is no_mark else StageStreamer(mark))
            return
        passes = _Passes(None, count=0)

        def encoded(*_: Any) -> None:
            mark("encode")

        def decoded(*_: Any) -> None:
            passes.count = (passes.count or 0) + 1
            if passes.count == 1:
                mark("prefill")

        encoder, decoder = self.model.get_encoder(), self.model.get_decoder()
        with hooked([encoder], encoded, before=False), hooked([decoder], decoded, before=False):
            yield passes

    @contextmanager
    def exactly(self, tokens: int) -> Iterator[None]:
        """Has every row generate ``tokens`` tokens, whatever they are."""
        settings = self.model.generation_config
        before = settings.max_length, settings.min_length
        settings.max_length = self._max_length(tokens)
        settings.min_length = tokens + self.prompt
        try:
            yield
        finally:
            settings.max_length, settings.min_length = before

    def _bound_decoder(self, seconds: float) -> None:
        """Sets how many tokens a row generates, where it does not stop by itself."""
        settings = self.model.generation_config
        if self.tokens_per_second is not None:
            tokens = fixed_tokens(self.tokens_per_second, seconds, self.longest, self.cap)
            settings.max_length = self._max_length(tokens)
            settings.min_length = tokens + self.prompt
        else:
            settings.max_length = self.cap or self.model.config.max_target_positions

    @contextmanager
    def shortened(self, tokens: int) -> Iterator[None]:
        """Caps the decoder at ``tokens`` a row."""
        self.cap = min(tokens, self.longest)
        try:
            yield
        finally:
            self.cap = None

    def flops(
        self, *, samples: int, batch: int, decoder_calls: float | None
    ) -> tuple[FlopsReading, ...]:
        """Counts encoder, prefill and cached decoder steps of one batch on the meta device."""
        from runner.measure.flops import count_flops

        settings = self.model.generation_config
        if self.speculation is not None:
            raise Unmeasurable("the drafts decide how much is computed")
        if self.chunks is not None:
            raise Unmeasurable("how many tokens each chunk decodes is not kept")
        return count_flops(
            self.model.config,
            samples=samples,
            batch=batch,
            windows=math.ceil(samples / self.window),
            prompt_tokens=self.prompt,
            tokens=min(round(decoder_calls or 1), self.longest),
            cached=settings.use_cache is not False,
            beams=settings.num_beams or 1,
        )


@dataclass
class _Passes:
    """What is known of the decoder passes of one ``generate()``."""

    streamer: BaseStreamer | None
    count: int | None = None
    """Passes so far; None where the text's length says it."""


def _tokens(generated: torch.Tensor, eos: int | list[int]) -> int:
    """Tokens of all rows up to and including each row's first end-of-text."""
    eos_id = eos[0] if isinstance(eos, list) else eos
    ends = (generated == eos_id).to(torch.int32)
    before = (ends.cumsum(dim=1) - ends) == 0
    return int(before.sum())


def prompt_length(model: Any) -> int:
    """How many tokens generate() puts before the first one, by its own account."""
    settings = copy.deepcopy(model.generation_config)
    settings.return_timestamps = False
    prompt = model._retrieve_init_tokens(
        None,
        batch_size=1,
        generation_config=settings,
        config=model.config,
        num_segment_frames=0,
        kwargs={},
    )
    return int(prompt.shape[1])


def generation_config(config: Any) -> GenerationConfig:
    """The published generation settings, for models made without the hub.

    Token ids as in the published generation_config.json: languages follow the start token, then
    translate and transcribe; ``no_timestamps`` is the last id before the timestamps.
    """
    start = config.decoder_start_token_id
    common = {
        "decoder_start_token_id": start,
        "bos_token_id": config.bos_token_id,
        "eos_token_id": config.eos_token_id,
        "pad_token_id": config.pad_token_id,
        "force_unique_generate_call": True,
    }
    if config.vocab_size == ENGLISH_VOCABULARY:
        return GenerationConfig(**common, is_multilingual=False, no_timestamps_token_id=start + 105)
    languages = len(LANGUAGES) - 1 + (config.vocab_size - 51865)  # large-v3 added Cantonese
    codes = list(LANGUAGES)[:languages]
    translate = start + 1 + languages
    return GenerationConfig(
        **common,
        no_timestamps_token_id=translate + 5,
        is_multilingual=True,
        lang_to_id={f"<|{code}|>": start + 1 + i for i, code in enumerate(codes)},
        task_to_id={"translate": translate, "transcribe": translate + 1},
        language="en",
        task="transcribe",
    )
