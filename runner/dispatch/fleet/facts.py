"""What a node of a fleet knows of itself: its hardware, its asrprof, and what doctor says there."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

from runner import __version__
from runner.dispatch.fleet.needs import ARCH, HOST, normalise
from runner.doctor import Check, examine
from runner.measure.environment import read_cpu, read_memory_bytes
from runner.measure.nvml import open_nvml
from store.schema import SCHEMA_VERSION

SLOT = "asrprof"
"""The resource of which a node has one for each job that it may measure at once."""


@dataclass(frozen=True)
class NodeFacts:
    """A node's own words."""

    host: str
    arch: str
    cpu: str
    cores: int | None
    threads: int
    memory_bytes: int
    gpus: tuple[str, ...]
    version: str
    """Of asrprof."""
    schema: int
    """Of the stores that it writes."""
    python: str
    checks: tuple[Check, ...]
    """What ``asrprof doctor`` says there."""

    @property
    def hardware(self) -> str:
        """What two nodes must have alike to be measured as one."""
        memory = f"{self.memory_bytes / 2**30:.0f} GiB"
        cores = f"{self.cores or '?'} cores, {self.threads} threads"
        return ", ".join((self.arch, self.cpu, cores, memory, *sorted(self.gpus)))


def tell_facts() -> NodeFacts:
    """Looks around on this machine; takes up to two seconds."""
    cpu = read_cpu(Path("/proc"), Path("/sys"))
    boards = open_nvml()
    # Ray hides the boards from a process that asks for none, this one.
    environ = {name: value for name, value in os.environ.items() if "VISIBLE_DEVICES" not in name}
    report = examine(boards=boards, environ=environ)
    return NodeFacts(
        host=socket.gethostname(),
        arch=normalise("arch", platform.machine()),
        cpu=cpu.model,
        cores=cpu.physical_cores,
        threads=cpu.logical_cores,
        memory_bytes=read_memory_bytes(Path("/proc")),
        gpus=tuple(gpu.name for gpu in boards.gpus),
        version=__version__,
        schema=SCHEMA_VERSION,
        python=platform.python_version(),
        # A node has no store of its own.
        checks=tuple(check for check in report.checks if check.name != "store"),
    )


def start_flags() -> list[str]:
    """Arguments of ``ray start`` that make this machine a node that measures."""
    host = "".join(c if c.isalnum() or c in "-_." else "-" for c in socket.gethostname())[:63]
    labels = {ARCH: normalise("arch", platform.machine()), HOST: host.strip("-_.") or "node"}
    return [
        f'--resources={{"{SLOT}":1}}',
        f"--labels={','.join(f'{name}={value}' for name, value in labels.items())}",
    ]
