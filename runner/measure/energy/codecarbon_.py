"""codecarbon as recorder of record: what its model says of the same windows, verbatim.

codecarbon adds the CPU, the memory of the machine (always a model) and the GPUs it sees. Where
all parts are models their sum is a figure labelled ``estimated``. Where a part is a counter the
sum mixes labels, so it is kept in the detail and no joules are claimed.

The tracker runs offline and silent: no socket, no file, no lock, nothing on a terminal.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from runner.measure.energy.source import (
    Available,
    CarbonIntensity,
    Clock,
    Domain,
    EnergySource,
    Mark,
    Sleep,
    SourceError,
    Span,
    Unavailable,
)
from store.energy_marks import EnergyLabel

OLDEST = (3, 3, 2)
"""Before 3.3.2 a GPU without an energy counter counts as exactly 0 J (codecarbon #1316)."""

JOULES_PER_KWH = 3.6e6
_MODEL_MODES = frozenset({"cpu_load", "constant"})

_SETTINGS: Mapping[str, Any] = {
    # What a figure depends on, each at codecarbon's own default.
    "tracking_mode": "machine",
    "pue": 1.0,
    "wue": 0.0,
    "force_cpu_power": None,
    "force_ram_power": None,
    "force_mode_cpu_load": False,
    "rapl_include_dram": False,
    "rapl_prefer_psys": False,
    "gpu_ids": None,
    "measure_power_secs": 15.0,
    "region": None,
    "cloud_provider": None,
    "cloud_region": None,
    "country_2letter_iso_code": None,
    # What would write a file, open a connection or print.
    "project_name": "asrprof",
    "output_dir": ".",
    "output_methods": [],
    "output_handlers": [],
    "logging_logger": None,
    "emissions_endpoint": None,
    "electricitymaps_api_token": None,
    "metadata": None,
    "allow_multiple_runs": True,
    "log_level": "critical",
    "logger_preamble": "",
}
"""Every argument of the tracker that matters: it would take one that it is not given from
`~/.codecarbon.config`, `./.codecarbon.config` or a variable `CODECARBON_*`."""

Import = Callable[[str], ModuleType | Any]


class CodeCarbon(EnergySource):
    """One offline tracker a measurement, one task a window, after a warm task."""

    name = "codecarbon"
    label: EnergyLabel = "estimated"
    domain: Domain = "machine"

    def __init__(
        self,
        *,
        device: str = "cpu",
        country: str | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        load: Import = importlib.import_module,
        version: Callable[[str], str] = importlib.metadata.version,
    ) -> None:
        """Takes the device measured, because a figure without its GPU would mislead.

        Args:
            device: ``cpu`` or ``cuda:N``.
            country: ISO 3166-1 alpha-3 code for grams of CO2; by default the environment's
                ``CODECARBON_COUNTRY_ISO_CODE``, else the world's mean.
            clock: Monotonic seconds.
            sleep: Waits that many seconds.
            load: Imports a module by name.
            version: Gives the version of an installed distribution.
        """
        super().__init__(clock=clock, sleep=sleep)
        self._device = device
        self._country = country or os.environ.get("CODECARBON_COUNTRY_ISO_CODE")
        self._load = load
        self._version = version
        self._tracker: Any = None
        self._tasks: list[Any] = []
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
        """Starts a tracker and runs a warm task: its first looks at the hardware for seconds.

        Raises:
            SourceError: When the tracker does not come up.
        """
        self._tasks.clear()
        codecarbon = _import_silently(self._load)
        self.carbon = self._intensity()
        tracker = codecarbon.OfflineEmissionsTracker(
            **_SETTINGS,
            country_iso_code=self._country or "",
            # A forced intensity needs no look-up.
            force_carbon_intensity_g_co2e_kwh=self.carbon.kg_per_kwh * 1000,
        )
        # Its constructor swallows every exception; a tracker without a run id did not come up.
        if not hasattr(tracker, "run_id"):
            raise SourceError("codecarbon's tracker did not start")
        tracker.start_task("warm")
        if tracker.stop_task("warm") is None:
            raise SourceError("codecarbon's tracker gave no data for its warm task")
        self._tracker = tracker
        self._modes = tuple(_mode(hardware) for hardware in tracker._hardware)

    def close(self) -> None:
        """Stops the tracker's timers."""
        if self._tracker is not None:
            self._tracker.stop()
            self._tracker = None

    def begin(self) -> Mark:
        """Starts a task."""
        if self._tracker is None:
            raise SourceError("codecarbon was not opened")
        self._tracker.start_task(f"window-{len(self._tasks)}")
        return Mark(self.clock(), 0)

    def end(self) -> Mark:
        """Stops the task."""
        data = self._tracker.stop_task()
        if data is None:
            raise SourceError("codecarbon gave no data for a window")
        self._tasks.append(data)
        # On a CPU the GPUs of the machine idle beside the work and are no part of it.
        kwh = data.energy_consumed
        if self._device == "cpu":
            kwh = data.cpu_energy + data.ram_energy
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
        return json.dumps(
            {"modes": self._modes, "emissions_data": [dataclasses.asdict(t) for t in self._tasks]}
        )

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

    def _intensity(self) -> CarbonIntensity:
        emissions = self._load("codecarbon.core.emissions")
        data = self._load("codecarbon.input").DataSource()
        # An unknown country gets the world's mean without a word, so it is told apart here.
        known = self._country is not None and self._country in data.get_global_energy_mix_data()
        geo = self._load("codecarbon.external.geography").GeoMetadata(
            country_iso_code=self._country if known else None
        )
        one = self._load("codecarbon.core.units").Energy.from_energy(kWh=1)
        kilograms = emissions.Emissions(data, None).get_private_infra_emissions(one, geo)
        basis = f"country {self._country}" if known else "world mean"
        return CarbonIntensity(float(kilograms), f"codecarbon, {basis}")


def _import_silently(load: Import) -> Any:
    """Imports codecarbon with its logger shut: the level is read once, at import."""
    key = "CODECARBON_LOG_LEVEL"
    before = os.environ.get(key)
    os.environ[key] = "critical"
    try:
        module = load("codecarbon")
    except ImportError as error:
        raise SourceError(f"codecarbon cannot be imported: {error}") from error
    finally:
        if before is None:
            del os.environ[key]
        else:
            os.environ[key] = before
    logging.getLogger("codecarbon").setLevel(logging.CRITICAL)
    return module


def _mode(hardware: object) -> str:
    """``part: method``; codecarbon has no public field for it."""
    kind = type(hardware).__name__
    if kind == "RAM":
        return "ram: model"
    if kind == "CPU":
        return f"cpu: {getattr(hardware, '_mode', 'unknown')}"
    if kind == "GPU":
        return "gpu: nvml"
    return f"{getattr(hardware, 'chip_part', kind).lower()}: {kind.lower()}"


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.partition("+")[0].split(".")[:3]
    return tuple(int("".join(c for c in part if c.isdigit()) or 0) for part in parts)
