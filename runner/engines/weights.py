"""Bytes of a model's weights as they lie in memory, quantised ones included."""

from __future__ import annotations

from typing import Any

import torch


def is_packed(module: Any) -> bool:
    """Whether a module holds the weights of a layer that ``torch.ao`` has quantised."""
    return type(module).__name__ == "LinearPackedParams"


def packed_weights(module: Any) -> tuple[torch.Tensor, torch.Tensor | None] | None:
    """Weight, ``(out, in)``, and bias, ``(out,)``, of a ``torch.ao`` layer; None for others."""
    if not is_packed(module):
        return None
    weight, bias = module._weight_bias()
    return weight, bias


def stored_bytes(model: Any) -> int:
    """Bytes of a model's weights as they lie in memory, each once, quantised ones included."""
    total = sum(_tensor_bytes(parameter) for parameter in model.parameters())
    for module in model.modules():
        for tensor in packed_weights(module) or ():
            total += 0 if tensor is None else tensor.numel() * tensor.element_size()
    return total


def _tensor_bytes(tensor: Any) -> int:
    # A tensor that wraps others speaks of what it stands for, not of what it holds.
    if hasattr(tensor, "__tensor_flatten__"):
        names, _ = tensor.__tensor_flatten__()
        return sum(_tensor_bytes(getattr(tensor, name)) for name in names)
    size: int = tensor.numel() * tensor.element_size()
    return size
