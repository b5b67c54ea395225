"""Whether machines that are called equal are: their calibrations, side by side.

Each session on a fleet measures, once a device, a fixed matrix product, a copy and a small model.
A node that is hot, throttled or shared shows there, before anybody compares its figures with those
of another.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass

from report.study import Study
from store import Environment, Peak

TOLERANCE = 0.1
"""Calibrations of one quiet machine agree within a few per cent; beyond this they count as
different."""


@dataclass(frozen=True)
class Calibration:
    """One machine's device, as its sessions measured it."""

    host: str
    device: str
    hardware: str
    """What its equals have alike."""
    sessions: int
    flops_per_s: float
    """Medians, as the next two."""
    bytes_per_s: float
    model_s: float | None
    deviation: float
    """Of the figure that is furthest from the median of its equals: 0.2 is 20 % better."""
    figure: str
    """Which one that is."""
    equals: int
    """Machines of this hardware, this one included."""

    @property
    def drifts(self) -> bool:
        """Whether it is too far away."""
        return abs(self.deviation) > TOLERANCE


def calibrations(study: Study) -> list[Calibration]:
    """Every machine with a calibration that has an equal."""
    found: dict[tuple[str, str, str], list[Peak]] = defaultdict(list)
    peaks = study.children(Peak, study.ok)
    for case in study.ok:
        environment = study.environment(case)
        for peak in peaks.get(case.row.result_id, ()):
            if environment is not None:
                key = (_hardware(environment, peak), environment.hostname, peak.device)
                found[key].append(peak)
    groups: dict[tuple[str, str], dict[str, list[Peak]]] = defaultdict(dict)
    for (hardware, host, device), members in found.items():
        groups[hardware, device][host] = members
    return [
        calibration
        for (hardware, device), hosts in groups.items()
        for calibration in _compare(hardware, device, hosts)
    ]


def _compare(hardware: str, device: str, hosts: dict[str, list[Peak]]) -> list[Calibration]:
    if len(hosts) == 1:
        return []
    own = {host: _figures(peaks) for host, peaks in hosts.items()}
    made = []
    for host, peaks in hosts.items():
        deviations = {
            name: value / statistics.median(other[name] for other in own.values()) - 1
            for name, value in own[host].items()
            if all(name in other for other in own.values())
        }
        figure = max(deviations, key=lambda name: abs(deviations[name]))
        made.append(
            Calibration(
                host=host,
                device=device,
                hardware=hardware,
                sessions=len(peaks),
                flops_per_s=own[host]["matrix product"],
                bytes_per_s=own[host]["copy"],
                model_s=1 / own[host]["small model"] if "small model" in own[host] else None,
                deviation=deviations[figure],
                figure=figure,
                equals=len(hosts),
            )
        )
    return made


def _figures(peaks: list[Peak]) -> dict[str, float]:
    """Medians, each of them the better the larger."""
    found = {
        "matrix product": statistics.median(peak.flops_per_s for peak in peaks),
        "copy": statistics.median(peak.bytes_per_s for peak in peaks),
    }
    seconds = [peak.model_s for peak in peaks if peak.model_s]
    return found | ({"small model": 1 / statistics.median(seconds)} if seconds else {})


def _hardware(environment: Environment, peak: Peak) -> str:
    """What two machines must have alike, threads included, for their calibrations to compare."""
    parts = [environment.architecture, environment.cpu_model]
    parts.append(f"{environment.cpu_physical_cores or environment.cpu_logical_cores} cores")
    parts.append(f"{environment.memory_bytes / 2**30:.0f} GiB")
    if not peak.device.startswith("cpu"):
        parts.append(environment.gpu_name or peak.device)
    elif peak.threads is not None:
        parts.append(f"{peak.threads} threads" if peak.threads > 1 else "1 thread")
    return ", ".join(parts)
