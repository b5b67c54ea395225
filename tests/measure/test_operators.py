"""Operators: shares, categories, traces, and no kernel counted twice."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.autograd import DeviceType
from torch.autograd.profiler_util import EventList, FunctionEvent
from torch.profiler import record_function

from runner.profiler import (
    UNATTRIBUTED,
    category,
    device_rows,
    host_rows,
    profile_operators,
)


def by_category(operators: Any) -> dict[str, float]:
    shares: dict[str, float] = {}
    for operator in operators:
        shares[operator.category] = shares.get(operator.category, 0) + operator.share
    return shares


def test_matrix_products_dominate_a_matrix_product() -> None:
    x = torch.rand(600, 600)
    operators = profile_operators(lambda: [x @ x for _ in range(5)], device="cpu", keep=50)
    assert operators[0].name == "aten::mm"
    assert (operators[0].calls, operators[0].device) == (5, "cpu")
    assert by_category(operators)["matmul"] > 0.9
    # Five results that are still referenced when the profile ends.
    assert operators[0].memory_bytes == 5 * 600 * 600 * 4


@pytest.mark.parametrize("keep", [0, 2, 100])
def test_shares_sum_to_one_whatever_is_kept(keep: int) -> None:
    x = torch.rand(64, 64)

    def run() -> None:
        torch.cat([torch.nn.functional.gelu(x @ x), x.softmax(-1).exp()]).mean()

    operators = profile_operators(run, device="cpu", keep=keep)
    assert math.isclose(sum(operator.share for operator in operators), 1)
    named = [operator for operator in operators if not operator.name.startswith("(")]
    assert len(named) <= keep
    assert [o.self_s for o in named] == sorted((o.self_s for o in named), reverse=True)
    assert {"matmul", "elementwise", "memory", "attention"} <= set(by_category(operators))


def test_self_times_are_within_the_wall_time() -> None:
    x = torch.rand(300, 300)
    started = time.perf_counter()
    operators = profile_operators(lambda: [(x @ x).relu() for _ in range(20)], device="cpu", keep=9)
    assert 0 < sum(operator.self_s for operator in operators) < time.perf_counter() - started


def test_user_annotations_are_not_operators() -> None:
    x = torch.rand(64, 64)

    def run() -> None:
        with record_function("encoder"):
            x @ x
            time.sleep(0.05)

    operators = profile_operators(run, device="cpu", keep=50)
    assert "encoder" not in {operator.name for operator in operators}
    assert sum(operator.self_s for operator in operators) < 0.05


def test_trace_is_json_with_the_operators(tmp_path: Path) -> None:
    x, path = torch.rand(64, 64), tmp_path / "new" / "trace.json"
    profile_operators(lambda: x @ x, device="cpu", keep=5, trace_path=path)
    names = {event.get("name") for event in json.loads(path.read_text())["traceEvents"]}
    assert "aten::mm" in names


def test_failure_of_the_run_ends_the_profile() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        profile_operators(fail, device="cpu", keep=5)
    assert profile_operators(lambda: torch.ones(3) + 1, device="cpu", keep=5)


def test_profiler_lines_stay_off_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    profile_operators(lambda: torch.ones(3) + 1, device="cpu", keep=5)
    assert "USDT" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "attention"),
        ("aten::bmm", "attention"),
        ("aten::addmm", "matmul"),
        ("quantized::linear_dynamic", "matmul"),
        ("aten::cudnn_convolution", "convolution"),
        ("aten::mkldnn_convolution", "convolution"),
        ("aten::native_layer_norm", "normalisation"),
        ("aten::exp", "elementwise"),
        ("aten::expand", "memory"),
        ("aten::copy_", "memory"),
        ("cudaLaunchKernel", "other"),
        ("aten::unheard_of", "other"),
    ],
)
def test_categories_are_by_exact_name(name: str, expected: str) -> None:
    assert category(name) == expected


def gpu_profile(*, annotation: bool = False, graph_us: float = 0) -> Any:
    """``key_averages()`` of a linear layer on a GPU, built with torch's own event classes.

    ``aten::linear`` calls ``aten::addmm``, which launches a kernel of 40 us; ``aten::copy_``
    launches one of 10 us. The kernels' events run on the device, after the host's.
    """

    def event(name: str, start: float, end: float, device: DeviceType, **more: Any) -> Any:
        number = len(events)
        made = FunctionEvent(
            number, name, 1, start, end, device_type=device, use_device="cuda", stack=[], **more
        )
        events.append(made)
        return made

    events: list[Any] = []
    host, gpu = DeviceType.CPU, DeviceType.CUDA
    event("aten::linear", 0, 30, host)
    event("aten::addmm", 5, 25, host).append_kernel("sgemm", 0, 40)
    event("cudaLaunchKernel", 10, 15, host)
    event("aten::copy_", 40, 50, host).append_kernel("Memcpy DtoH", 0, 10)
    event("sgemm", 100, 140, gpu)
    event("Memcpy DtoH", 140, 150, gpu)
    if annotation:
        event("encoder", 0, 60, host, is_user_annotation=True).append_kernel("encoder", 0, 50)
        event("encoder", 100, 150, gpu, is_user_annotation=True)
    if graph_us:
        event("graph_kernel", 200, 200 + graph_us, gpu)
    profiled = EventList(events, use_device="cuda", profile_memory=True)
    profiled._build_tree()
    return profiled.key_averages()


@pytest.mark.parametrize("annotation", [False, True])
def test_kernels_are_counted_once_on_the_gpu(annotation: bool) -> None:
    rows = {row.name: row.self_s for row in device_rows(gpu_profile(annotation=annotation))}
    assert rows == pytest.approx({"aten::addmm": 40e-6, "aten::copy_": 10e-6})


def test_kernels_of_no_operator_are_a_row_of_their_own() -> None:
    rows = {row.name: row.self_s for row in device_rows(gpu_profile(graph_us=50))}
    assert rows[UNATTRIBUTED] == pytest.approx(50e-6)
    assert sum(rows.values()) == pytest.approx(100e-6)


def test_host_rows_have_no_kernels() -> None:
    rows = {row.name: row.self_s for row in host_rows(gpu_profile(annotation=True))}
    assert rows == pytest.approx(
        {
            "aten::linear": 10e-6,
            "aten::addmm": 15e-6,
            "cudaLaunchKernel": 5e-6,
            "aten::copy_": 10e-6,
        }
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_real_gpu_has_rows_of_both_devices() -> None:
    x = torch.rand(2048, 2048, device="cuda")
    x @ x
    started = time.perf_counter()
    operators = profile_operators(lambda: [x @ x for _ in range(5)], device="cuda", keep=50)
    wall_s = time.perf_counter() - started
    for device in ("cpu", "cuda"):
        assert math.isclose(sum(o.share for o in operators if o.device == device), 1)
    on_gpu = [operator for operator in operators if operator.device == "cuda"]
    assert on_gpu[0].name == "aten::mm"
    assert sum(operator.self_s for operator in on_gpu) < wall_s
