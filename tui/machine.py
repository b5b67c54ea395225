"""What this machine does while a job runs: read once a second, and only while somebody looks.

These readings are for the eye. The figures of a result come from the runner, by other means.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import psutil

from runner.measure.energy.rapl import Rapl
from runner.measure.energy.source import Available, Mark, SourceError
from runner.measure.nvml import Gpu, NvmlError, open_nvml
from store import JobRow, owner_is_alive

EVERY_S = 1.0
KEPT = 600


@dataclass(frozen=True)
class Reading:
    """One look at the machine; None where it cannot be seen."""

    cpu: float
    """Share of all cores, 0 to 1."""
    memory_bytes: int
    """In use on the machine."""
    job_bytes: int | None = None
    """Resident in the runner's processes, where they are this machine's."""
    cpu_w: float | None = None
    gpu: float | None = None
    gpu_bytes: int | None = None
    gpu_w: float | None = None

    @property
    def power_w(self) -> float | None:
        """Watts of CPU and GPU together, as far as they can be read."""
        parts = [watts for watts in (self.cpu_w, self.gpu_w) if watts is not None]
        return sum(parts) if parts else None


class Sampler:
    """A thread with the readings of the last minutes."""

    def __init__(self) -> None:
        self._readings: deque[Reading] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._stopped = threading.Event()
        self._looked_at = threading.Event()
        self._thread: threading.Thread | None = None

    def look_at(self, job: JobRow | None) -> None:
        """Reads from now on, for this job; None stops reading until somebody looks again."""
        owner = None if job is None else job.lease_owner
        alive = owner is not None and owner_is_alive(owner)
        self._pid = int(owner.split(":")[1]) if alive and owner is not None else None
        if job is None:
            self._looked_at.clear()
            return
        self._looked_at.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._read_on, name="machine", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends at the next reading; waits for nothing."""
        self._stopped.set()
        self._looked_at.set()

    def readings(self) -> tuple[Reading, ...]:
        """The readings there are, the last at the end."""
        with self._lock:
            return tuple(self._readings)

    def _read_on(self) -> None:
        psutil.cpu_percent()  # The first call has nothing to compare with.
        boards, rapl = open_nvml().gpus, _Rapl()
        while not self._stopped.wait(EVERY_S):
            if self._looked_at.wait() and not self._stopped.is_set():
                reading = _read(boards, rapl, self._pid)
                with self._lock:
                    self._readings.append(reading)


def _read(boards: tuple[Gpu, ...], rapl: _Rapl, pid: int | None) -> Reading:
    memory = psutil.virtual_memory()
    use = [share for board in boards if (share := board.utilisation()) is not None]
    held = [count for board in boards if (count := board.memory_used_bytes()) is not None]
    watts = [power for board in boards if (power := _board_w(board)) is not None]
    return Reading(
        cpu=psutil.cpu_percent() / 100,
        memory_bytes=memory.total - memory.available,
        job_bytes=None if pid is None else _resident(pid),
        cpu_w=rapl.watts(),
        gpu=max(use) if use else None,
        gpu_bytes=sum(held) if held else None,
        gpu_w=sum(watts) if watts else None,
    )


def _board_w(board: Gpu) -> float | None:
    try:
        return board.power_usage_mw() / 1e3
    except NvmlError:
        return None


def _resident(pid: int) -> int | None:
    try:
        runner = psutil.Process(pid)
        return sum(_rss(process) for process in (runner, *runner.children(recursive=True)))
    except psutil.Error:
        return None


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


class _Rapl:
    """Mean power of the CPU since the last reading; None for ever where there is no counter."""

    def __init__(self) -> None:
        source = Rapl()
        self._source: Rapl | None = source if isinstance(source.probe(), Available) else None
        self._last: Mark | None = None
        if self._source is not None:
            self._source.open()

    def watts(self) -> float | None:
        if self._source is None:
            return None
        try:
            now = self._source.read()
        except SourceError:
            self._source = None
            return None
        last, self._last = self._last, now
        if last is None or last.energy_uj is None or now.energy_uj is None:
            return None
        return (now.energy_uj - last.energy_uj) / 1e6 / max(1e-3, now.time_s - last.time_s)
