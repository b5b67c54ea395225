"""Temperature fallback: a text that repeats itself or is unlikely is decoded again, by sampling.

The settings, and where they are from: :mod:`runner.engines.fallback`. How much is computed then
depends on what is said, so it is off unless a variant asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.clips.clip import Waveform
from runner.engines.base import Technique
from runner.engines.fallback import Fallback, fallback_unsupported_reason
from runner.engines.generation import GenerateEngine
from runner.engines.hooks import hooked
from store.records import Proof, Scalar


class TemperatureFallback(Technique[GenerateEngine]):
    """Whether failing texts are decoded again."""

    part = "fallback"
    needs = frozenset({"torch", "token_scores"})

    def unsupported_reason(self) -> str | None:
        """What it needs to judge a text by."""
        if self.variant.beams > 1:
            return 'needs one beam, or "engine": "faster-whisper", which tells how likely a text is'
        return fallback_unsupported_reason(self.request)

    def apply(self, engine: GenerateEngine) -> None:
        """Has the engine judge its texts."""
        engine.fallback = Fallback(self.request.seed)

    def verify(self, engine: GenerateEngine, batch: Sequence[Waveform]) -> Proof:
        """Has a clip decoded again that no text of it can pass, and counts the decoder's passes."""
        fallback = engine.fallback
        if fallback is None:
            raise self.no_effect("no text is judged")
        passes: list[int] = []

        def decoded(module: Any, arguments: Any, keywords: Any, output: Any) -> None:
            passes.append(1)

        with hooked([engine.model.get_decoder()], decoded, before=False), fallback.forced():
            transcribed = engine.transcribe(batch[:1])
        texts = 1 if engine.chunks is None else engine.chunks.count(len(batch[0]))
        found = (
            f"{fallback.words}; texts made to fail: {texts}, decoded {transcribed.prefills} times, "
            f"in {len(passes)} passes"
        )
        if transcribed.prefills != 2 * texts or len(passes) != transcribed.decoder_calls:
            raise self.no_effect(found)
        return self.proof(found)

    def observe(self, engine: GenerateEngine, batches: Sequence[Sequence[Waveform]]) -> None:
        """Runs the timed batches once more, to count what is decoded again."""
        fallback = engine.fallback
        if fallback is not None:
            fallback.count(engine.transcribe, batches)

    def figures(self, engine: GenerateEngine) -> tuple[Scalar, ...]:
        """How many windows were decoded again."""
        fallback = engine.fallback
        return () if fallback is None else fallback.figures()
