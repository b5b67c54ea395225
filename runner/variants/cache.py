"""The decoder's key-value cache: growing (dynamic), of fixed size (static), or none (off).

Without a cache every decoder pass computes all earlier tokens again, and the keys and values of
the whole encoder output with them. A static cache has its full length from the start, so shapes
never change: what compiled code and CUDA graphs need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.clips.clip import Waveform
from runner.variants.base import Technique, hooked
from store.records import Figure, Proof

if TYPE_CHECKING:
    from runner.engines.torch_engine import TorchEngine

_LAYERS = {"DynamicLayer": "dynamic", "StaticLayer": "static"}
"""transformers' class of one layer's cache -> what the config calls it."""


class Cache(Technique):
    """Which cache the decoder is handed."""

    part = "cache"
    families = frozenset({"whisper", "moonshine"})
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

    def prove(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Looks at what each decoder pass is handed."""
        self.seen = CacheWatch()
        with self.seen.watching(engine.model):
            engine.transcribe(batch)
        found = ", ".join(f"{kind} in {n} passes" for kind, n in self.seen.kinds.most_common())
        if set(self.seen.kinds) != {self.variant.cache}:
            raise self.no_effect(f"the decoder was handed {found or 'nothing'}")
        return self.proof(found)

    def figures(self, engine: TorchEngine) -> tuple[Figure, ...]:
        """Bytes of the cache, of the batch that was proven with."""
        return self.seen.figures()


class CacheWatch:
    """Looks at the cache of every decoder pass."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        """``dynamic``, ``static``, ``off`` or a class that is none of these -> passes."""
        self.self_bytes = 0
        """Keys and values of the tokens, after the last pass."""
        self.cross_bytes = 0
        """Keys and values of the encoder's output."""

    def watching(self, model: Any) -> Any:
        """A context in which a model's decoder is watched."""
        return hooked([model.get_decoder()], self._look, before=False)

    def _look(self, module: Any, arguments: Any, keywords: dict[str, Any], output: Any) -> None:
        cache = keywords.get("past_key_values")
        if cache is None:
            self.kinds["off"] += 1
            return
        own = getattr(cache, "self_attention_cache", cache)
        cross = getattr(cache, "cross_attention_cache", None)
        names = {type(layer).__name__ for layer in own.layers}
        kind = names.pop() if len(names) == 1 else type(own).__name__
        self.kinds[_LAYERS.get(kind, kind)] += 1
        self.self_bytes = _bytes(own)
        self.cross_bytes = _bytes(cross) if cross is not None else 0

    def figures(self) -> tuple[Figure, ...]:
        """Bytes of the cache."""
        return (
            Figure(
                name="self_cache_bytes",
                value=float(self.self_bytes),
                note="keys and values of the tokens of one batch, at its end",
            ),
            Figure(
                name="cross_cache_bytes",
                value=float(self.cross_bytes),
                note="keys and values of the encoder's output of one batch",
            ),
        )


def _bytes(cache: Any) -> int:
    tensors = (getattr(layer, name, None) for layer in cache.layers for name in ("keys", "values"))
    return sum(t.numel() * t.element_size() for t in tensors if t is not None)
