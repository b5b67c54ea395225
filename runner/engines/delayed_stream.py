"""Models of delayed streams, through transformers: a token of text for every frame of audio.

They hear as a live stream would be heard: at each step the encoder takes the next frame, and the
decoder, which also reads its last token, gives one more, mostly padding. The text lags the audio by
a delay that was chosen in training. So that the last words come out, the publishers put silence of
that delay, and some more, behind a clip. The number of tokens follows from the length of the audio
alone: nothing that is said ends a text, with trained weights or with random ones.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
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
    def answer(self, features: torch.Tensor, tokens: int) -> torch.Tensor:
        """The ids of the streams without what came before the first frame, ``(clips, tokens)``.

        Args:
            features: The encoder's input on the device, ``(clips, ...)``.
            tokens: How many.
        """

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
        return self._tokens(samples)

    def _transcribe(self, batch: Sequence[Waveform], mark: Mark) -> Transcription:
        features = self.features(list(batch))
        mark("features")
        features = features.to(self.device, self.input_dtype)
        mark("transfer")
        longest = max(map(len, batch))
        with self.inference(), self.following(mark):
            ids = self.answer(features, self._tokens(longest)).cpu()
            mark("decode")
        # What follows a clip that is shorter than the longest is not its own: alone, it would have
        # ended there, and nothing before depends on it.
        rows = [row[: self._tokens(len(wave))] for row, wave in zip(ids, batch, strict=True)]
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
        return Workload(
            config=self.model.config,
            samples=samples,
            batch=batch,
            prompt_tokens=self.prompt,
            tokens=self.stream_tokens(samples),
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
        self._features = features
        self.rows = features.shape[0]
        decoder = engine.model.get_decoder()
        self._name = next(n for n, module in engine.model.named_modules() if module is decoder)
        self._heard: list[Any] = []

        def keep(module: Any, arguments: Any, keywords: Any, output: Any) -> None:
            self._heard.append(output)

        with hooked([engine.encoder], keep, before=False), engine.inference():
            engine.answer(features, tokens)

    def _decodes(self, name: str) -> bool:
        return name == "lm_head" or name.startswith(f"{self._name}.")

    def _generate(self) -> None:
        encoder, kept = self._engine.encoder, iter(self._heard)
        own = encoder.forward
        encoder.forward = lambda *_, **__: next(kept)
        try:
            with self._engine.inference():
                self._engine.answer(self._features, self._tokens)
                self._engine.synchronize()
        finally:
            encoder.forward = own
