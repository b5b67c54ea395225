"""The energy counter of an NVIDIA board, Volta and later: joules of the whole board."""

from __future__ import annotations

import time

from runner.measure.energy.counter import CounterSource
from runner.measure.energy.source import (
    Available,
    Clock,
    Domain,
    Sleep,
    SourceError,
    Unavailable,
)
from runner.measure.nvml import Gpu, NoGpu, NvmlError

BOARD_BIAS = 0.10
"""Boards nobody calibrated: power sensors were found -8 to +13 % off an external meter
(JimZeyuYang/GPU_Power_Benchmark, Overall_Results.xlsx)."""


def board_unavailable(gpu: Gpu | NoGpu) -> Unavailable | None:
    """Why no NVML source can serve this board, or None."""
    if isinstance(gpu, NoGpu):
        return Unavailable(gpu.reason, gpu.remedy)
    if gpu.partitioned():
        return Unavailable(
            "the board is in MIG mode: its energy covers every instance",
            "measure on a board without MIG",
        )
    return None


def board_scope(gpu: Gpu | NoGpu) -> str:
    """What a figure of the board covers: all of it, by its UUID."""
    return f"board {gpu.uuid}" if isinstance(gpu, Gpu) else "board"


def board_limit_w(gpu: Gpu | NoGpu) -> float | None:
    """Power limit in force, in watts."""
    return gpu.enforced_limit_w() if isinstance(gpu, Gpu) else None


def board_disturbance(gpu: Gpu | NoGpu) -> str | None:
    """Other compute processes on the board, in words, or None."""
    others = gpu.other_processes() if isinstance(gpu, Gpu) else None
    if not others:
        return None
    return f"{others} other compute process{'es' if others > 1 else ''} on the board"


class NvmlCounter(CounterSource):
    """``nvmlDeviceGetTotalEnergyConsumption``: mJ, refreshed every 20 to 100 ms."""

    name = "nvml-counter"
    domain: Domain = "gpu"
    bias = BOARD_BIAS

    def __init__(
        self, gpu: Gpu | NoGpu, *, clock: Clock = time.monotonic, sleep: Sleep = time.sleep
    ) -> None:
        """Opens nothing yet.

        Args:
            gpu: The board, or the reason that there is none.
            clock: Monotonic seconds.
            sleep: Waits so many seconds.
        """
        super().__init__(clock=clock, sleep=sleep)
        self._gpu = gpu

    @property
    def scope(self) -> str:
        """The whole board."""
        return board_scope(self._gpu)

    def probe(self) -> Available | Unavailable:
        """Calls the counter rather than inferring it from the architecture, and times its ticks."""
        missing = board_unavailable(self._gpu)
        if missing is not None:
            return missing
        try:
            self.refresh_s = self.measure_refresh()
        except SourceError as error:
            return Unavailable(
                f"this board has no energy counter ({error})",
                "none: it came with Volta; nvml-sampled serves older boards",
            )
        self.limit_w = board_limit_w(self._gpu)
        return Available(self.refresh_s)

    def disturbance(self) -> str | None:
        """Other compute processes: the counter cannot tell them from this one."""
        return board_disturbance(self._gpu)

    def _read_uj(self) -> int:
        if isinstance(self._gpu, NoGpu):
            raise SourceError(self._gpu.reason)
        try:
            return self._gpu.energy_mj() * 1000
        except NvmlError as error:
            raise SourceError(str(error)) from error
