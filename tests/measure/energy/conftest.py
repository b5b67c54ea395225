"""A simulated machine: a clock that only moves when something takes time, and meters on it.

Nothing here is a thread and nothing sleeps, so a ten-second window is measured in milliseconds
and every true energy is known exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from runner.measure.energy.counter import CounterSource
from runner.measure.energy.sensor import PowerSource
from runner.measure.energy.source import SourceError
from runner.measure.nvml import Boards, open_nvml


class Clock:
    """Monotonic seconds; sleeping moves it, and due callbacks run on the way."""

    def __init__(self, start: float = 1000.0) -> None:
        self.now = start
        self._due: dict[int, tuple[float, float, Callable[[], None]]] = {}
        self._next = 0
        self._busy = False

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now

    def sleep(self, seconds: float) -> None:
        end = self.now + seconds
        while not self._busy and self._due:
            key = min(self._due, key=lambda k: self._due[k][0])
            due, period, callback = self._due[key]
            if due > end:
                break
            self.now = max(self.now, due)
            self._due[key] = (due + period, period, callback)
            self._busy = True
            callback()
            self._busy = False
        self.now = max(self.now, end)

    def every(self, period: float, callback: Callable[[], None]) -> int:
        self._next += 1
        self._due[self._next] = (self.now + period, period, callback)
        return self._next

    def cancel(self, key: int) -> None:
        self._due.pop(key, None)


class SimTicker:
    """A ticker driven by the simulated clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.key: int | None = None

    def start(self, period_s: float, callback: Callable[[], None]) -> None:
        self.stop()
        self.key = self.clock.every(period_s, callback)

    def stop(self) -> None:
        if self.key is not None:
            self.clock.cancel(self.key)
            self.key = None


@dataclass
class Machine:
    """Power over time, piecewise constant: ``work`` draws busy watts, all else idle watts."""

    clock: Clock
    idle_w: float = 30.0
    busy_w: float = 150.0
    batch_s: float = 0.25
    batches: list[int] = field(default_factory=list)
    _times: list[float] = field(default_factory=lambda: [0.0])
    _watts: list[float] = field(default_factory=list)
    _joules: list[float] = field(default_factory=lambda: [0.0])

    def __post_init__(self) -> None:
        self._watts.append(self.idle_w)

    def set_power(self, watts: float) -> None:
        now = self.clock.now
        self._joules.append(self.joules(now))
        self._times.append(now)
        self._watts.append(watts)

    def power(self, t: float) -> float:
        return self._watts[bisect_right(self._times, t) - 1]

    def joules(self, t: float) -> float:
        i = bisect_right(self._times, t) - 1
        return self._joules[i] + self._watts[i] * (t - self._times[i])

    def work(self, index: int) -> None:
        self.batches.append(index)
        self.set_power(self.busy_w)
        self.clock.sleep(self.batch_s)
        self.set_power(self.idle_w)

    @property
    def batch_j(self) -> float:
        return self.busy_w * self.batch_s


class SimCounter(CounterSource):
    """A counter refreshed every ``tick_s``; ``fail_at`` makes it vanish, ``scale`` biases it."""

    name = "rapl"
    domain = "cpu"

    def __init__(self, machine: Machine, tick_s: float, quantum_uj: int = 1000) -> None:
        super().__init__(clock=machine.clock, sleep=machine.clock.sleep)
        self.machine = machine
        self.tick_s = tick_s
        self.quantum_uj = quantum_uj
        self.fail_at = float("inf")
        self.reset_at = float("inf")
        self.scale = 1.0
        self.words: str | None = None

    @property
    def scope(self) -> str:
        return "simulated"

    def probe(self):
        self.refresh_s = self.measure_refresh()
        return self.refresh_s

    def disturbance(self) -> str | None:
        return self.words

    def _read_uj(self) -> int:
        clock = self.machine.clock
        clock.sleep(2e-5)
        if clock.now > self.fail_at:
            raise SourceError("the counter vanished")
        ticked = clock.now // self.tick_s * self.tick_s
        uj = int(self.machine.joules(ticked) * 1e6 * self.scale)
        base = int(self.machine.joules(self.reset_at) * 1e6) if ticked > self.reset_at else 0
        return (uj - base) // self.quantum_uj * self.quantum_uj


class SimSensor(PowerSource):
    """A sensor that shows, until the next tick, the power at the last one."""

    name = "nvml-sampled"
    domain = "gpu"

    def __init__(self, machine: Machine, tick_s: float) -> None:
        super().__init__(
            clock=machine.clock, sleep=machine.clock.sleep, ticker=SimTicker(machine.clock)
        )
        self.machine = machine
        self.tick_s = tick_s
        self.scale = 1.0
        self.deaf: tuple[float, float] = (0.0, 0.0)

    @property
    def scope(self) -> str:
        return "simulated"

    def probe(self):
        self.refresh_s = self.tick_s
        return self.refresh_s

    def _read_w(self) -> float:
        now = self.machine.clock.now
        if self.deaf[0] <= now < self.deaf[1]:
            raise SourceError("deaf")
        return self.machine.power(now // self.tick_s * self.tick_s) * self.scale


class NVMLError(Exception):
    """As pynvml's."""


@dataclass
class FakeNvml:
    """The functions of pynvml that asrprof calls, over a simulated machine.

    ``counter_tick_s`` or ``power_tick_s`` None is NOT_SUPPORTED, as on boards without them.
    """

    machine: Machine
    counter_tick_s: float | None = 0.1
    power_tick_s: float | None = 0.1
    instant: bool = True
    architecture: int = 9
    names: tuple[str, ...] = ("NVIDIA H200",)
    as_bytes: bool = False
    pids: tuple[int, ...] = ()
    limit_mw: int = 700_000
    mig: bool = False
    power_value: Callable[[float], float] = lambda watts: watts * 1000
    backwards_at: float = float("inf")
    throttle: int = 0
    NVMLError = NVMLError

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.names:
            raise NVMLError("NVML Shared Library Not Found")

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.names)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetUUID(self, handle: int) -> str | bytes:  # noqa: N802
        text = f"GPU-{handle}aaaa-bbbb"
        return text.encode() if self.as_bytes else text

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:  # noqa: N802
        return self.names[handle].encode() if self.as_bytes else self.names[handle]

    def nvmlSystemGetDriverVersion(self) -> str | bytes:  # noqa: N802
        return b"570.1" if self.as_bytes else "570.1"

    def nvmlSystemGetCudaDriverVersion(self) -> int:  # noqa: N802
        return 12080

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:  # noqa: N802
        clock = self.machine.clock
        clock.sleep(2e-5)
        if self.counter_tick_s is None:
            raise NVMLError("Not Supported")
        ticked = clock.now // self.counter_tick_s * self.counter_tick_s
        mj = int(self.machine.joules(ticked) * 1000)
        if ticked > self.backwards_at:
            mj -= int(self.machine.joules(self.backwards_at) * 1000)
        return mj

    def _milliwatts(self) -> int | float:
        if self.power_tick_s is None:
            raise NVMLError("Not Supported")
        now = self.machine.clock.now
        return self.power_value(self.machine.power(now // self.power_tick_s * self.power_tick_s))

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int | float:  # noqa: N802
        value = self._milliwatts()
        return value if value != value else int(value)

    def nvmlDeviceGetFieldValues(self, handle: int, fields: list[int]) -> list[SimpleNamespace]:  # noqa: N802
        assert fields == [186]
        if not self.instant:
            return [SimpleNamespace(nvmlReturn=3, value=SimpleNamespace(uiVal=0))]
        return [SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=int(self._milliwatts())))]

    def nvmlDeviceGetArchitecture(self, handle: int) -> int:  # noqa: N802
        return self.architecture

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=16 * 2**30, used=2 * 2**30)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:  # noqa: N802
        return 61

    def nvmlDeviceGetPowerManagementLimit(self, handle: int) -> int:  # noqa: N802
        return self.limit_mw

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: int) -> int:  # noqa: N802
        return self.limit_mw

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: int) -> int:  # noqa: N802
        return self.throttle

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[SimpleNamespace]:  # noqa: N802
        return [SimpleNamespace(pid=pid) for pid in self.pids]

    def nvmlDeviceGetMigMode(self, handle: int) -> list[int]:  # noqa: N802
        if not self.mig:
            raise NVMLError("Not Supported")
        return [1, 1]


@dataclass
class Limits:
    """The energy part of a config's limits."""

    energy_window_seconds: float = 10.0
    energy_windows: int = 5
    energy_idle_seconds: float = 10.0
    energy_cooldown_seconds: float = 5.0


class Lab:
    """What the tests make their machines from."""

    Clock = Clock
    Machine = Machine
    Counter = SimCounter
    Sensor = SimSensor
    Ticker = SimTicker
    Nvml = FakeNvml
    Limits = Limits

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path

    @staticmethod
    def machine(**fields: float) -> Machine:
        return Machine(Clock(), **fields)

    @staticmethod
    def boards(nvml: FakeNvml) -> Boards:
        return open_nvml(nvml)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))
