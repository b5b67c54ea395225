"""INT8 or INT4 weights in the linear layers: activations rounded as they come, or weights alone.

Two libraries. torchao is the maintained one and runs on CPUs and GPUs. ``torch.ao``, its forerunner
inside PyTorch, has the faster CPU kernels and is deprecated: it is used while it is there.

Convolutions, embeddings and norms stay as they are, and with torchao so does an output layer that
shares its weights with the embedding: quantised, it would be unpacked at every token. So do layers
that are never called, because another module takes their weights: WavLM's projections of attention.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from runner.catalogue.extras import install_line
from runner.clips.clip import Waveform
from runner.engines.base import Technique
from runner.engines.hooks import hooked
from runner.engines.torch_engine import TorchEngine
from runner.engines.weights import is_packed, packed_weights
from runner.errors import Refused
from runner.variants import int4
from store.records import Proof, Scalar

FORERUNNER = "int8-dynamic-torch"
"""The method of ``torch.ao``; the others are torchao's."""

INT4 = "int4-weight-only"
_ELSEWHERE = {"int8-dynamic-channel": "onnx", "q5_0": "whisper-cpp", "q4_0": "whisper-cpp"}
"""Method -> the engine that has it."""

_NOT_CALLED = {"wavlm": ("q_proj", "k_proj", "v_proj", "out_proj")}
"""Model type -> ends of the names of linear layers whose weights another module takes."""

_INTEGER_PRODUCTS = {
    # On a GPU torchao asks for a product of int8 with sums of int32, by a name of its own.
    "int8-dynamic": ("aten._int_mm", "out_dtype"),
    FORERUNNER: ("quantized.linear_dynamic", "onednn.qlinear_pointwise"),
    INT4: int4.PRODUCTS,
}
"""Beginnings of the operators that multiply integers, or floating point by packed integers. With
INT8 weights alone there are none: they are unpacked as they are read."""


class Quantization(Technique[TorchEngine]):
    """Linear layers with integers for weights."""

    part = "quantization"
    leaves_work = True
    needs = frozenset({"torch", "linear"})

    def unsupported_reason(self) -> str | None:
        """What its library lacks."""
        if self.requested in _ELSEWHERE:
            return f'needs "engine": "{_ELSEWHERE[self.requested]}"'
        if self.requested == FORERUNNER:
            return self._without_forerunner()
        if find_spec("torchao") is None:
            return f"needs the package torchao; {install_line('int8')}"
        return int4.unsupported_reason(self.request.device) if self.requested == INT4 else None

    def _without_forerunner(self) -> str | None:
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
        self.chosen = chosen = self._chosen(engine)
        if not chosen:
            raise Refused(f"variant {self.variant.name}: {self._none_chosen()}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of one: that it is deprecated; that is said above.
            if self.requested == FORERUNNER:
                _quantize_with_torch(engine.model, chosen)
            elif self.requested == INT4:
                int4.quantize(engine.model, chosen)
            else:
                _quantize_with_torchao(engine.model, chosen, weight_only="weight" in self.requested)

    def verify(self, engine: TorchEngine, batch: Sequence[Waveform]) -> Proof:
        """Counts the layers that hold integers, and the products of integers that they came to."""
        layers = dict(_linear_layers(engine.model))
        kind, holds = ("int4", int4.holds) if self.requested == INT4 else ("int8", _holds_int8)
        held = {name for name, layer in layers.items() if holds(layer)}
        found = f"{len(held)} of {len(layers)} linear layers hold {kind}"
        if held != set(self.chosen):
            raise self.no_effect(f"{found}; {len(self.chosen)} were chosen")
        operators = _INTEGER_PRODUCTS.get(self.requested)
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
        what = "products by packed weights" if self.requested == INT4 else "integer products"
        found += f"; {products.count} {what} in {passes} passes of theirs"
        if not passes or products.count != passes:
            raise self.no_effect(found)
        return self.proof(found)

    def figures(self, engine: TorchEngine) -> tuple[Scalar, ...]:
        """Bytes of the model against those without quantisation."""
        element = torch.finfo(engine.dtype).bits // 8
        before = (engine.parameters or 0) * element
        return (
            Scalar(
                name="size_ratio",
                value=(engine.weights_bytes or 0) / before,
                note="bytes of the weights against those without quantization",
            ),
        )

    def _chosen(self, engine: TorchEngine) -> list[str]:
        """Names of the linear layers to quantise."""
        model = engine.model
        patterns = (self.variant.quantize_only or "*").split(",")
        not_called = _NOT_CALLED.get(model.config.model_type, ())
        embedded = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding)}
        return [
            name
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear)
            and not name.endswith(not_called)
            and name.partition(".")[0] not in engine.keeps_fp32
            and any(fnmatchcase(name, pattern) for pattern in patterns)
            and (self.requested == FORERUNNER or id(module.weight) not in embedded)
            and (self.requested != INT4 or int4.fits(module))
        ]

    def _none_chosen(self) -> str:
        if self.variant.quantize_only is None:
            return f"no linear layer has a shape that {self.requested} takes"
        return f'no linear layer matches "quantize_only": "{self.variant.quantize_only}"'


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
        if isinstance(module, torch.nn.Linear) or is_packed(getattr(module, "_packed_params", None))
    ]


def _holds_int8(layer: Any) -> bool:
    packed = packed_weights(getattr(layer, "_packed_params", None))
    if packed is not None:
        return bool(packed[0].dtype == torch.qint8)
    inner = getattr(getattr(layer, "weight", None), "qdata", None)
    return bool(getattr(inner, "dtype", None) == torch.int8)
