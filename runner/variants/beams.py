"""Beam search: the decoder follows several hypotheses at once and gives the likeliest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from runner.clips.clip import Waveform
from runner.engines.base import Technique
from runner.engines.hooks import hooked
from runner.engines.torch_engine import TorchEngine
from store.records import Proof


class Beams(Technique[TorchEngine]):
    """The width of the beam."""

    part = "beams"
    needs = frozenset({"torch", "generate"})

    def apply(self, engine: TorchEngine) -> None:
        """Sets it for ``generate()``."""
        engine.model.generation_config.num_beams = self.variant.beams

    def verify(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts the rows of the decoder against those of the encoder, which are the windows.

        Without windows they are the clips: a language model encodes the audio for every beam anew.
        """
        encoder: Counter[int] = Counter()
        decoder: Counter[int] = Counter()

        def encoded(module: Any, arguments: Any, keywords: Any, output: Any) -> None:
            encoder[output[0].shape[0]] += 1

        def decoded(module: Any, arguments: Any, keywords: Any, output: Any) -> None:
            decoder[output[0].shape[0]] += 1

        model = engine.model
        with (
            hooked([engine.encoder], encoded, before=False),
            hooked([model.get_decoder()], decoded, before=False),
            engine.shortened(4),
        ):
            engine.transcribe(batch)
        windows = len(batch) if engine.window_s is None else max(encoder, default=1)
        rows = {count / windows for count in decoder}
        if rows != {float(self.variant.beams)}:
            raise self.no_effect(f"{dict(decoder)} decoder rows for {dict(encoder)} encoder rows")
        passes = decoder.total()
        return self.proof(f"{self.variant.beams} decoder rows a window in {passes} passes")
