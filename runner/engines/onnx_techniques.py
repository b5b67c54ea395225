"""The parts of a variant that exported graphs have, as ONNX Runtime runs them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from runner.clips.clip import Waveform
from runner.engines.base import Technique
from store.records import Proof

WORK = frozenset({"MatMul", "Gemm", "Conv", "MatMulInteger", "DynamicQuantizeMatMul"})
"""Operators that do nearly all of the work."""


class Placement(Technique[Any]):
    """A part of a variant that holds only if the graphs run where they should."""

    def apply(self, engine: Any) -> None:
        """Nothing: the export has done it."""

    def placed(self, engine: Any) -> tuple[str, Counter[str]]:
        """Where the nodes are, in words, and how many there are of each operator.

        Raises:
            NoEffect: some of the work is on another device than asked for.
        """
        found: Counter[tuple[str, str]] = Counter()
        for graph in engine.graphs.values():
            found += graph.placed
        (provider,) = {graph.provider for graph in engine.graphs.values()}
        elsewhere = Counter(op for place, op in found.elements() if place != provider)
        strays = {op: count for op, count in elsewhere.items() if op in WORK}
        if strays or not found:
            listed = ", ".join(f"{count} {op}" for op, count in strays.items())
            raise self.no_effect(f"not on {provider}: {listed or 'no node is known'}")
        total, here = found.total(), found.total() - elsewhere.total()
        operators = Counter(op for _, op in found.elements())
        return f"{here} of {total} nodes on {provider} ({here / total:.0%})", operators


class Precision(Placement):
    """The floating-point format."""

    part = "precision"

    def unsupported_reason(self) -> str | None:
        """Graphs are exported in 32-bit floats."""
        if self.variant.autocast or self.variant.precision != "fp32":
            return "onnx has fp32 alone, and int8 by quantization"
        return None

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """Asks where the nodes were placed."""
        found, _ = self.placed(engine)
        return self.proof(f"{found}; {engine.weights_bytes / 1e6:.1f} MB of weights")


class Quantization(Placement):
    """INT8 weights, with activations rounded as they come."""

    part = "quantization"

    def unsupported_reason(self) -> str | None:
        """See :mod:`runner.engines.onnx_quantization`."""
        if self.variant.quantization not in QUANTIZED:
            return f"onnx has none such; use {' or '.join(QUANTIZED)}"
        if self.variant.quantize_only is not None:
            return "onnx has no quantize_only"
        return None

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """Counts the products of integers among the nodes that run."""
        found, operators = self.placed(engine)
        integer = operators["MatMulInteger"] + operators["DynamicQuantizeMatMul"]
        if not integer:
            raise self.no_effect("no product is of integers")
        return self.proof(f"{integer} products of integers; {found}")


QUANTIZED = ("int8-dynamic", "int8-dynamic-channel")
"""What a variant may ask for: one scale for a matrix of weights, or one for each of its columns."""

ONNX_TECHNIQUES: tuple[type[Technique[Any]], ...] = (Precision, Quantization)
