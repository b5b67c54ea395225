"""CPU time of others, throttling and temperature, from a /proc and /sys in a folder."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.measure.conditions import (
    ConditionsProbe,
    CpuTimes,
    foreign_share,
    read_cpu_times,
)
from runner.measure.nvml import Gpu

TICK = os.sysconf("SC_CLK_TCK")


def write_stat(proc: Path, *ticks: int) -> None:
    proc.mkdir(exist_ok=True)
    (proc / "stat").write_text(f"cpu  {' '.join(str(t) for t in ticks)}\ncpu0 1 2 3 4\n")


def write_process(proc: Path, pid: int, parent: int, *ticks: int, name: str = "python") -> None:
    folder = proc / str(pid)
    folder.mkdir(exist_ok=True)
    before = f"{pid} ({name}) S {parent} 1 1 0 -1 0 0 0 0 0"
    (folder / "stat").write_text(f"{before} {' '.join(str(t) for t in ticks)} 20 0 1 0\n")


def test_busy_is_all_but_idle_and_waiting_and_stolen_time_is_no_ones(tmp_path: Path) -> None:
    write_stat(tmp_path, 100, 10, 50, 700, 40, 5, 15, 9999, 77, 0)
    write_process(tmp_path, 7, 1, 60, 20, 0, 0)
    times = read_cpu_times(tmp_path, pid=7)
    assert times == CpuTimes(920 / TICK, 180 / TICK, 80 / TICK)


def test_own_time_holds_living_and_ended_children_and_no_strangers(tmp_path: Path) -> None:
    write_stat(tmp_path, 1, 1, 1, 1, 1, 1, 1, 1)
    write_process(tmp_path, 7, 1, 1, 2, 4, 8)
    write_process(tmp_path, 8, 7, 16, 0, 0, 0, name="a) S 99 (b")
    write_process(tmp_path, 9, 8, 0, 32, 0, 0)
    write_process(tmp_path, 10, 1, 5000, 0, 0, 0)
    times = read_cpu_times(tmp_path, pid=7)
    assert times is not None and times.own_s == 63 / TICK


def test_no_procfs_is_no_figure(tmp_path: Path) -> None:
    assert read_cpu_times(tmp_path / "none") is None


@given(
    total=st.floats(0.01, 1e6), busy=st.floats(0, 1), own=st.floats(0, 1.2), start=st.floats(0, 1e6)
)
def test_the_share_of_others_is_a_share(total, busy, own, start) -> None:
    before = CpuTimes(start, start, start)
    after = CpuTimes(start + total, start + busy * total, start + own * busy * total)
    share = foreign_share(before, after)
    if share is not None:
        assert 0 <= share <= 1
        assert share == pytest.approx(max(0.0, busy * (1 - own)), abs=1e-3)


def test_no_time_passed_is_no_share() -> None:
    assert foreign_share(CpuTimes(5, 5, 5), CpuTimes(5, 5, 5)) is None


def test_this_machines_own_time_grows_with_work() -> None:
    before = read_cpu_times()
    if before is None:
        pytest.skip("no procfs here")
    sum(i * i for i in range(2_000_000))
    after = read_cpu_times()
    assert after is not None and after.own_s > before.own_s


class Nvml:
    NVMLError = RuntimeError

    def __init__(self) -> None:
        self.bits = 0
        self.celsius = 50

    def nvmlDeviceGetUUID(self, handle: object) -> str:  # noqa: N802
        return "GPU-1"

    def nvmlDeviceGetName(self, handle: object) -> str:  # noqa: N802
        return "Tesla P100"

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: object) -> int:  # noqa: N802
        return self.bits

    def nvmlDeviceGetTemperature(self, handle: object, sensor: int) -> int:  # noqa: N802
        return self.celsius


def test_the_probe_sees_what_happens_between_start_and_stop(tmp_path: Path) -> None:
    nvml, clock, loads = Nvml(), SimpleNamespace(now=0.0), iter([0.5, 1.5])
    proc = tmp_path / "proc"
    write_stat(proc, 0, 0, 0, 0, 0, 0, 0, 0)
    write_process(proc, os.getpid(), 1, 0, 0, 0, 0)
    probe = ConditionsProbe(
        gpu=Gpu(nvml, None),
        proc_root=proc,
        sysfs_root=tmp_path,
        clock=lambda: clock.now,
        load_average=lambda: next(loads),
    )
    probe.start()
    nvml.bits, nvml.celsius = 0x40, 83
    probe.sample()  # Within the second: not looked at.
    nvml.bits, nvml.celsius = 0x4, 71
    clock.now = 1.5
    probe.sample()
    nvml.bits = 0
    write_stat(proc, 600, 0, 0, 400, 0, 0, 0, 0)
    write_process(proc, os.getpid(), 1, 350, 150, 0, 0)
    conditions = probe.stop()
    assert conditions.throttled == "GPU software power cap"
    assert conditions.temperature_c == 71.0
    assert conditions.foreign_cpu == pytest.approx(0.1)
    assert (conditions.load_before, conditions.load_after) == (0.5, 1.5)


def test_cpu_throttling_and_temperature_come_from_sysfs(tmp_path: Path) -> None:
    throttle = tmp_path / "devices" / "system" / "cpu" / "cpu0" / "thermal_throttle"
    throttle.mkdir(parents=True)
    (throttle / "core_throttle_count").write_text("3\n")
    zone = tmp_path / "class" / "thermal" / "thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "type").write_text("x86_pkg_temp\n")
    (zone / "temp").write_text("64000\n")
    hwmon = tmp_path / "class" / "hwmon" / "hwmon0"
    hwmon.mkdir(parents=True)
    (hwmon / "name").write_text("nvme\n")
    (hwmon / "temp1_input").write_text("99000\n")
    probe = ConditionsProbe(proc_root=tmp_path / "none", sysfs_root=tmp_path)
    probe.start()
    (throttle / "core_throttle_count").write_text("8\n")
    conditions = probe.stop()
    assert conditions.throttled == "CPU thermal throttling (5 events)"
    assert conditions.temperature_c == 64.0 and conditions.foreign_cpu is None
