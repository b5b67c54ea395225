"""Models of delayed streams, through transformers: a token of text for every frame of audio.

They hear as a live stream would be heard: at each step the encoder takes the next frame, and the
decoder, which also reads its last token, gives one more, mostly padding. The text lags the audio by
a delay that was chosen in training. So that the last words come out, the publishers put silence of
that delay, and some more, behind a clip. The number of tokens follows from the length of the audio
alone, with trained weights or with random ones, unless a checkpoint has a token that ends a text.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch

from runner.clips.clip import Waveform
from runner.engines.base import (
    DecoderPasses,
    LoadRequest,
    Mark,
    Technique,
    Transcription,
    Workload,
    no_mark,
)
from runner.engines.generation import Passes
from runner.engines.hooks import hooked
from runner.engines.seq2seq import Seq2SeqEngine
from runner.engines.seq2seq_decoder import Seq2SeqDecoder
from runner.engines.text_ends import text_ends
from runner.errors import Refused


class DelayedStreamEngine(Seq2SeqEngine):
    """One such model."""

    capabilities = frozenset({"torch", "linear", "attention", "generate", "kv_cache"})

    def __init__(self, request: LoadRequest, techniques: Sequence[Technique[Any]] = ()) -> None:
        if (request.variant.beams or 1) > 1:
            raise Refused(
                f"{request.name} gives a token for each frame as it is heard, and so follows one "
                'hypothesis: leave out "beams"'
            )
        # With a Kyutai STT it would be wrong without a word: see findings/.
        if request.variant.cache == "off":
            raise Refused(
                f"{request.name} hears one frame after the other, and knows the earlier ones by "
                'its cache alone: leave out "cache": "off"'
            )
        super().__init__(request, techniques)

    @abstractmethod
    def stream_tokens(self, samples: int) -> int:
        """Tokens of a clip: one a frame, those of the silence around it included.

        Args:
            samples: Of the clip, at 16 kHz.
        """

    @abstractmethod
    def inputs(self, features: torch.Tensor) -> dict[str, Any]:
        """Arguments of ``generate()``.

        Args:
            features: The encoder's input on the device, ``(clips, ...)``.
        """

    def inputs_heard(self, features: torch.Tensor) -> dict[str, Any]:
        """The same with all done that can be done before the first frame is encoded.

        Args:
            features: The encoder's input on the device, ``(clips, ...)``.
        """
        return self.inputs(features)

    @property
    @abstractmethod
    def hearing(self) -> tuple[Any, str]:
        """Whom a step asks what is heard in its frame: an object, and the name of its method."""

    def answer(self, inputs: dict[str, Any], tokens: int) -> torch.Tensor:
        """The ids of the streams without what came before the first of them, ``(clips, tokens)``.

        Args:
            inputs: Of ``generate()``.
            tokens: How many.
        """
        ids: torch.Tensor = self.model.generate(**inputs, max_new_tokens=tokens)
        return ids[:, self.prompt :]

    @property
    def ending(self) -> int | list[int] | None:
        """What ends a text before the audio does; None where nothing does."""
        tokens: int | list[int] | None = self.model.generation_config.eos_token_id
        return tokens

    @property
    def input_dtype(self) -> torch.dtype:
        """Number format of the features."""
        return self.dtype

    @property
    def ends_by_itself(self) -> bool:
        """Never: the audio ends a text."""
        return False

    def settle(self) -> None:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.settle`."""
        self.longest = sys.maxsize

    def most_tokens(self, seconds: float) -> int:
        """See :meth:`~runner.engines.seq2seq.Seq2SeqEngine.most_tokens`."""
        return self.longest

    def _tokens(self, samples: int) -> int:
        """Those of a clip, or of its beginning in a pass that looks at a few steps only."""
        return min(self.stream_tokens(samples), self.cap or self.longest)

    def fixed_calls(self, samples: int) -> float | None:
        """See :meth:`~runner.engines.base.Engine.fixed_calls`."""
        return self._tokens(samples) if self.ending is None else None

    def _transcribe(self, batch: Sequence[Waveform], mark: Mark) -> Transcription:
        features = self.features(list(batch))
        mark("features")
        features = features.to(self.device, self.input_dtype)
        mark("transfer")
        longest = max(map(len, batch))
        with self.inference(), self.following(mark):
            ids = self.answer(self.inputs(features), self._tokens(longest)).cpu()
            mark("decode")
        # What follows a clip that is shorter than the longest is not its own: alone, it would have
        # ended there, and nothing before depends on it.
        most = [self._tokens(len(wave)) for wave in batch]
        if self.ending is not None:
            most = list(map(min, most, text_ends(ids, self.ending).tokens))
        rows = [row[:count] for row, count in zip(ids, most, strict=True)]
        texts = tuple(text.strip() for row in rows for text in self.texts_of(row[None]))
        mark("text")
        return Transcription(
            texts=texts,
            tokens=sum(map(len, rows)),
            windows=len(rows),
            decoder_calls=ids.shape[1],
            input_samples=self.input_samples(features),
            seams=((),) * len(rows),
        )

    @contextmanager
    def following(self, mark: Mark) -> Iterator[Passes]:
        """See :meth:`~runner.engines.generation.GenerateEngine.following`.

        Encoder and decoder take turns, and so do their stages: each is told as often as it is run.
        """
        passes = Passes(None, count=0)
        if mark is no_mark:
            yield passes
            return

        def turn(*_: Any) -> None:
            if passes.count:
                mark("decode")

        def heard(*_: Any) -> None:
            mark("encode")

        def decoded(*_: Any) -> None:
            passes.count = (passes.count or 0) + 1
            if passes.count == 1:
                mark("prefill")

        encoder, decoder = [self.encoder], [self.model.get_decoder()]
        with (
            hooked(encoder, turn, before=True),
            hooked(decoder, heard, before=True),
            hooked(decoder, decoded, before=False),
        ):
            yield passes

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """See :meth:`~runner.engines.base.Engine.decoder_passes`."""
        features = self.features(list(batch)).to(self.device, self.input_dtype)
        return DelayedStreamDecoder(
            self, features, min(tokens, self.stream_tokens(max(map(len, batch))))
        )

    def workload(self, *, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`~runner.engines.base.Engine.workload`; the clips say how many tokens."""
        tokens: int | None = self.stream_tokens(samples)
        if self.ending is not None:
            tokens = None if decoder_calls is None else min(round(decoder_calls), tokens or 0)
        return Workload(
            config=self.model.config,
            samples=samples,
            batch=batch,
            prompt_tokens=self.prompt,
            tokens=tokens,
        )


class DelayedStreamDecoder(Seq2SeqDecoder):
    """The decoder by itself: what the encoder gave for each frame is at hand."""

    parts: ClassVar[Mapping[str, str]] = {
        "self_attn": "self_attention_share",
        "mlp": "feed_forward_share",
        "lm_head": "vocabulary_share",
    }

    def __init__(self, engine: DelayedStreamEngine, features: torch.Tensor, tokens: int) -> None:
        """Runs the model once, to keep what its encoder gives.

        Args:
            engine: The model.
            features: The encoder's input on the device, ``(clips, ...)``.
            tokens: Tokens to decode a row.
        """
        self._engine: DelayedStreamEngine = engine
        self._tokens = tokens
        self.rows = features.shape[0]
        decoder = engine.model.get_decoder()
        self._name = next(n for n, module in engine.model.named_modules() if module is decoder)
        self._heard: list[Any] = []
        hear = getattr(*engine.hearing)

        def keep(*arguments: Any, **keywords: Any) -> Any:
            self._heard.append(hear(*arguments, **keywords))
            return self._heard[-1]

        with engine.inference():
            self._inputs = engine.inputs_heard(features)
        self._run(keep)

    def _decodes(self, name: str) -> bool:
        return name == "lm_head" or name.startswith(f"{self._name}.")

    def _generate(self) -> None:
        kept = iter(self._heard)
        self._run(lambda *_, **__: next(kept))

    def _run(self, hear: Callable[..., Any]) -> None:
        """Decodes, every step asking ``hear`` for what is heard in its frame."""
        settings = self._engine.model.generation_config
        owner, name = self._engine.hearing
        ending, settings.eos_token_id = settings.eos_token_id, None
        setattr(owner, name, hear)
        try:
            with self._engine.inference():
                # generate() may write into what it is given.
                self._engine.answer(dict(self._inputs), self._tokens)
                self._engine.synchronize()
        finally:
            delattr(owner, name)
            settings.eos_token_id = ending
