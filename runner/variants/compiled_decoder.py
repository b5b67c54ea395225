"""The decoder's step compiled with ``torch.compile``, over a cache whose shapes never change.

transformers compiles the steps after the prefill by itself as soon as the cache is static and the
device is a GPU; asked for, it does so on a CPU too. A graph is made for each batch size, and
another where a pass may give fewer tokens, since the cache is then shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.clips.clip import Waveform
from runner.engines.torch_engine import TorchEngine
from runner.variants.compilation import Compiled, CompileWatch
from store.records import Proof, Scalar


class CompiledDecoder(Compiled):
    """The compiler's mode for the decoder."""

    part = "compile_decoder"
    needs = frozenset({"torch", "compiled_step"})

    def apply(self, engine: TorchEngine) -> None:
        """Sets it for ``generate()``; it happens at the second token."""
        from transformers.generation import CompileConfig

        config = CompileConfig(mode=self.requested, dynamic=False)
        config._compile_all_devices = True
        settings = engine.model.generation_config
        settings.compile_config = config
        settings.disable_compile = False
        self.watch = CompileWatch()

    def verify(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts the steps that compiled code takes: all but the prefill."""
        model = engine.model
        compiled = getattr(model, "_compiled_call", None)
        if compiled is None:
            raise self.no_effect("nothing was compiled")
        steps = 0

        def counted(*arguments: Any, **keywords: Any) -> Any:
            nonlocal steps
            steps += 1
            return compiled(*arguments, **keywords)

        model._compiled_call = counted
        try:
            transcribed = engine.transcribe(batch)
        finally:
            model._compiled_call = compiled
        after_prefill = (transcribed.decoder_calls or 0) - (transcribed.prefills or 0)
        found = f"{steps} of {after_prefill} steps after the prefill, {self.watch.words}"
        if steps != after_prefill or not self.watch.graphs:
            raise self.no_effect(found)
        return self.proof_with_recordings(engine, batch, found)

    def figures(self, engine: TorchEngine) -> tuple[Scalar, ...]:
        """Figures of the compilation; none where the encoder, compiled too, gives them."""
        return () if self.variant.compile is not None else super().figures(engine)
