"""The decoder's step compiled with ``torch.compile``, over a cache whose shapes never change.

transformers compiles the steps after the prefill by itself as soon as the cache is static and the
device is a GPU; asked for, it does so on a CPU too. A graph is made for each batch size, and
another where a pass may give fewer tokens, since the cache is then shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.clips.clip import Waveform
from runner.variants.compilation import Compiled, CompileWatch
from store.records import Figure, Proof

if TYPE_CHECKING:
    from runner.engines.torch_engine import TorchEngine


class CompiledDecoder(Compiled):
    """The compiler's mode for the decoder."""

    part = "compile_decoder"
    families = frozenset({"whisper"})

    def apply(self, engine: TorchEngine) -> None:
        """Sets it for ``generate()``; it happens at the second token."""
        from transformers.generation import CompileConfig

        config = CompileConfig(mode=self.asked, dynamic=False)
        config._compile_all_devices = True
        settings = engine.model.generation_config
        settings.compile_config = config
        settings.disable_compile = False
        self.watch = CompileWatch()

    def prove(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
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
            heard = engine.transcribe(batch)
        finally:
            model._compiled_call = compiled
        after_prefill = (heard.decoder_calls or 0) - (heard.prefills or 0)
        found = f"{steps} of {after_prefill} steps after the prefill, {self.watch.words}"
        if steps != after_prefill or not self.watch.graphs:
            raise self.no_effect(found)
        return self.proof_with_recordings(engine, batch, found)

    def figures(self, engine: TorchEngine) -> tuple[Figure, ...]:
        """As of a compiled encoder, which gives them where both are compiled."""
        return () if self.variant.compile is not None else super().figures(engine)
