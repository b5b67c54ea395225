"""Encoders with a decoder as two graphs: the encoder, and the decoder with its cache."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSpeechSeq2Seq

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import DecoderPasses, Mark, Transcription, Workload
from runner.engines.graph_decoding import GreedyDecoder, Rules
from runner.engines.graph_recogniser import Recogniser, skeleton
from runner.engines.long_form import cut
from runner.engines.moonshine import TOKENS_PER_SECOND
from runner.engines.text_ends import text_ends
from runner.engines.token_budget import TokenBudget
from runner.engines.torch_engine import LEAST, padded_features
from runner.engines.whisper import log_mel
from store.records import Scalar


class Seq2SeqGraphs(TokenBudget, Recogniser):
    """Both graphs and the text behind them."""

    token_each_pass = True
    window: int | None = None
    """Samples of one encoder window; None where a clip is encoded in one piece."""

    @property
    @abstractmethod
    def heads(self) -> int:
        """Heads of the decoder, for keys and values."""

    def prepare(self) -> None:
        """See :meth:`Recogniser.prepare`."""
        self.skeleton = skeleton(AutoModelForSpeechSeq2Seq, self.config)
        self.rules = Rules.of(self.exported.settings, self.prompt())
        self._encoder = self.open_graph("encoder")
        self._decoder = GreedyDecoder(
            self.open_graph("decoder"),
            self.rules,
            heads=self.heads,
            width=self.skeleton.get_decoder().layers[0].self_attn.head_dim,
        )
        random = self.request.weights == "random"
        self.tokens_per_second = self.request.tokens_per_audio_second if random else None

    @abstractmethod
    def prompt(self) -> Sequence[int]:
        """The tokens before the first generated one."""

    @abstractmethod
    def features(self, windows: list[Waveform]) -> dict[str, NDArray[Any]]:
        """The encoder's inputs on the host, ``(windows, ...)`` each."""

    @abstractmethod
    def input_samples(self, inputs: Mapping[str, NDArray[Any]]) -> int:
        """Samples that the encoder's inputs stand for, padding included."""

    def transcribe(self, batch: Sequence[Waveform], mark: Mark) -> Transcription:
        """See :meth:`Recogniser.transcribe`."""
        found = cut(batch, self.window, self.long_form)
        windows = found.windows
        if not windows:
            return found.unheard()
        inputs = self.features(windows)
        mark("features")
        placed = {name: self._encoder.place(each) for name, each in inputs.items()}
        mark("transfer")
        encoded = self._encoder.run(placed)
        mark("encode")
        tokens, fixed = self.token_limit(max(map(len, windows)) / SAMPLE_RATE)
        generated = self._decoder.decode(encoded, len(windows), tokens, fixed=fixed, mark=mark)
        mark("decode")
        ends = text_ends(torch.from_numpy(generated), list(self.rules.end))
        texts = self.tokenizer.batch_decode(generated, skip_special_tokens=True)
        joined = found.join(texts)
        mark("text")
        return Transcription(
            texts=tuple(clip.text for clip in joined),
            at_limit=found.in_any(ends.at_limit) if self.ends_by_itself else None,
            tokens=sum(ends.tokens),
            windows=len(windows),
            decoder_calls=generated.shape[1],
            input_samples=self.input_samples(inputs),
            seams=tuple(clip.seams for clip in joined),
        )

    def decoder_passes(self, batch: Sequence[Waveform], tokens: int) -> DecoderPasses:
        """See :meth:`Recogniser.decoder_passes`."""
        inputs = self.features(cut(batch, self.window).windows)
        encoded = self._encoder.run(
            {name: self._encoder.place(each) for name, each in inputs.items()}
        )
        rows, most = len(inputs["features"]), min(tokens, self.longest)
        positions = self._encoder.fetch(encoded["cross.0.key"]).shape[2]
        cache = self._decoder.cache_figures(rows, most, positions)
        return _Passes(self._decoder, encoded, rows, most, cache)

    def workload(self, samples: int, batch: int, decoder_calls: float | None) -> Workload:
        """See :meth:`Recogniser.workload`."""
        return Workload(
            config=self.config,
            samples=samples,
            batch=batch,
            windows=None if self.window is None else self.long_form.count(samples, self.window),
            prompt_tokens=len(self.rules.prompt),
            tokens=min(round(decoder_calls or 1), self.longest),
        )


class WhisperGraphs(Seq2SeqGraphs):
    """A Whisper."""

    def prepare(self) -> None:
        """See :meth:`Recogniser.prepare`."""
        super().prepare()
        self.window = self.extractor.chunk_length * SAMPLE_RATE
        self.window_s = self.window / SAMPLE_RATE
        self.longest = self.config.max_target_positions - len(self.rules.prompt)

    @property
    def heads(self) -> int:
        """See :attr:`Seq2SeqGraphs.heads`."""
        heads: int = self.config.decoder_attention_heads
        return heads

    def prompt(self) -> Sequence[int]:
        """Start, language, task, no time stamps."""
        return self.told

    def features(self, windows: list[Waveform]) -> dict[str, NDArray[Any]]:
        """Log-mel features, ``(windows, mels, frames)``."""
        return {"features": log_mel(self.extractor, windows).numpy()}

    def input_samples(self, inputs: Mapping[str, NDArray[Any]]) -> int:
        """By the frames."""
        windows, _, frames = inputs["features"].shape
        samples: int = windows * frames * self.extractor.hop_length
        return samples


class MoonshineGraphs(Seq2SeqGraphs):
    """A Moonshine, which takes a clip in one piece of its own length."""

    def prepare(self) -> None:
        """See :meth:`Recogniser.prepare`."""
        super().prepare()
        self.longest = self.config.max_position_embeddings - len(self.rules.prompt)

    @property
    def heads(self) -> int:
        """See :attr:`Seq2SeqGraphs.heads`."""
        heads: int = self.config.decoder_num_key_value_heads
        return heads

    def prompt(self) -> Sequence[int]:
        """The start."""
        return [self.exported.settings.decoder_start_token_id]

    def features(self, windows: list[Waveform]) -> dict[str, NDArray[Any]]:
        """Waveforms, and where they are padded, ``(clips, samples)`` each."""
        features = padded_features(self.extractor, windows).input_values.numpy()
        lengths = np.array([max(LEAST, len(wave)) for wave in windows])[:, None]
        mask = (np.arange(features.shape[1]) < lengths).astype(np.int64)
        return {"features": features, "mask": mask}

    def input_samples(self, inputs: Mapping[str, NDArray[Any]]) -> int:
        """All of them."""
        return inputs["features"].size

    def most_tokens(self, seconds: float) -> int:
        """See :data:`~runner.engines.moonshine.TOKENS_PER_SECOND`."""
        return max(1, min(math.ceil(TOKENS_PER_SECOND * seconds), self.longest))


class _Passes(DecoderPasses):
    """Decodes one batch, exactly so many tokens a row."""

    def __init__(
        self,
        decoder: GreedyDecoder,
        encoded: Any,
        rows: int,
        tokens: int,
        cache: tuple[Scalar, ...],
    ) -> None:
        """Keeps what is decoded.

        Args:
            decoder: The decoder.
            encoded: What the encoder gave.
            rows: Windows in it.
            tokens: Tokens a row.
            cache: Bytes of keys and values after them.
        """
        self._decoder, self._encoded, self._tokens = decoder, encoded, tokens
        self._cache = cache
        self.rows = rows

    def run(self, after_pass: Callable[[], None]) -> None:
        """See :class:`~runner.engines.base.DecoderPasses`."""
        self._decoder.decode(
            self._encoded, self.rows, self._tokens, fixed=True, after_pass=after_pass
        )

    def shares(self, clock: Callable[[], float] = time.perf_counter) -> tuple[Scalar, ...]:
        """None: a graph does not tell its parts apart."""
        return ()

    def cache(self) -> tuple[Scalar, ...]:
        """Bytes of keys and values after the last token, by their shapes."""
        return self._cache
