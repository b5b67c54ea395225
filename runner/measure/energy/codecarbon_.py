"""codecarbon as recorder of record: what its model says of the same windows, verbatim.

codecarbon adds the CPU, the memory of the machine (always a model) and the GPUs it sees. Where
all parts are models their sum is a figure labelled ``estimated``. Where a part is a counter the
sum mixes labels, so it is kept in the detail and no joules are claimed.
"""

from __future__ import annotations

import importlib.metadata
import json
import time
from collections.abc import Callable

from runner.measure.energy.source import (
    Available,
    Clock,
    Domain,
    EnergySource,
    Mark,
    Sleep,
    SourceError,
    Span,
    Unavailable,
)
from runner.measure.energy.tracker import LocalTracker, TaskData, Tracker
from store.energy_marks import EnergyLabel

OLDEST = (3, 3, 2)
"""Before 3.3.2 a GPU without an energy counter counts as exactly 0 J (codecarbon #1316)."""

JOULES_PER_KWH = 3.6e6
_MODEL_MODES = frozenset({"cpu_load", "constant"})


class CodeCarbon(EnergySource):
    """One offline tracker a measurement, one task a window, after a warm task."""

    name = "codecarbon"
    label: EnergyLabel = "estimated"
    domain: Domain = "machine"

    def __init__(
        self,
        *,
        device: str = "cpu",
        tracker: Tracker | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        version: Callable[[str], str] = importlib.metadata.version,
    ) -> None:
        """Takes the device measured, because a figure without its GPU would mislead.

        Args:
            device: ``cpu`` or ``cuda:N``.
            tracker: Where codecarbon runs; in this process when None.
            clock: Monotonic seconds.
            sleep: Waits that many seconds.
            version: Gives the version of an installed distribution.
        """
        super().__init__(clock=clock, sleep=sleep)
        self._device = device
        self._tracker = tracker or LocalTracker()
        self._version = version
        self._tasks: list[TaskData] = []
        self._modes: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """The machine, and the parts that make up the figure."""
        return "machine: cpu+ram" if self._device == "cpu" else "machine: cpu+ram+gpu"

    @property
    def edge_s(self) -> float:
        """A task starts and stops within a few milliseconds."""
        return 0.005

    def probe(self) -> Available | Unavailable:
        """Looks at the installed version only: importing it is left to `open`."""
        try:
            text = self._version("codecarbon")
        except importlib.metadata.PackageNotFoundError:
            return Unavailable("codecarbon is not installed", 'pip install "codecarbon>=3.3.2"')
        if _numbers(text) < OLDEST:
            return Unavailable(
                f"codecarbon {text} counts a GPU without a counter as 0 J",
                'pip install "codecarbon>=3.3.2"',
            )
        return Available(None, f"version {text}")

    def open(self) -> None:
        """Starts a tracker.

        Raises:
            SourceError: When it does not come up.
        """
        self._tasks.clear()
        tracked = self._tracker.open()
        self._modes, self.carbon = tracked.modes, tracked.carbon

    def close(self) -> None:
        """Stops the tracker."""
        self._tracker.close()

    def begin(self) -> Mark:
        """Starts a task."""
        self._tracker.begin()
        return Mark(self.clock(), 0)

    def end(self) -> Mark:
        """Stops the task."""
        data = self._tracker.end()
        self._tasks.append(data)
        # On a CPU the GPUs of the machine idle beside the work and are no part of it.
        if self._device == "cpu":
            kwh = data["cpu_energy"] + data["ram_energy"]
        else:
            kwh = data["energy_consumed"]
        return Mark(self.clock(), round(kwh * JOULES_PER_KWH * 1e6))

    def joules(self, span: Span, edge_w: float) -> float:
        """What the model says of the task.

        Raises:
            SourceError: Where parts of the sum bear different labels, or it has no GPU.
        """
        mixed = self._mixed()
        if mixed is not None:
            raise SourceError(mixed)
        return (span.end.energy_uj or 0) / 1e6

    def extra(self) -> str:
        """Modes and every task's EmissionsData, as codecarbon gave it."""
        return json.dumps({"modes": self._modes, "emissions_data": self._tasks})

    def _mixed(self) -> str | None:
        parts = dict(mode.split(": ", 1) for mode in self._modes)
        gpu = parts.get("gpu")
        if self._device != "cpu" and gpu is None:
            return "codecarbon sees no GPU here: its figure would be CPU and memory alone"
        cpu = parts.get("cpu", "none")
        sensors = [] if cpu in _MODEL_MODES else [f"CPU by {cpu}"]
        if gpu is not None and self._device != "cpu":
            sensors.append("GPU by NVML")
        if not sensors:
            return None
        return (
            f"codecarbon adds {' and '.join(sensors)} to a memory model: a sum of different "
            "labels (its figures are in the detail)"
        )


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.partition("+")[0].split(".")[:3]
    return tuple(int("".join(c for c in part if c.isdigit()) or 0) for part in parts)
