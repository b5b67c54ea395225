"""Counts the multiply-accumulates of every tensor operation that runs, on any device or on none.

Convention: one multiply-accumulate (MAC) is two FLOPs; convolutions, matrix products (biases
excluded) and attention products are counted; normalisations, activations, softmax, embeddings
and copies are not. The formulas are those of ``torch.utils.flop_counter``. Its own
``FlopCounterMode`` is not used, for two reasons:

- on a CPU it does not know the fused attention and LSTM kernels, and counts them as zero;
- its module tracker fails under ``inference_mode`` on parametrised (weight-normalised) layers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

_Formula = Callable[..., int]

_HEAVY = re.compile(
    r"attention|attn|transformer|rnn|lstm|gru|conv|linear|mm(_|$)|mv$|dot$|bilinear|quantized"
)
"""Names of operations that multiply: one without a formula must be reported, not taken as free."""


def _fused_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any, **__: Any
) -> int:
    """Query-key and weight-value products; query (batch, heads, q, d), key and value alike."""
    batch, heads, queries, width = query.shape
    macs: int = batch * heads * queries * key.shape[-2] * (width + value.shape[-1])
    return 2 * macs


def _fused_rnn(
    x: torch.Tensor, input_weight: torch.Tensor, hidden_weight: torch.Tensor, *_: Any, **__: Any
) -> int:
    """One layer and direction of an LSTM or GRU; ``x`` is (steps, batch, features)."""
    rows: int = x.numel() // x.shape[-1]
    weights: int = input_weight.numel() + hidden_weight.numel()
    return 2 * rows * weights


def _distances(first: torch.Tensor, second: torch.Tensor) -> int:
    """Distances of points (..., n, width) to points (..., m, width), by a product of matrices."""
    macs: int = first.numel() * second.shape[-2]
    return 2 * macs


_OWN_FORMULAS: Mapping[Any, _Formula] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _fused_attention,
    torch.ops.aten.mkldnn_rnn_layer: _fused_rnn,
    torch.ops.aten._euclidean_dist: _distances,
}
_TORCH_FORMULAS: Mapping[Any, _Formula] = flop_registry


@dataclass(frozen=True)
class Count:
    """FLOPs of what ran."""

    flops: int
    by_operation: tuple[tuple[str, int], ...]
    """Operation name and its FLOPs, largest first."""
    missed: tuple[str, ...]
    """Operations that multiply but have no formula. ``flops`` is too low unless this is empty."""


class FlopCounter(TorchDispatchMode):  # type: ignore[misc]  # torch is not type-checked here
    """Context manager that counts the FLOPs of every operation dispatched within it."""

    def __init__(self) -> None:
        super().__init__()
        self._flops: Counter[str] = Counter()
        self._missed: set[str] = set()

    @property
    def count(self) -> Count:
        """What has run so far."""
        return Count(
            flops=self._flops.total(),
            by_operation=tuple(self._flops.most_common()),
            missed=tuple(sorted(self._missed)),
        )

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        keywords = kwargs or {}
        operation = func._overloadpacket
        known = operation in _OWN_FORMULAS or operation in _TORCH_FORMULAS
        # prim.device has no decomposition and must not be asked for one.
        if not known and func is not torch.ops.prim.device.default:
            with self:
                result = func.decompose(*args, **keywords)
            if result is not NotImplemented:
                return result
        out = func(*args, **keywords)
        name = str(operation)
        if operation in _OWN_FORMULAS:
            self._flops[name] += _OWN_FORMULAS[operation](*args, **keywords)
        elif operation in _TORCH_FORMULAS:
            self._flops[name] += _TORCH_FORMULAS[operation](*args, **keywords, out_val=out)
        elif _HEAVY.search(name):
            self._missed.add(name)
        return out


def count(run: Callable[[], object]) -> Count:
    """Counts the FLOPs of one call of ``run``, without gradients."""
    counter = FlopCounter()
    with torch.no_grad(), counter:
        run()
    return counter.count
