"""Peak memory of the case's own process, and of its GPU.

Host: the kernel keeps the peak of the resident set (``VmHWM``); writing 5 to ``clear_refs``
starts it afresh, so that a case is not charged for the one before it in the same process. GPU:
the framework's peak of allocated and of reserved bytes, which leave out the CUDA context, and
the board's used bytes as NVML sees them, which include it and every other process. The board
has no peak of its own: it is the highest of the values looked at, so a short spike between two
looks is missed.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from runner.measure.nvml import Gpu
from store.records import Memory

POLL_S = 0.1
"""The board is looked at no more often than this."""


@dataclass(frozen=True)
class LoadMemory:
    """Resident set of the process that loaded the model, and of this one, which took it over."""

    before_bytes: int
    """Before it was loaded."""
    peak_bytes: int
    """The highest while it was loaded."""
    taken_bytes: int
    """This process, when it had taken it over."""


class PeakMemory:
    """Counts from `reset`, which belongs before the model is loaded, to `read`."""

    def __init__(
        self,
        device: str = "cpu",
        *,
        gpu: Gpu | None = None,
        process: Path = Path("/proc/self"),
        clock: Callable[[], float] = time.monotonic,
        torch: ModuleType | Any | None = None,
        rusage_bytes: Callable[[], int] | None = None,
    ) -> None:
        """Takes the device, and where to read.

        Args:
            device: ``cpu``, ``cuda`` or ``cuda:N``.
            gpu: The board of a CUDA case.
            process: The process's folder in procfs.
            clock: Monotonic seconds.
            torch: The framework; the loaded one, if any, when None.
            rusage_bytes: Peak resident set by ``getrusage``, for systems without procfs.
        """
        self._device = device
        self._gpu = gpu
        self._process = process
        self._clock = clock
        self._torch = torch
        self._rusage_bytes = rusage_bytes or _rusage_bytes
        self._before = 0
        self._while_loading = 0
        self._board: int | None = None
        self._polled = -POLL_S
        self.note: str | None = None
        """Why the host peak is less exact than it could be, or None."""

    def reset(self, loaded: LoadMemory | None = None) -> None:
        """Starts every peak afresh and notes the resident set as the baseline.

        Args:
            loaded: Where another process has loaded the model: the figures are those of a process
                that has done both, what this one has beside the model included.
        """
        self.note = None
        self._board = None
        self._while_loading = 0
        try:
            (self._process / "clear_refs").write_text("5")
        except OSError as error:
            self.note = (
                f"the kernel's peak cannot be reset ({error.strerror}): it may come from before "
                "the case"
            )
        self._before = self.resident_bytes()
        if loaded is not None:
            own = max(0, self._before - loaded.taken_bytes)
            self._before = loaded.before_bytes + own
            self._while_loading = loaded.peak_bytes + own
        cuda = self._cuda()
        # Before CUDA starts there is nothing to reset, and torch refuses to.
        if cuda is not None and cuda.is_initialized():
            cuda.reset_peak_memory_stats(self._device)
        self.poll(now=True)

    def poll(self, *, now: bool = False) -> None:
        """Looks at the board, at most ten times a second; for between batches."""
        if self._gpu is None or (not now and self._clock() - self._polled < POLL_S):
            return
        self._polled = self._clock()
        used = self._gpu.memory_used_bytes()
        if used is not None:
            self._board = max(used, self._board or 0)

    def read(self, weights_bytes: int | None = None) -> Memory:
        """The peaks since `reset`.

        Args:
            weights_bytes: Bytes of the model's parameters and buffers, which the engine knows.
        """
        self.poll(now=True)
        if self._status("VmHWM") is None:
            self.note = "no procfs: the peak is getrusage's, since the process began"
        cuda = self._cuda()
        return Memory(
            # The baseline and the peak are read from different counters, which lag differently.
            rss_bytes=max(self.peak_bytes(), self._while_loading, self._before),
            rss_before_bytes=self._before,
            weights_bytes=weights_bytes,
            gpu_allocated_bytes=int(cuda.max_memory_allocated(self._device)) if cuda else None,
            gpu_reserved_bytes=int(cuda.max_memory_reserved(self._device)) if cuda else None,
            gpu_board_bytes=self._board,
        )

    def resident_bytes(self) -> int:
        """The resident set now; its peak where there is no procfs."""
        return self._status("VmRSS") or self._rusage_bytes()

    def peak_bytes(self) -> int:
        """The highest resident set of this process since `reset`."""
        return self._status("VmHWM") or self._rusage_bytes()

    def _cuda(self) -> Any | None:
        if self._device == "cpu":
            return None
        torch = self._torch if self._torch is not None else sys.modules.get("torch")
        cuda = getattr(torch, "cuda", None)
        return cuda if cuda is not None and cuda.is_available() else None

    def _status(self, key: str) -> int | None:
        try:
            text = (self._process / "status").read_text()
        except OSError:
            return None
        for line in text.splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
        return None


def _rusage_bytes() -> int:
    """Peak resident set since the process began; kilobytes on Linux, bytes on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
