"""Streaming: a clip is transcribed in chunks, as if somebody were still speaking.

A CTC model transcribes each chunk with some context before and after it and keeps the chunk's own
frames; a Whisper decodes each chunk by itself. Both come to their text with less context than
offline, so it is a poorer one: what that costs is the row's WER against the baseline's.

Latency is that of a listener in real time: a chunk can be worked on once it, and what is looked
ahead, has been said, and not before the one before it is done.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import Loader, LoadRequest, Technique
from runner.engines.chunks import Chunks, noop
from runner.engines.hooks import hooked
from runner.engines.torch_engine import TorchEngine
from runner.errors import Refused
from stats.timings import quantile
from store.records import Proof, Scalar

PASSES = 3
"""Passes over each batch that the figures are taken from."""


class Streaming(Technique[TorchEngine]):
    """Has each clip transcribed in chunks."""

    part = "chunk_seconds"
    needs = frozenset({"torch", "chunks"})

    def __init__(self, request: LoadRequest, load: Loader) -> None:
        super().__init__(request, load)
        self._transcribed: list[_Transcribed] = []

    @property
    def requested(self) -> str:
        """Chunk and context, in seconds."""
        variant = self.variant
        context = f"left {variant.left_seconds:g} s, right {variant.right_seconds:g} s"
        return f"{variant.chunk_seconds:g} s, {context}"

    @property
    def chunks(self) -> Chunks:
        """The same, in samples."""
        variant = self.variant
        return Chunks.of_seconds(
            variant.chunk_seconds or 0.0, variant.left_seconds, variant.right_seconds
        )

    def apply(self, engine: TorchEngine) -> None:
        """Has the engine cut what it transcribes.

        Raises:
            Refused: a Whisper's text cannot be cut to the chunk as a CTC model's frames can.
        """
        if not engine.keeps_frames and (self.variant.left_seconds or self.variant.right_seconds):
            raise Refused(
                f"variant {self.variant.name}: {engine.family} streams without left_seconds and "
                "right_seconds: nothing tells which of its words belong to the context"
            )
        engine.chunks = self.chunks

    def verify(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts encoder passes."""
        passes: list[int] = []

        def passed(*_: Any) -> None:
            passes.append(1)

        with hooked([engine.encoder], passed, before=False):
            engine.transcribe(batch)
        heard_whole = engine.chunks is None
        samples = len(batch[0])
        expected = self.chunks.count(samples) if heard_whole else engine.chunk_count(samples)
        found = f"{len(passes)} encoder passes for {expected} chunks"
        if heard_whole or len(passes) != expected:
            raise self.no_effect(found)
        return self.proof(found)

    def observe(self, engine: TorchEngine, batches: Sequence[Sequence[Waveform]]) -> None:
        """Times every chunk of every batch."""
        self._transcribed = [
            self._listen(engine, batch) for _ in range(PASSES) for batch in batches
        ]

    def _listen(self, engine: TorchEngine, batch: Sequence[Waveform]) -> _Transcribed:
        stamps = [time.perf_counter()]
        said: list[Sequence[str]] = []

        def after(texts: Sequence[str]) -> None:
            engine.synchronize()
            stamps.append(time.perf_counter())
            said.append(texts)

        engine.after_chunk = after
        try:
            engine.transcribe(batch)
        finally:
            engine.after_chunk = noop
        seconds = [later - earlier for earlier, later in pairwise(stamps)]
        return _Transcribed(self.chunks, len(batch[0]), seconds, said)

    def figures(self, engine: TorchEngine) -> tuple[Scalar, ...]:
        """What a listener waits for; medians are of all clips that were observed."""
        if not self._transcribed:
            return ()
        chunk_s = [seconds for transcribed in self._transcribed for seconds in transcribed.seconds]
        letters = [
            seconds for transcribed in self._transcribed for seconds in transcribed.first_text_s
        ]
        words = [
            seconds for transcribed in self._transcribed for seconds in transcribed.first_word_s
        ]
        lags = [transcribed.last_lag_s for transcribed in self._transcribed]
        size_s = self.chunks.size / SAMPLE_RATE
        figures = [
            Scalar(name="chunk_s", value=median(chunk_s), note="computing one chunk, of all clips"),
            Scalar(name="chunk_p95_s", value=quantile(chunk_s, 0.95)),
            Scalar(
                name="real_time_factor",
                value=fmean(chunk_s) / size_s,
                note="above 1 the listener falls behind",
            ),
            Scalar(
                name="final_lag_s",
                value=median(lags),
                note="from the end of the clip to its last text",
            ),
        ]
        if letters:
            note = "from the beginning of the clip to its first text, be it part of a word"
            figures.append(Scalar(name="first_text_s", value=median(letters), note=note))
        if words:
            note = "from the beginning of the clip to a first word that another has followed"
            figures.append(Scalar(name="first_word_s", value=median(words), note=note))
        return tuple(figures)


class _Transcribed:
    """One batch as a listener in real time would have had it."""

    def __init__(
        self, chunks: Chunks, samples: int, seconds: list[float], said: list[Sequence[str]]
    ) -> None:
        """Replays the chunks in real time.

        Args:
            chunks: How the clips are cut.
            samples: Samples of a clip.
            seconds: Computing each chunk took.
            said: Each clip's text so far, after each chunk.
        """
        self.seconds = seconds
        done = 0.0
        known_s = []
        for number, spent in enumerate(seconds):
            done = max(done, chunks.available_s(number, samples)) + spent
            known_s.append(done)
        self.last_lag_s = done - samples / SAMPLE_RATE
        clips = list(zip(*said, strict=True))
        self.first_text_s = _first(known_s, clips, words=1)
        """Of each clip that has any text."""
        self.first_word_s = _first(known_s, clips, words=2)
        """Of each clip with two words or more: a word is whole when the next has begun."""


def _first(known_s: Sequence[float], clips: Sequence[Sequence[str]], *, words: int) -> list[float]:
    """When each clip first had so many words, begun ones included; not of one that never had."""
    found = (
        next(
            (s for s, text in zip(known_s, texts, strict=True) if len(text.split()) >= words), None
        )
        for texts in clips
    )
    return [seconds for seconds in found if seconds is not None]
