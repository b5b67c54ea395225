"""INT4 weights in linear layers, on CPUs, by torchao: two a byte, with a scale for each group."""

from __future__ import annotations

from typing import Any

import torch

PRODUCTS = ("aten._weight_int4pack_mm_for_cpu",)
"""Beginnings of the operators that multiply by packed weights of four bits."""
GROUP = 32
"""Weights that share a scale and a zero: the finest groups that the kernel takes."""
_OUTPUTS = 16
"""The kernel takes outputs by so many."""


def fits(layer: torch.nn.Linear) -> bool:
    """Whether the kernel takes a layer of this shape; others stay as they are."""
    sizes: tuple[int, int] = (layer.in_features, layer.out_features)
    return sizes[0] % GROUP == 0 and sizes[1] % _OUTPUTS == 0


def unsupported_reason(device: str) -> str | None:
    """Why the weights cannot be packed for a device, or None.

    Args:
        device: As a config names it.
    """
    if torch.device(device).type != "cpu":
        return 'is for CPUs; use "int8-weight-only"'
    try:
        from torchao.prototype.quantization.int4 import PrototypeInt4WeightOnlyConfig  # noqa: F401
    except ImportError:
        return 'this torchao has no INT4 for CPUs; use "int8-weight-only"'
    return None


def quantize(model: Any, names: list[str]) -> None:
    """Packs the weights of some linear layers, in place.

    Args:
        model: Whose layers they are.
        names: Of the layers.
    """
    from torchao.prototype.quantization.int4 import PrototypeInt4WeightOnlyConfig
    from torchao.quantization import quantize_

    config = PrototypeInt4WeightOnlyConfig(group_size=GROUP, set_inductor_config=False)
    wanted = set(names)
    quantize_(model, config, filter_fn=lambda module, name: name in wanted)


def holds(layer: Any) -> bool:
    """Whether a layer's weights are packed: half a byte each, and no other copy of them."""
    packed = getattr(getattr(layer, "weight", None), "qdata", None)
    if packed is None or packed.dtype != torch.uint8:
        return False
    half: bool = 2 * packed.numel() == layer.in_features * layer.out_features
    return half
