"""Discovery: what is offered to a device, and that looking costs no heavy import."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from runner.measure.energy.discover import discover
from runner.measure.energy.ticker import ThreadTicker
from runner.measure.nvml import Boards


def test_a_cpu_is_offered_no_board(tmp_path: Path) -> None:
    found = discover("cpu", sysfs_root=tmp_path, host_root=tmp_path / "none")
    assert [missing.source.name for missing in found.missing] == ["rapl"]
    assert {source.name for source in found.sources} <= {"codecarbon"}


def test_a_gpu_is_offered_everything_and_each_absence_has_a_reason(tmp_path: Path) -> None:
    found = discover(
        "cuda:0",
        boards=Boards(reason="NVML does not start"),
        sysfs_root=tmp_path,
        host_root=tmp_path / "none",
    )
    reasons = {gone.source.name: gone.unavailable.reason for gone in found.missing}
    assert reasons["nvml-counter"] == reasons["nvml-sampled"] == "NVML does not start"
    assert "rapl" in reasons


def test_importing_and_discovering_load_nothing_heavy() -> None:
    code = (
        "import sys, runner.doctor, runner.measure.memory, runner.measure.energy.recipe\n"
        "from runner.measure.energy.discover import discover\n"
        "from runner.measure.environment import read_environment\n"
        "discover('cpu'), read_environment('cpu')\n"
        "print([m for m in ('torch', 'transformers', 'codecarbon') if m in sys.modules])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.timed
def test_the_thread_ticks_steadily_until_it_is_stopped() -> None:
    times: list[float] = []
    ticker = ThreadTicker()
    ticker.stop()
    ticker.start(0.01, lambda: times.append(time.monotonic()))
    time.sleep(0.25)
    ticker.stop()
    ticked = len(times)
    time.sleep(0.03)
    assert len(times) == ticked
    assert 5 <= ticked <= 26
    assert not [t for t in threading.enumerate() if t.name == "asrprof-power"]
