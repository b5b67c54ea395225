"""On a real NVIDIA GPU: the counter and the sensor agree, and idling draws less than working."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from runner.measure.energy.discover import discover
from runner.measure.energy.recipe import measure_energy
from runner.measure.environment import read_environment
from runner.measure.memory import PeakMemory
from runner.measure.nvml import Gpu, open_nvml

pytestmark = pytest.mark.gpu


@dataclass
class Limits:
    energy_window_seconds: float = 10.0
    energy_windows: int = 1
    energy_idle_seconds: float = 5.0
    energy_cooldown_seconds: float = 0.0


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU, or torch is a CPU build")
    return torch


@pytest.fixture(scope="module")
def outcome(torch):
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.float16)

    def work(index: int) -> None:
        for _ in range(20):
            a @ a
        torch.cuda.synchronize()

    work(0)
    found = discover("cuda")
    return measure_energy(
        work,
        sources=found.sources,
        missing=found.missing,
        limits=Limits(),
        device="cuda",
        synchronize=torch.cuda.synchronize,
    )


def reading_of(outcome, source: str):
    reading = next(r for r in outcome.readings if r.source == source)
    if source == "nvml-counter" and "no energy counter" in (reading.reason or ""):
        pytest.skip(reading.reason)
    return reading


def test_the_counter_and_the_sensor_agree(outcome) -> None:
    counter, sampled = reading_of(outcome, "nvml-counter"), reading_of(outcome, "nvml-sampled")
    print(counter, sampled, outcome.warnings)
    assert counter.gross_j is not None, counter.reason
    assert sampled.gross_j is not None, sampled.reason
    assert sampled.gross_j == pytest.approx(counter.gross_j, rel=0.15)
    assert outcome.primary == "nvml-counter"


def test_idling_draws_less_than_working(outcome) -> None:
    reading = reading_of(outcome, "nvml-sampled")
    assert reading.idle_w is not None and reading.mean_w is not None
    assert 1 < reading.idle_w < 0.8 * reading.mean_w
    assert reading.net_j is not None and reading.net_j < reading.gross_j


def test_the_board_is_torchs_board(torch) -> None:
    gpu = open_nvml().find("cuda:0")
    assert isinstance(gpu, Gpu)
    assert str(torch.cuda.get_device_properties(0).uuid).lower() in gpu.uuid.lower()
    environment = read_environment("cuda:0")
    assert environment.gpu_uuid == gpu.uuid and environment.cuda == torch.version.cuda


def test_memory_of_the_board_covers_the_frameworks(torch) -> None:
    gpu = open_nvml().find("cuda:0")
    assert isinstance(gpu, Gpu)
    memory = PeakMemory("cuda:0", gpu=gpu)
    memory.reset()
    block = torch.empty(2**28, dtype=torch.uint8, device="cuda:0")
    read = memory.read()
    del block
    assert read.gpu_allocated_bytes >= 2**28
    assert read.gpu_reserved_bytes >= read.gpu_allocated_bytes
    assert read.gpu_board_bytes >= read.gpu_reserved_bytes
