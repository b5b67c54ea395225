"""Peak memory: the real kernel's peak of this process, and fakes for the GPU's."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from runner.measure.memory import PeakMemory

MIB = 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's procfs")


@linux
def test_a_peak_that_is_gone_is_still_seen_and_forgotten_by_a_reset() -> None:
    memory = PeakMemory()
    memory.reset()
    if memory.note is not None:
        pytest.skip(memory.note)
    block = bytearray(b"x" * (120 * MIB))
    del block
    peak = memory.read(weights_bytes=7)
    assert peak.rss_bytes - peak.rss_before_bytes > 100 * MIB
    assert peak.weights_bytes == 7
    assert peak.gpu_allocated_bytes is None and peak.gpu_board_bytes is None
    memory.reset()
    after = memory.read()
    assert after.rss_bytes - after.rss_before_bytes < 60 * MIB


def test_a_peak_that_cannot_be_reset_says_so(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("VmHWM:\t  2000 kB\nVmRSS:\t  1000 kB\n")
    (tmp_path / "clear_refs").mkdir()
    memory = PeakMemory(process=tmp_path)
    memory.reset()
    read = memory.read()
    assert (read.rss_bytes, read.rss_before_bytes) == (2000 * 1024, 1000 * 1024)
    assert "cannot be reset" in (memory.note or "")


def test_the_peak_is_started_afresh_by_writing_five(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("VmHWM:\t  2000 kB\nVmRSS:\t  1000 kB\n")
    memory = PeakMemory(process=tmp_path)
    memory.reset()
    assert (tmp_path / "clear_refs").read_text() == "5" and memory.note is None


def test_without_procfs_getrusage_serves_with_a_note(tmp_path: Path) -> None:
    memory = PeakMemory(process=tmp_path / "none", rusage_bytes=lambda: 123)
    memory.reset()
    assert memory.read().rss_bytes == 123
    assert "getrusage" in (memory.note or "")


class Cuda:
    def __init__(self, initialised: bool = True) -> None:
        self.initialised = initialised
        self.was_reset: list[str] = []

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return self.initialised

    def reset_peak_memory_stats(self, device: str) -> None:
        assert self.initialised, "torch raises before CUDA starts"
        self.was_reset.append(device)

    def max_memory_allocated(self, device: str) -> int:
        return 300

    def max_memory_reserved(self, device: str) -> int:
        return 400


def test_the_gpus_peaks_are_the_frameworks_and_the_highest_look_at_the_board() -> None:
    used = iter([500, 900, 600])
    clock = SimpleNamespace(now=0.0)
    gpu = SimpleNamespace(memory_used_bytes=lambda: next(used))
    cuda = Cuda()
    memory = PeakMemory(
        "cuda:1", gpu=gpu, clock=lambda: clock.now, torch=SimpleNamespace(cuda=cuda)
    )
    memory.reset()
    memory.poll()  # Within a tenth of a second: not looked at.
    clock.now = 0.2
    memory.poll()
    read = memory.read()
    assert cuda.was_reset == ["cuda:1"]
    assert (read.gpu_allocated_bytes, read.gpu_reserved_bytes) == (300, 400)
    assert read.gpu_board_bytes == 900


def test_nothing_is_reset_before_cuda_starts() -> None:
    memory = PeakMemory("cuda", torch=SimpleNamespace(cuda=Cuda(initialised=False)))
    memory.reset()
    assert memory.read().gpu_allocated_bytes == 300
