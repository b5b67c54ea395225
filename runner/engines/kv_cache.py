"""What a decoder's key-value cache is and holds, seen at each of its passes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from runner.engines.hooks import hooked
from store.records import Scalar

_LAYERS = {
    "DynamicLayer": "dynamic",
    "DynamicSlidingWindowLayer": "dynamic",
    "StaticLayer": "static",
    "StaticSlidingWindowLayer": "static",
}
"""transformers' class of one layer's cache -> what the config calls it."""


class CacheWatch:
    """Looks at the cache of every decoder pass."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        """``dynamic``, ``static``, ``off`` or a class that is none of these -> passes."""
        self.self_bytes = 0
        """Keys and values of the tokens, where there were most of them: after the last pass, or
        earlier if fewer rows were decoded again."""
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
        self.self_bytes = max(self.self_bytes, _bytes(own))
        self.cross_bytes = max(self.cross_bytes, _bytes(cross) if cross is not None else 0)

    def figures(self) -> tuple[Scalar, ...]:
        """Bytes of the cache."""
        return (
            Scalar(
                name="self_cache_bytes",
                value=float(self.self_bytes),
                note="keys and values of the tokens of one batch, at its end",
            ),
            Scalar(
                name="cross_cache_bytes",
                value=float(self.cross_bytes),
                note="keys and values of the encoder's output of one batch",
            ),
        )


def _bytes(cache: Any) -> int:
    tensors = (getattr(layer, name, None) for layer in cache.layers for name in ("keys", "values"))
    return sum(t.numel() * t.element_size() for t in tensors if t is not None)
