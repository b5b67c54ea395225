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
from torch.utils._python_dispatch import TorchDispatchMode

from runner.clips.clip import Waveform
from runner.errors import Refused
from runner.variants.base import Technique, hooked
from store.records import Figure, Proof

if TYPE_CHECKING:
    from runner.engines.torch_engine import TorchEngine

FORERUNNER = "int8-dynamic-torch"
"""The method of ``torch.ao``; the others are torchao's."""

_INTEGER_PRODUCTS = {
    # On a GPU torchao asks for a product of int8 with sums of int32, by a name of its own.
    "int8-dynamic": ("aten._int_mm", "out_dtype"),
    FORERUNNER: ("quantized.linear_dynamic", "onednn.qlinear_pointwise"),
}
"""Beginnings of the operators that multiply integers. With weights alone there are none: products
are in floating point, from weights that are unpacked as they are read."""


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
        self.chosen = chosen = self._chosen(engine.model)
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
        """Counts the layers that hold integers, and the products of integers that they came to."""
        layers = dict(_linear_layers(engine.model))
        held = {name for name, layer in layers.items() if _holds_int8(layer)}
        found = f"{len(held)} of {len(layers)} linear layers hold int8"
        if held != set(self.chosen):
            raise self.no_effect(f"{found}; {len(self.chosen)} were chosen")
        operators = _INTEGER_PRODUCTS.get(self.asked)
        if operators is None:
            return self.proof(found)
        passes = 0

        def passed(*_: Any) -> None:
            nonlocal passes
            passes += 1

        chosen = [layers[name] for name in self.chosen]
        with (
            engine.shortened(2),
            hooked(chosen, passed, before=False),
            IntegerProducts(operators) as products,
        ):
            engine.transcribe(batch)
        found += f"; {products.count} integer products in {passes} passes of theirs"
        if not passes or products.count != passes:
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
        patterns = (self.variant.quantize_only or "*").split(",")
        embedded = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
        return [
            name
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear)
            and any(fnmatchcase(name, pattern) for pattern in patterns)
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


class IntegerProducts(TorchDispatchMode):  # type: ignore[misc]
    """A context in which products of integers are counted, once they have given their result.

    A profile counts those that failed as well, and torchao multiplies in floating point where an
    integer product fails: on a GPU one of 16 rows or fewer, say.
    """

    supports_higher_order_operators = True

    def __init__(self, operators: tuple[str, ...]) -> None:
        """Starts at none.

        Args:
            operators: Beginnings of their names.
        """
        super().__init__()
        self.count = 0
        self._operators = operators

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs an operator, then counts it."""
        output = func(*args, **(kwargs or {}))
        self.count += str(func).startswith(self._operators)
        return output


def _linear_layers(model: Any) -> list[tuple[str, Any]]:
    """Names and linear layers, those of ``torch.ao`` included."""
    return [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        or _is_packed(getattr(module, "_packed_params", None))
    ]


def _holds_int8(layer: Any) -> bool:
    packed = _packed(getattr(layer, "_packed_params", None))
    if packed is not None:
        return bool(packed[0].dtype == torch.qint8)
    inner = getattr(getattr(layer, "weight", None), "qdata", None)
    return bool(getattr(inner, "dtype", None) == torch.int8)


def _is_packed(module: Any) -> bool:
    return type(module).__name__ == "LinearPackedParams"


def _packed(module: Any) -> tuple[torch.Tensor, torch.Tensor | None] | None:
    """Weight and bias of a linear layer of ``torch.ao``."""
    if not _is_packed(module):
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
