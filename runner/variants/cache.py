"""The decoder's key-value cache: growing (dynamic), of fixed size (static), or none (off).

Without a cache every decoder pass computes all earlier tokens again, and the keys and values of
the whole encoder output with them. A static cache has its full length from the start, so shapes
never change: what compiled code and CUDA graphs need.
"""

from __future__ import annotations

from collections.abc import Sequence

from runner.clips.clip import Waveform
from runner.engines.base import Technique
from runner.engines.kv_cache import CacheWatch
from runner.engines.torch_engine import TorchEngine
from store.records import Proof, Scalar


class Cache(Technique[TorchEngine]):
    """Which cache the decoder is handed."""

    part = "cache"
    needs = frozenset({"torch", "kv_cache"})
    same_text = True

    def apply(self, engine: TorchEngine) -> None:
        """Sets it for ``generate()``."""
        settings = engine.model.generation_config
        if self.variant.cache == "static":
            settings.cache_implementation = "static"
            # On a GPU generate() would compile by itself as soon as the cache is static: that is
            # another variant.
            settings.disable_compile = True
        elif self.variant.cache == "off":
            settings.use_cache = False

    def verify(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Looks at what each decoder pass is handed."""
        self.seen = CacheWatch()
        with self.seen.watching(engine.model):
            engine.transcribe(batch)
        found = ", ".join(f"{kind} in {n} passes" for kind, n in self.seen.kinds.most_common())
        if set(self.seen.kinds) != {self.variant.cache}:
            raise self.no_effect(f"the decoder was handed {found or 'nothing'}")
        return self.proof(found)

    def figures(self, engine: TorchEngine) -> tuple[Scalar, ...]:
        """Bytes of the cache, of the batch that was proven with."""
        return self.seen.figures()
