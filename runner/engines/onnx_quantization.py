"""INT8 weights in an exported graph, by ONNX Runtime's own tool."""

from __future__ import annotations

from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic


def quantize(graph: Path, out: Path, quantization: str) -> None:
    """Quantises the matrix products of a graph; activations are rounded as they come.

    Convolutions and the embedding stay as they are, as in PyTorch's dynamic quantisation. Weights
    are unsigned: with signed ones sums of products overflow on a CPU without VNNI instructions, and
    a scale for each output makes a model worse instead of better.

    Args:
        graph: What to quantise.
        out: The file to write.
        quantization: As a variant names it.
    """
    quantize_dynamic(
        graph,
        out,
        op_types_to_quantize=["MatMul"],
        per_channel=quantization.endswith("-channel"),
        weight_type=QuantType.QUInt8,
        use_external_data_format=True,
        extra_options={"MatMulConstBOnly": True},
    )
