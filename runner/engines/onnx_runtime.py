"""Models through ONNX Runtime.

On a CPU by its own kernels, on an NVIDIA GPU by CUDA; what a provider lacks ONNX Runtime gives to
the CPU, which the proof of a variant looks for. Threads do not spin while they wait: that would be
work, and energy, of nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from numpy.typing import NDArray

from runner.engines.graph_engine import GraphEngine
from runner.engines.graph_runtime import Graph
from runner.engines.onnx_techniques import ONNX_TECHNIQUES
from runner.errors import Refused, is_out_of_memory

CPU = "CPUExecutionProvider"
GPU = "CUDAExecutionProvider"


class OnnxGraph(Graph):
    """One session of ONNX Runtime."""

    def __init__(self, path: Path, provider: str, index: int) -> None:
        """Opens a graph.

        Args:
            path: Its file.
            provider: What is to run it.
            index: Number of the device.

        Raises:
            Refused: ONNX Runtime cannot run it.
        """
        self.provider = provider
        self._device = ("cpu", 0) if provider == CPU else ("cuda", index)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        own = {} if provider == CPU else {"device_id": index}
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=[(provider, own)])
        except Exception as error:
            words = " ".join(str(error).split())
            if is_out_of_memory(words):
                raise MemoryError(words[:300]) from error
            raise Refused(f"ONNX Runtime cannot run {path.name}: {words[:300]}") from error
        self.inputs = frozenset(each.name for each in self._session.get_inputs())
        self._outputs = [each.name for each in self._session.get_outputs()]

    def place(self, array: NDArray[Any]) -> Any:
        """See :meth:`Graph.place <runner.engines.graph_runtime.Graph.place>`."""
        return onnxruntime.OrtValue.ortvalue_from_numpy(array, *self._device)

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """See :meth:`Graph.run <runner.engines.graph_runtime.Graph.run>`."""
        binding = self._session.io_binding()
        for name, value in inputs.items():
            binding.bind_ortvalue_input(name, value)
        for name in self._outputs:
            binding.bind_output(name, *self._device)
        self._session.run_with_iobinding(binding)
        return dict(zip(self._outputs, binding.get_outputs(), strict=True))

    def fetch(self, tensor: Any) -> NDArray[Any]:
        """See :meth:`Graph.fetch <runner.engines.graph_runtime.Graph.fetch>`."""
        array: NDArray[Any] = tensor.numpy()
        return array

    @property
    def placed(self) -> Counter[tuple[str, str]]:
        """Provider and operator -> nodes, as ONNX Runtime placed them when it opened the graph."""
        return Counter(
            (part.ep_name, node.op_type)
            for part in self._session.get_provider_graph_assignment_info()
            for node in part.get_nodes()
        )


class OnnxEngine(GraphEngine):
    """One model on ONNX Runtime."""

    family = "onnx"
    own_techniques = ONNX_TECHNIQUES

    @classmethod
    def check_device(cls, device: str) -> None:
        """See :meth:`~runner.engines.base.Engine.check_device`."""
        _provider(device)

    def open(self, path: Path) -> OnnxGraph:
        """See :meth:`GraphEngine.open`."""
        index = self.request.device.partition(":")[2]
        return OnnxGraph(path, _provider(self.request.device), int(index or 0))


def _provider(device: str) -> str:
    """What runs graphs on a device.

    Raises:
        Refused: this build of ONNX Runtime has nothing for it.
    """
    if device == "cpu":
        return CPU
    there = onnxruntime.get_available_providers()
    if GPU in there:
        return GPU
    raise Refused(
        f"device {device}: this ONNX Runtime has {', '.join(there)}; "
        "pip install onnxruntime-gpu in place of onnxruntime"
    )
