"""Models through OpenVINO, from the same ONNX files as ONNX Runtime's.

Its own default computes in 16 bits where a CPU can, without a word: the number format is always
set, and read back from the compiled graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import openvino.opset13 as opset
import torch
from numpy.typing import NDArray

from runner.clips.clip import Waveform
from runner.engines.base import Technique
from runner.engines.graph_engine import GraphEngine
from runner.engines.graph_runtime import Graph
from runner.errors import Refused, is_out_of_memory
from store.records import Proof

_FORMATS = {"fp32": "f32", "fp16": "f16", "bf16": "bf16"}
"""A variant's number format -> OpenVINO's name of it."""
_PRODUCTS = frozenset({"FullyConnected", "MatMul", "Convolution"})
"""Kinds of nodes that do nearly all of the work, as a compiled graph names them."""


class OpenVinoGraph(Graph):
    """One compiled graph, on the CPU."""

    def __init__(self, path: Path, precision: str, *, int8: bool) -> None:
        """Compiles a graph.

        Args:
            path: Its file.
            precision: What to compute in, as OpenVINO names it.
            int8: Whether to keep the weights of matrix products in 8 bits.

        Raises:
            Refused: OpenVINO cannot run it.
        """
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            # Its default ties a thread to a core, where a neighbour may starve it; others do not.
            "ENABLE_CPU_PINNING": False,
        }
        try:
            core = openvino.Core()
            model = core.read_model(path)
            if int8:
                self.saved_bytes = keep_in_int8(model)
            self._compiled = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            words = " ".join(str(error).split())
            if is_out_of_memory(words):
                raise MemoryError(words[:300]) from error
            raise Refused(f"OpenVINO cannot run {path.name}: {words[:300]}") from error
        self._request = self._compiled.create_infer_request()
        self.inputs = frozenset(each.get_any_name() for each in self._compiled.inputs)

    def place(self, array: NDArray[Any]) -> Any:
        """See :meth:`Graph.place <runner.engines.graph_runtime.Graph.place>`."""
        return np.ascontiguousarray(array)

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """See :meth:`Graph.run <runner.engines.graph_runtime.Graph.run>`."""
        given = self._request.infer(inputs, share_inputs=True, share_outputs=False)
        return {output.get_any_name(): tensor for output, tensor in given.items()}

    def fetch(self, tensor: Any) -> NDArray[Any]:
        """See :meth:`Graph.fetch <runner.engines.graph_runtime.Graph.fetch>`."""
        array: NDArray[Any] = tensor
        return array

    @property
    def precision(self) -> str:
        """What the compiled graph says it computes in."""
        return str(self._compiled.get_property("INFERENCE_PRECISION_HINT").to_string())

    @property
    def threads(self) -> int:
        """Threads that it may use."""
        return int(self._compiled.get_property("INFERENCE_NUM_THREADS"))

    @property
    def products(self) -> Counter[str]:
        """Number format -> products of matrices and convolutions that run in it."""
        formats: Counter[str] = Counter()
        for node in self._compiled.get_runtime_model().get_ops():
            about = node.get_rt_info()
            if about["layerType"].astype(str) in _PRODUCTS:
                formats[about["runtimePrecision"].astype(str)] += 1
        return formats


class Precision(Technique[Any]):
    """The floating-point format."""

    part = "precision"

    def unsupported_reason(self) -> str | None:
        """It has what the CPU has."""
        if self.variant.autocast:
            return "openvino has no autocast"
        able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        there = [name for name in _FORMATS if name.upper() in able]
        if self.variant.precision not in there:
            return f"OpenVINO has no {self.variant.precision} on this CPU; it has {_listed(there)}"
        return None

    def apply(self, engine: Any) -> None:
        """Nothing: a graph is compiled for it."""

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """Reads the format of the compiled graphs, and of each of their products."""
        asked = _FORMATS[self.variant.precision]
        found = {graph.precision for graph in engine.graphs.values()}
        products = sum((graph.products for graph in engine.graphs.values()), Counter[str]())
        if found != {asked} or set(products) - {asked, "i8", "u8"}:
            raise self.no_effect(f"OpenVINO computes in {_listed(found)}: {_counts(products)}")
        return self.proof(f"compiled for {asked}; products of {_counts(products)}")


class Quantization(Technique[Any]):
    """INT8 weights; activations are as they were."""

    part = "quantization"

    def unsupported_reason(self) -> str | None:
        """It has one method, for all layers."""
        if self.requested != "int8-weight-only":
            return "openvino has none such; use int8-weight-only"
        if self.variant.quantize_only is not None:
            return "openvino has no quantize_only"
        return None

    def apply(self, engine: Any) -> None:
        """Nothing: the weights are rounded before a graph is compiled."""

    def verify(self, engine: Any, batch: Sequence[Waveform]) -> Proof:
        """Counts the products whose weights the compiled graphs hold in 8 bits."""
        products = sum((graph.products for graph in engine.graphs.values()), Counter[str]())
        if not products["i8"]:
            raise self.no_effect(f"products are of {_counts(products)}")
        size = f"{engine.weights_bytes / 1e6:.1f} MB of weights"
        return self.proof(f"products of {_counts(products)}; {size}")


class OpenVinoEngine(GraphEngine):
    """One model on OpenVINO."""

    family = "openvino"
    own_techniques = (Precision, Quantization)

    @classmethod
    def check_device(cls, device: str) -> None:
        """See :meth:`~runner.engines.base.Engine.check_device`."""
        if device != "cpu":
            raise Refused("openvino runs on the CPU only")

    @property
    def exports(self) -> None:
        """None: it rounds weights itself."""
        return None

    def open(self, path: Path) -> OpenVinoGraph:
        """See :meth:`GraphEngine.open`."""
        variant = self.request.variant
        return OpenVinoGraph(
            path, _FORMATS[variant.precision], int8=variant.quantization is not None
        )


def keep_in_int8(model: Any) -> int:
    """Rounds the weights of matrix products to 8 bits, a scale for each output.

    OpenVINO keeps them so and widens them as it multiplies. Its own tool for that, nncf, brings
    scikit-learn and more; ONNX Runtime's quantised graphs it would compute in 32-bit floats.

    Args:
        model: A graph that is not compiled yet; it is changed.

    Returns:
        Bytes that the weights take less.
    """
    saved = 0
    for node in model.get_ops():
        weights = node.input_value(1).get_node() if node.get_type_name() == "MatMul" else None
        if weights is None or weights.get_type_name() != "Constant":
            continue
        values = weights.data
        inner = 1 if node.get_attributes()["transpose_b"] else 0
        scale = np.maximum(np.abs(values).max(axis=inner, keepdims=True) / 127, 1e-30)
        rounded = opset.constant(np.rint(values / scale).astype(np.int8))
        widened = opset.multiply(
            opset.convert(rounded, "f32"), opset.constant(scale.astype(np.float32))
        )
        # An embedding that is the vocabulary too stays as it is for its other use.
        freed = 0 if len(node.input_value(1).get_target_inputs()) > 1 else values.nbytes
        node.input(1).replace_source_output(widened.output(0))
        saved += freed - values.size - scale.size * 4
    model.validate_nodes_and_infer_types()
    return saved


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))


def _counts(products: Counter[str]) -> str:
    return ", ".join(f"{name} x {count}" for name, count in products.most_common())
