"""Which energy sources work for a device here, and what is missing for the rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.measure.energy.codecarbon_ import CodeCarbon
from runner.measure.energy.nvml_counter import NvmlCounter
from runner.measure.energy.nvml_sampled import NvmlSampled
from runner.measure.energy.rapl import Rapl
from runner.measure.energy.source import Available, Clock, EnergySource, Sleep, Unavailable
from runner.measure.energy.tracker import LocalTracker
from runner.measure.energy.tracker_process import RemoteTracker
from runner.measure.nvml import Boards, open_nvml


@dataclass(frozen=True)
class Found:
    """A source that works, with what the probe told."""

    source: EnergySource
    available: Available


@dataclass(frozen=True)
class Missing:
    """A source that does not work here."""

    source: EnergySource
    unavailable: Unavailable


@dataclass(frozen=True)
class Discovery:
    """Every source of a device, sorted by whether it works."""

    found: tuple[Found, ...]
    missing: tuple[Missing, ...]

    @property
    def sources(self) -> tuple[EnergySource, ...]:
        """The sources to measure with."""
        return tuple(found.source for found in self.found)


def discover(
    device: str,
    *,
    boards: Boards | None = None,
    sysfs_root: Path = Path("/sys"),
    host_root: Path = Path("/host/powercap"),
    country: str | None = None,
    tracker: Path | None = None,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
) -> Discovery:
    """Probes every source that concerns a device. Takes under two seconds.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        boards: NVML's boards; opened when None and the device needs them.
        sysfs_root: Where sysfs is mounted.
        host_root: The host's powercap tree in a container.
        country: See `LocalTracker`.
        tracker: Socket of the process that runs codecarbon; it runs in this one when None.
        clock: Monotonic seconds.
        sleep: Waits that many seconds.
    """
    sources: list[EnergySource] = []
    if device != "cpu":
        gpu = (boards if boards is not None else open_nvml()).find(device)
        sources += [
            NvmlCounter(gpu, clock=clock, sleep=sleep),
            NvmlSampled(gpu, clock=clock, sleep=sleep),
        ]
    sources += [
        Rapl(clock=clock, sleep=sleep, sysfs_root=sysfs_root, host_root=host_root),
        CodeCarbon(
            device=device,
            tracker=LocalTracker(country) if tracker is None else RemoteTracker(tracker),
            clock=clock,
            sleep=sleep,
        ),
    ]
    return sort_sources(sources)


def sort_sources(sources: Sequence[EnergySource]) -> Discovery:
    """Probes the sources given."""
    found: list[Found] = []
    missing: list[Missing] = []
    for source in sources:
        answer = source.probe()
        if isinstance(answer, Available):
            found.append(Found(source, answer))
        else:
            missing.append(Missing(source, answer))
    return Discovery(tuple(found), tuple(missing))
