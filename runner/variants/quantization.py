"""INT8 weights in the linear layers: with activations rounded as they come, or weights alone.

Two libraries. torchao is the maintained one and runs on CPUs and GPUs. ``torch.ao``, its forerunner
inside PyTorch, has the faster CPU kernels and is deprecated: it is used while it is there.

Convolutions, embeddings and norms stay as they are, and with torchao so does an output layer that
shares its weights with the embedding: quantised, it would be unpacked at every token.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch

from runner.clips.clip import Waveform
from runner.errors import Refused
from runner.variants.base import Technique
from store.records import Figure, Proof

if TYPE_CHECKING:
    from runner.engines.torch_engine import TorchEngine

FORERUNNER = "int8-dynamic-torch"
"""The method of ``torch.ao``; the others are torchao's."""

_INTEGER_PRODUCTS = {
    "int8-dynamic": ("aten::_int_mm",),
    FORERUNNER: ("quantized::linear_dynamic", "onednn::qlinear_pointwise"),
}
"""Operators that multiply integers. With weights alone there are none: products are in floating
point, from weights that are unpacked as they are read."""


class Quantization(Technique):
    """INT8 linear layers."""

    part = "quantization"
    families = frozenset({"whisper", "moonshine", "ctc"})

    def obstacle(self) -> str | None:
        """What its library lacks."""
        if self.asked != FORERUNNER:
            if find_spec("torchao") is None:
                return 'needs the package torchao: pip install "asrprof[int8]"'
            return None
        if torch.device(self.request.device).type != "cpu":
            return 'is for CPUs; use "int8-dynamic"'
        if self.variant.precision != "fp32":
            return 'needs "precision": "fp32"'
        if not hasattr(getattr(torch, "ao", None), "quantization"):
            return 'is gone from this PyTorch; use "int8-dynamic"'
        return None

    def apply(self, engine: TorchEngine) -> None:
        """Quantises the chosen layers.

        Raises:
            Refused: none is chosen.
        """
        chosen = self._chosen(engine.model)
        if not chosen:
            raise Refused(
                f"variant {self.variant.name}: no linear layer matches "
                f'"quantize_only": "{self.variant.quantize_only}"'
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of one: that it is deprecated; that is said above.
            if self.asked == FORERUNNER:
                _quantize_with_torch(engine.model, chosen)
            else:
                _quantize_with_torchao(engine.model, chosen, weight_only="weight" in self.asked)

    def prove(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts the layers that hold integers, and the products of integers that ran."""
        from runner.measure.operators import profile_operators

        held = sum(_holds_int8(module) for module in engine.model.modules())
        linear = held + sum(
            isinstance(module, torch.nn.Linear) and not _holds_int8(module)
            for module in engine.model.modules()
        )
        found = f"{held} of {linear} linear layers hold int8"
        if not held:
            raise self.no_effect(found)
        products = _INTEGER_PRODUCTS.get(self.asked)
        if products is None:
            return self.proof(found)
        with engine.shortened(2):
            ran = profile_operators(
                lambda: engine.transcribe(batch), device=str(engine.device), keep=10_000
            )
        calls = sum(operator.calls for operator in ran if operator.name.startswith(products))
        found += f"; {calls} integer products"
        if not calls:
            raise self.no_effect(found)
        return self.proof(found)

    def figures(self, engine: TorchEngine) -> tuple[Figure, ...]:
        """Bytes of the model against those without quantisation."""
        element = torch.finfo(engine.dtype).bits // 8
        before = (engine.parameters or 0) * element
        return (
            Figure(
                name="size_ratio",
                value=(engine.weights_bytes or 0) / before,
                note="bytes of the weights against those without quantization",
            ),
        )

    def _chosen(self, model: Any) -> list[str]:
        """Names of the linear layers to quantise."""
        pattern = self.variant.quantize_only or "*"
        embedded = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
        return [
            name
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear)
            and fnmatchcase(name, pattern)
            and (self.asked == FORERUNNER or id(module.weight) not in embedded)
        ]


def _quantize_with_torchao(model: Any, names: list[str], *, weight_only: bool) -> None:
    from torchao.quantization import (
        Int8DynamicActivationInt8WeightConfig,
        Int8WeightOnlyConfig,
        quantize_,
    )

    config = Int8WeightOnlyConfig() if weight_only else Int8DynamicActivationInt8WeightConfig()
    wanted = set(names)
    quantize_(model, config, filter_fn=lambda module, name: name in wanted)


def _quantize_with_torch(model: Any, names: list[str]) -> None:
    quantization = torch.ao.quantization
    how = dict.fromkeys(names, quantization.default_dynamic_qconfig)
    quantization.quantize_dynamic(model, how, dtype=torch.qint8, inplace=True)


def _holds_int8(module: Any) -> bool:
    if _packed(module) is not None:
        return True
    weight = getattr(module, "weight", None)
    inner = getattr(weight, "qdata", None)
    return isinstance(module, torch.nn.Linear) and getattr(inner, "dtype", None) == torch.int8


def _packed(module: Any) -> tuple[torch.Tensor, torch.Tensor | None] | None:
    """Weight and bias of a linear layer of ``torch.ao``."""
    if type(module).__name__ != "LinearPackedParams":
        return None
    weight, bias = module._weight_bias()
    return weight, bias


def stored_bytes(model: Any) -> int:
    """Bytes of a model's weights as they lie in memory, each once, quantised ones included."""
    total = sum(_tensor_bytes(parameter) for parameter in model.parameters())
    for module in model.modules():
        for tensor in _packed(module) or ():
            total += 0 if tensor is None else tensor.numel() * tensor.element_size()
    return total


def _tensor_bytes(tensor: Any) -> int:
    # A tensor that wraps others speaks of what it stands for, not of what it holds.
    if hasattr(tensor, "__tensor_flatten__"):
        names, _ = tensor.__tensor_flatten__()
        return sum(_tensor_bytes(getattr(tensor, name)) for name in names)
    size: int = tensor.numel() * tensor.element_size()
    return size
