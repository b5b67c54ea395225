#!/bin/sh
# OpenVINO 2026.4.1, CPU: the ONNX operator MatMulInteger (uint8 times int8, summed in int32 by its
# definition; what onnxruntime's quantize_dynamic() makes of a MatMul) is computed in floats. The sums
# are therefore not those of the operator as soon as they pass 2^24, the integers a float still tells
# apart, and nothing of the gain of 8 bits is left; there is no message, and the element type of the
# result is int32 all the same. EXECUTION_MODE_HINT=ACCURACY does not change it.
#
# It is not for want of 8-bit instructions: the graph that OpenVINO reads, before it knows of a
# device, has a MatMul of two int32 tensors; and on the same processor the same MatMul, quantised with
# quantize_static() to QuantizeLinear and DequantizeLinear, runs on uint8. (Looked at on an x86-64
# processor with AVX2 and without VNNI or AMX.)
#
# Seen, 4 x 2048 times 2048 x 8, weights of 32 to 63, sums of about 18.7 million:
#   read: MatMul of int32 and int32; run: FullyConnected in f32
#   wrong sums: onnxruntime 0 of 32; OpenVINO every odd one and more (31 of 32, by up to 18)
#   QuantizeLinear and DequantizeLinear: FullyConnected in u8
#
# Exits with 0 while it is so, with 1 when it has changed. Needs Python 3.11 or later and the index.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
OMP_NUM_THREADS=1 "$work/venv/bin/python" - "$work" <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

DEPTH, WIDTH = 2048, 8
generator = np.random.default_rng(0)
core = openvino.Core()


def saved(name, operator, given, weights, result):
    graph = helper.make_graph(
        [helper.make_node(operator, ["a", "b"], ["y"])],
        "product",
        [helper.make_tensor_value_info("a", given, ["n", DEPTH])],
        [helper.make_tensor_value_info("y", result, ["n", WIDTH])],
        [numpy_helper.from_array(weights, "b")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    onnx.checker.check_model(model, full_check=True)
    path = f"{sys.argv[1]}/{name}.onnx"
    onnx.save(model, path)
    return path


def precisions(compiled):
    for part in compiled.get_runtime_model().get_ordered_ops():
        notes = part.get_rt_info()
        if notes["layerType"].astype(str) in ("FullyConnected", "MatMul"):
            yield notes["runtimePrecision"].astype(str)


numbers = generator.integers(128, 256, (4, DEPTH)).astype(np.uint8)
weights = generator.integers(32, 64, (DEPTH, WIDTH)).astype(np.int8)
exact = numbers.astype(np.int64) @ weights.astype(np.int64)
path = saved("integer", "MatMulInteger", TensorProto.UINT8, weights, TensorProto.INT32)
model = core.read_model(path)
read = [
    [one.get_element_type().get_type_name() for one in part.inputs()]
    for part in model.get_ordered_ops()
    if part.get_type_name() == "MatMul"
]
print("read as a MatMul of", *read)
accurate = {"EXECUTION_MODE_HINT": "ACCURACY"}
results, ran = [], []
for properties in ({}, accurate):
    compiled = core.compile_model(model, "CPU", properties)
    ran += precisions(compiled)
    results.append(compiled(numbers)[0])
print("MatMulInteger runs in", *ran)
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
(reference,) = session.run(None, {"a": numbers})
print("wrong sums, onnxruntime:", np.count_nonzero(reference != exact), "of", exact.size)
for result in results:
    wrong = result != exact
    print(
        f"wrong sums, OpenVINO: {np.count_nonzero(wrong)} of {exact.size} (the odd ones: "
        f"{np.count_nonzero(wrong & (exact % 2 == 1))} of {np.count_nonzero(exact % 2)}), "
        f"by up to {abs(result - exact).max()}, {result.dtype}"
    )


class Samples(CalibrationDataReader):
    def __init__(self):
        self.left = [{"a": generator.normal(0, 1, (8, DEPTH)).astype(np.float32)}]

    def get_next(self):
        return self.left.pop() if self.left else None


plain = generator.normal(0, 0.1, (DEPTH, WIDTH)).astype(np.float32)
path = saved("float", "MatMul", TensorProto.FLOAT, plain, TensorProto.FLOAT)
quantised = f"{sys.argv[1]}/quantised.onnx"
quantize_static(
    path, quantised, Samples(), activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8
)
pairs = list(precisions(core.compile_model(quantised, "CPU")))
print("QuantizeLinear and DequantizeLinear run in", *pairs)
sys.exit(
    read != [["i32", "i32"]]
    or ran != ["f32", "f32"]
    or (reference != exact).any()
    or exact.min() <= 2**24
    or any((result == exact)[exact % 2 == 1].any() for result in results)
    or pairs != ["u8"]
)
PYTHON
