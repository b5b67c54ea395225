"""codecarbon's tracker: opened once, one task a window, whatever it says handed on as plain data.

It runs offline and silent: no socket, no file, no lock, nothing on a terminal. What it imports is
some 80 MB, so where memory counts it is a process of its own (`tracker_process`).
"""

from __future__ import annotations

import dataclasses
import importlib
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from runner.measure.energy.source import CarbonIntensity, SourceError

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

TaskData = Mapping[str, Any]
"""codecarbon's EmissionsData, field by field; energies in kWh."""


@dataclass(frozen=True)
class Tracked:
    """What a tracker found when it came up."""

    modes: tuple[str, ...]
    """``part: method`` of each part of its figure."""
    carbon: CarbonIntensity


class Tracker(Protocol):
    """Runs tasks, one at a time. Each method may raise `SourceError` with the reason."""

    def open(self) -> Tracked:
        """Starts it, with a warm task: its first looks at the hardware for a second."""

    def begin(self) -> None:
        """Starts a task."""

    def end(self) -> TaskData:
        """Stops the task; returns what the model says of it."""

    def close(self) -> None:
        """Stops it; harmless when it is not open."""


class LocalTracker:
    """A tracker in this process."""

    def __init__(
        self, country: str | None = None, *, load: Import = importlib.import_module
    ) -> None:
        """Imports nothing yet.

        Args:
            country: ISO 3166-1 alpha-3 code for grams of CO2; by default the environment's
                ``CODECARBON_COUNTRY_ISO_CODE``, else the world's mean.
            load: Imports a module by name.
        """
        self._country = country or os.environ.get("CODECARBON_COUNTRY_ISO_CODE")
        self._load = load
        self._tracker: Any = None
        self._count = 0

    def open(self) -> Tracked:
        """See :class:`Tracker`.

        Raises:
            SourceError: When the tracker does not come up.
        """
        codecarbon = _import_silently(self._load)
        carbon = self._intensity()
        tracker = codecarbon.OfflineEmissionsTracker(
            **_SETTINGS,
            country_iso_code=self._country or "",
            # A forced intensity needs no look-up.
            force_carbon_intensity_g_co2e_kwh=carbon.kg_per_kwh * 1000,
        )
        # Its constructor swallows every exception; a tracker without a run id did not come up.
        if not hasattr(tracker, "run_id"):
            raise SourceError("codecarbon's tracker did not start")
        tracker.start_task("warm")
        if tracker.stop_task("warm") is None:
            raise SourceError("codecarbon's tracker gave no data for its warm task")
        self._tracker = tracker
        return Tracked(tuple(_mode(hardware) for hardware in tracker._hardware), carbon)

    def begin(self) -> None:
        """See :class:`Tracker`.

        Raises:
            SourceError: it is not open.
        """
        if self._tracker is None:
            raise SourceError("codecarbon was not opened")
        self._count += 1
        self._tracker.start_task(f"window-{self._count}")

    def end(self) -> TaskData:
        """See :class:`Tracker`.

        Raises:
            SourceError: there is no data.
        """
        data = self._tracker.stop_task()
        if data is None:
            raise SourceError("codecarbon gave no data for a window")
        return dataclasses.asdict(data)

    def close(self) -> None:
        """See :class:`Tracker`."""
        if self._tracker is not None:
            self._tracker.stop()
            self._tracker = None

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
