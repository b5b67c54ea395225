"""Streaming: a clip is heard in chunks, as if somebody were still speaking.

A CTC model hears each chunk with some context before and after it and keeps the chunk's own frames;
a Whisper decodes each chunk by itself. Both come to their text with less context than offline, so
it is a poorer one: what that costs is the row's WER against the baseline's.

Latency is that of a listener in real time: a chunk can be worked on once it, and what is looked
ahead, has been said, and not before the one before it is done.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from runner.clips.clip import SAMPLE_RATE, Waveform
from runner.engines.base import LoadRequest
from runner.engines.chunks import Chunks, told_nobody
from runner.errors import Refused
from runner.measure.statistics import quantile
from runner.variants.base import Technique, hooked
from store.records import Figure, Proof

if TYPE_CHECKING:
    from runner.engines.torch_engine import TorchEngine

PASSES = 3
"""Passes over each batch that the figures are taken from."""


class Streaming(Technique):
    """In which chunks a clip is heard."""

    part = "chunk_seconds"
    families = frozenset({"whisper", "moonshine", "ctc"})

    def __init__(self, request: LoadRequest) -> None:
        super().__init__(request)
        self._heard: list[_Heard] = []

    @property
    def asked(self) -> str:
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
        """Has the engine cut what it hears.

        Raises:
            Refused: a Whisper's text cannot be cut to the chunk as a CTC model's frames can.
        """
        if engine.family != "ctc" and (self.variant.left_seconds or self.variant.right_seconds):
            raise Refused(
                f"variant {self.variant.name}: {engine.family} streams without left_seconds and "
                "right_seconds: nothing tells which of its words belong to the context"
            )
        engine.chunks = self.chunks

    def prove(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts encoder passes."""
        passes: list[int] = []

        def passed(*_: Any) -> None:
            passes.append(1)

        with hooked([engine.encoder], passed, before=False):
            engine.transcribe(batch)
        expected = self.chunks.count(len(batch[0]))
        found = f"{len(passes)} encoder passes for {expected} chunks"
        if engine.chunks is None or len(passes) != expected:
            raise self.no_effect(found)
        return self.proof(found)

    def observe(self, engine: TorchEngine, batches: Sequence[Sequence[Waveform]]) -> None:
        """Times every chunk of every batch."""
        self._heard = [self._listen(engine, batch) for _ in range(PASSES) for batch in batches]

    def _listen(self, engine: TorchEngine, batch: Sequence[Waveform]) -> _Heard:
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
            engine.after_chunk = told_nobody
        seconds = [later - earlier for earlier, later in pairwise(stamps)]
        return _Heard(self.chunks, len(batch[0]), seconds, said)

    def figures(self, engine: TorchEngine) -> tuple[Figure, ...]:
        """What a listener waits for; medians are of all clips that were observed."""
        if not self._heard:
            return ()
        chunk_s = [seconds for heard in self._heard for seconds in heard.seconds]
        letters = [seconds for heard in self._heard for seconds in heard.first_text_s]
        words = [seconds for heard in self._heard for seconds in heard.first_word_s]
        lags = [heard.last_lag_s for heard in self._heard]
        size_s = self.chunks.size / SAMPLE_RATE
        figures = [
            Figure(name="chunk_s", value=median(chunk_s), note="computing one chunk, of all clips"),
            Figure(name="chunk_p95_s", value=quantile(chunk_s, 0.95)),
            Figure(
                name="real_time_factor",
                value=fmean(chunk_s) / size_s,
                note="above 1 the listener falls behind",
            ),
            Figure(
                name="final_lag_s",
                value=median(lags),
                note="from the end of the clip to its last text",
            ),
        ]
        if letters:
            note = "from the beginning of the clip to its first text, be it part of a word"
            figures.append(Figure(name="first_text_s", value=median(letters), note=note))
        if words:
            note = "from the beginning of the clip to a first word that another has followed"
            figures.append(Figure(name="first_word_s", value=median(words), note=note))
        return tuple(figures)


class _Heard:
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
