"""A shorter window: an encoder that computes its first positions alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.clips.clip import Waveform
from runner.engines.base import Technique
from store.records import Proof


class AudioContext(Technique[Any]):
    """How many positions of the encoder are computed."""

    part = "audio_ctx"
    needs = frozenset({"audio_ctx"})

    def apply(self, engine: Any) -> None:
        """Nothing: the model was converted with so many."""

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """Asks the loaded model."""
        found = engine.audio_positions
        if found != self.variant.audio_ctx:
            raise self.no_effect(f"the loaded model has {found} positions")
        return self.proof(f"{found} positions, windows of {engine.window_s:g} s")
