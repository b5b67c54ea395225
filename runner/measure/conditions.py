"""What the machine was doing while a case ran: load, other users, throttling, temperature."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from runner.measure.nvml import Gpu
from store.records import Conditions

SAMPLE_S = 1.0
"""Throttling and temperature are looked at no more often than this."""

_CPU_SENSORS = ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "coretemp", "k10temp", "soc_thermal")


@dataclass(frozen=True)
class CpuTimes:
    """CPU time since boot, in seconds summed over the machine's logical CPUs."""

    total_s: float
    busy_s: float
    """All but idle and waiting for input and output."""
    own_s: float
    """Of this process and its children, the ended ones too."""

    @staticmethod
    def total_of(times: Iterable[CpuTimes]) -> CpuTimes:
        """The sum, so that a share over several windows is one difference."""
        listed = list(times)
        return CpuTimes(
            sum(t.total_s for t in listed),
            sum(t.busy_s for t in listed),
            sum(t.own_s for t in listed),
        )


def read_cpu_times(proc_root: Path = Path("/proc"), pid: int | None = None) -> CpuTimes | None:
    """Reads ``/proc/stat`` and the process tree; None where there is no such /proc.

    In a container both are the host's, so other containers count as others.
    """
    tick = os.sysconf("SC_CLK_TCK")
    try:
        line = (proc_root / "stat").read_text().partition("\n")[0].split()
    except OSError:
        return None
    # user nice system idle iowait irq softirq steal; guest time is inside user time. Stolen
    # time was another guest's and is left out of both: it is not this machine's to use.
    ticks = [int(value) for value in line[1:8]]
    if len(ticks) < 7:
        return None
    total = sum(ticks)
    own = _tree_ticks(proc_root, os.getpid() if pid is None else pid)
    return CpuTimes(total / tick, (total - ticks[3] - ticks[4]) / tick, own / tick)


def foreign_share(before: CpuTimes, after: CpuTimes) -> float | None:
    """Share (0 to 1) of the machine's CPU time used by others between two readings."""
    total = after.total_s - before.total_s
    if total <= 0:
        return None
    foreign = (after.busy_s - before.busy_s) - (after.own_s - before.own_s)
    return min(1.0, max(0.0, foreign / total))


class ConditionsProbe:
    """Watches the machine from `start` to `stop`."""

    def __init__(
        self,
        *,
        gpu: Gpu | None = None,
        proc_root: Path = Path("/proc"),
        sysfs_root: Path = Path("/sys"),
        clock: Callable[[], float] = time.monotonic,
        load_average: Callable[[], float] = lambda: os.getloadavg()[0],
    ) -> None:
        """Takes the board of a CUDA case, and where to read.

        Args:
            gpu: The board, or None for a case on the CPU.
            proc_root: Where procfs is mounted.
            sysfs_root: Where sysfs is mounted.
            clock: Monotonic seconds.
            load_average: Gives the one-minute load average.
        """
        self._gpu = gpu
        self._proc = proc_root
        self._sysfs = sysfs_root
        self._clock = clock
        self._load_average = load_average
        self._load_before = 0.0
        self._before: CpuTimes | None = None
        self._throttles_before = 0
        self._seen: set[str] = set()
        self._hottest: float | None = None
        self._sampled = -SAMPLE_S

    def start(self) -> None:
        """Begins, before the latency loop."""
        self._seen.clear()
        self._hottest = None
        self._load_before = self._load_average()
        self._throttles_before = self._cpu_throttles()
        self._before = read_cpu_times(self._proc)
        self._look()

    def sample(self) -> None:
        """Looks at throttling and temperature, at most once a second; for between batches."""
        if self._clock() - self._sampled >= SAMPLE_S:
            self._look()

    def stop(self) -> Conditions:
        """Ends, right after the loop, while the hardware is still warm."""
        self._look()
        after = read_cpu_times(self._proc)
        share = foreign_share(self._before, after) if self._before and after else None
        events = self._cpu_throttles() - self._throttles_before
        seen = sorted(self._seen)
        if events > 0:
            seen.append(f"CPU thermal throttling ({events} events)")
        return Conditions(
            load_before=self._load_before,
            load_after=self._load_average(),
            foreign_cpu=share,
            threads=_framework_threads(),
            throttled=", ".join(seen) or None,
            temperature_c=self._hottest,
        )

    def _look(self) -> None:
        self._sampled = self._clock()
        if self._gpu is not None:
            words = self._gpu.throttle()
            if words is not None:
                self._seen.add(f"GPU {words}")
        temperature = (
            self._gpu.temperature_c() if self._gpu is not None else _cpu_celsius(self._sysfs)
        )
        if temperature is not None:
            self._hottest = max(temperature, self._hottest or temperature)

    def _cpu_throttles(self) -> int:
        pattern = "devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count"
        return sum(_number(path) or 0 for path in self._sysfs.glob(pattern))


def _tree_ticks(proc_root: Path, root: int) -> int:
    """CPU ticks of a process, its ended children and its living descendants."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for path in proc_root.glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue  # It ended while we looked.
        pid = int(path.parent.name)
        # The name in parentheses may hold anything, spaces and parentheses too.
        fields = text.rpartition(")")[2].split()
        children.setdefault(int(fields[1]), []).append(pid)
        ticks[pid] = sum(int(value) for value in fields[11:15])
    total = 0
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        total += ticks.get(pid, 0)
        waiting += children.get(pid, [])
    return total


def _cpu_celsius(sysfs_root: Path) -> float | None:
    found: list[int] = []
    for zone in sysfs_root.glob("class/thermal/thermal_zone*"):
        if _text(zone / "type") in _CPU_SENSORS:
            found.append(_number(zone / "temp") or 0)
    for sensor in sysfs_root.glob("class/hwmon/hwmon*"):
        if _text(sensor / "name") in _CPU_SENSORS:
            found += [_number(path) or 0 for path in sensor.glob("temp*_input")]
    return max(found) / 1000 if found and max(found) > 0 else None


def _framework_threads() -> int | None:
    get_num_threads = getattr(sys.modules.get("torch"), "get_num_threads", None)
    return None if get_num_threads is None else int(get_num_threads())


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text is not None and text.lstrip("-").isdigit() else None
