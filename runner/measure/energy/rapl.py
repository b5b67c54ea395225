"""RAPL: the joules of CPU packages and their memory, from Linux powercap (Intel and AMD).

The tree is nested: ``intel-rapl/intel-rapl:0`` is a package, ``intel-rapl:0:2`` a part of it.
A ``dram`` part is not inside the package's figure and is added; ``core`` and ``uncore`` are
inside and are not. ``psys`` covers packages again, and ``intel-rapl-mmio`` mirrors them by
another register; both are left out.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from runner.measure.energy.counter import CounterSource
from runner.measure.energy.source import (
    Available,
    Clock,
    Domain,
    Sleep,
    SourceError,
    Unavailable,
)

MAX_ZONE_W = 1000.0
"""No package or its memory draws more; a faster counter was reset, not wrapped."""

_DIE = re.compile(r"^(package-\d+)-die-\d+$")
_TOP = re.compile(r"^intel-rapl:\d+$")


@dataclass(frozen=True)
class Zone:
    """One counter of the tree."""

    name: str
    energy: Path
    range_uj: int | None
    """Where the counter wraps; None when the file is missing."""

    def read_uj(self) -> int:
        """The raw counter in uJ.

        Raises:
            OSError: When the file cannot be read.
            ValueError: When it does not hold a number.
        """
        return int(self.energy.read_text())


@dataclass
class _Meter:
    """A zone with its wraps undone."""

    zone: Zone
    last_uj: int
    last_s: float
    total_uj: int = 0

    def advance(self, now_s: float) -> int:
        raw = self.zone.read_uj()
        delta = unwrap(self.last_uj, raw, self.zone.range_uj)
        elapsed = now_s - self.last_s
        # Ticks are late by up to a millisecond, hence the allowance of one second.
        if delta < 0 or delta / 1e6 > MAX_ZONE_W * (elapsed + 1.0):
            raise SourceError(
                f"RAPL {self.zone.name} went from {self.last_uj} to {raw} uJ in {elapsed:.3f} s, "
                f"which no wrap at {self.zone.range_uj} uJ explains: it was reset"
            )
        self.total_uj += delta
        self.last_uj, self.last_s = raw, now_s
        return self.total_uj


def unwrap(before_uj: int, after_uj: int, range_uj: int | None) -> int:
    """Increase in µJ of a counter that may have wrapped once; negative when it was reset.

    Args:
        before_uj: The counter at the start.
        after_uj: The counter at the end.
        range_uj: Where the counter wraps; None where it is not known.
    """
    if after_uj >= before_uj or range_uj is None:
        return after_uj - before_uj
    return after_uj + range_uj - before_uj


class Rapl(CounterSource):
    """The sum of every package and its DRAM."""

    name = "rapl"
    domain: Domain = "cpu"

    def __init__(
        self,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        sysfs_root: Path = Path("/sys"),
        host_root: Path = Path("/host/powercap"),
    ) -> None:
        """Takes the trees to look in.

        Args:
            clock: Monotonic seconds.
            sleep: Waits that many seconds.
            sysfs_root: Where sysfs is mounted.
            host_root: The host's powercap tree in a container, where the engine masks its own.
        """
        super().__init__(clock=clock, sleep=sleep)
        self._roots = (
            host_root,
            sysfs_root / "devices" / "virtual" / "powercap",
            sysfs_root / "class" / "powercap",
        )
        self._meters: tuple[_Meter, ...] = ()
        self._zones: tuple[Zone, ...] = ()

    @property
    def scope(self) -> str:
        """``package``, ``package+dram``, with the number of packages where several."""
        packages = sum(not zone.name.endswith("/dram") for zone in self._zones)
        dram = any(zone.name.endswith("/dram") for zone in self._zones)
        text = "package+dram" if dram else "package"
        return text if packages <= 1 else f"{text} x{packages}"

    def probe(self) -> Available | Unavailable:
        """Finds the zones and reads them until they advance."""
        self._zones = ()
        root = next((r for r in self._roots if _tops(r)), None)
        if root is None:
            return Unavailable(
                "no RAPL zones under /sys/devices/virtual/powercap or /host/powercap: a virtual "
                "machine, a CPU without RAPL, or a container whose engine masks them",
                "run on bare metal; in a container add "
                "-v /sys/devices/virtual/powercap:/host/powercap:ro",
            )
        try:
            zones = find_zones(root)
            for zone in zones:
                zone.read_uj()
        except PermissionError as error:
            return Unavailable(
                f"no permission to read {error.filename} (mode 0400 since Linux 5.10, "
                "CVE-2020-8694)",
                permission_remedy(root),
            )
        except (OSError, ValueError) as error:
            return Unavailable(f"RAPL cannot be read: {error}", None)
        if not zones:
            return Unavailable("RAPL shows no package zone, only psys or parts", None)
        self._zones = zones
        try:
            self._start()
            self.refresh_s = self.measure_refresh()
        except SourceError as error:
            return Unavailable(str(error), "none: zones that stand still are not real")
        return Available(self.refresh_s, ", ".join(zone.name for zone in zones))

    def open(self) -> None:
        """Starts the totals at zero."""
        super().open()
        self._start()

    def _start(self) -> None:
        now = self.clock()
        try:
            self._meters = tuple(_Meter(zone, zone.read_uj(), now) for zone in self._zones)
        except (OSError, ValueError) as error:
            raise SourceError(f"RAPL can no longer be read: {error}") from error

    def _read_uj(self) -> int:
        if not self._meters:
            raise SourceError("RAPL was not opened")
        now = self.clock()
        try:
            return sum(meter.advance(now) for meter in self._meters)
        except (OSError, ValueError) as error:
            raise SourceError(f"RAPL can no longer be read: {error}") from error


def find_zones(root: Path) -> tuple[Zone, ...]:
    """Packages and their DRAM below a powercap tree, mirrored dies dropped.

    Args:
        root: A directory that holds ``intel-rapl`` (the tree) or ``intel-rapl:N`` (the class).

    Raises:
        OSError: When a name or a counter cannot be read.
        ValueError: When a counter does not hold a number.
    """
    packages: list[tuple[Zone, Path]] = []
    for top in _tops(root):
        name = (top / "name").read_text().strip()
        if name.startswith("package"):
            packages.append((_zone(name, top), top))
    zones: list[Zone] = []
    for position, (zone, top) in enumerate(packages):
        if any(_mirrors(zone, other) for other, _ in packages[:position]):
            continue
        zones.append(zone)
        for part in sorted(top.glob(f"{top.name}:*")):
            if (part / "name").read_text().strip() == "dram":
                zones.append(_zone(f"{zone.name}/dram", part))
    return tuple(zones)


def permission_remedy(root: Path) -> str:
    """The lines that let the caller's group read RAPL until the next boot."""
    files = f"$(find {root} -name energy_uj)"
    return (
        f"sudo chgrp $(id -g) {files} && sudo chmod 0440 {files} (until the next boot); in a "
        "container also --group-add with that group, or run it as root"
    )


def _tops(root: Path) -> tuple[Path, ...]:
    tree = root / "intel-rapl"
    base = tree if tree.is_dir() else root
    if not base.is_dir():
        return ()
    found = [path for path in base.iterdir() if _TOP.match(path.name) and path.is_dir()]
    return tuple(sorted(found, key=lambda path: int(path.name.partition(":")[2])))


def _zone(name: str, directory: Path) -> Zone:
    try:
        range_uj: int | None = int((directory / "max_energy_range_uj").read_text())
    except (OSError, ValueError):
        range_uj = None
    return Zone(name, directory / "energy_uj", range_uj)


def _mirrors(zone: Zone, other: Zone) -> bool:
    """True where two dies of one package show one counter.

    Some AMD parts list a zone a die and give each the package's joules. Two sockets may be close
    by chance and are never dropped; dies are only when a reading lies between two readings of
    the other, taken at once, twice over.
    """
    ours, theirs = _DIE.match(zone.name), _DIE.match(other.name)
    if ours is None or theirs is None or ours[1] != theirs[1]:
        return False
    for _ in range(2):
        before, value, after = other.read_uj(), zone.read_uj(), other.read_uj()
        if not before <= value <= after:
            return False
    return True
