"""The power sensor of an NVIDIA board, polled and integrated: for boards without a counter."""

from __future__ import annotations

import math
import time

from runner.measure.energy.nvml_counter import (
    BOARD_BIAS,
    board_disturbance,
    board_limit_w,
    board_scope,
    board_unavailable,
)
from runner.measure.energy.sensor import PowerSource
from runner.measure.energy.source import (
    Available,
    Clock,
    Domain,
    Sleep,
    SourceError,
    Unavailable,
)
from runner.measure.energy.ticker import Ticker
from runner.measure.nvml import Gpu, NoGpu, NvmlError


class NvmlSampled(PowerSource):
    """Field 186 (power now) where the driver has it, else ``nvmlDeviceGetPowerUsage``.

    The sensor itself looks at the board only part of the time (25 of every 100 ms on A100 and
    H100, half the time on P100), so a load with a period near its own aliases: simulated 32 %
    standard deviation over 0.2 s, under 0.8 % over 10 s. The stated bias covers the latter.
    """

    name = "nvml-sampled"
    domain: Domain = "gpu"
    bias = BOARD_BIAS

    def __init__(
        self,
        gpu: Gpu | NoGpu,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        ticker: Ticker | None = None,
    ) -> None:
        """Opens nothing yet.

        Args:
            gpu: The board, or the reason that there is none.
            clock: Monotonic seconds.
            sleep: Waits so many seconds.
            ticker: Calls the poll; a thread by default.
        """
        super().__init__(clock=clock, sleep=sleep, ticker=ticker)
        self._gpu = gpu
        self._instant = True

    @property
    def scope(self) -> str:
        """The whole board."""
        return board_scope(self._gpu)

    def probe(self) -> Available | Unavailable:
        """Chooses the sensor that answers and times its changes."""
        missing = board_unavailable(self._gpu)
        if missing is not None:
            return missing
        self._instant = True
        try:
            self._read_w()
        except SourceError:
            self._instant = False
        try:
            self.refresh_s = self.measure_refresh()
        except SourceError as error:
            return Unavailable(f"this board gives no power ({error})", None)
        averages = isinstance(self._gpu, Gpu) and self._gpu.averages_power()
        self.lag_s = 1.0 if not self._instant and averages else 0.0
        self.limit_w = board_limit_w(self._gpu)
        sensor = "power field 186" if self._instant else "nvmlDeviceGetPowerUsage"
        if self.lag_s:
            sensor += ", a one-second average"
        if self.refresh_assumed:
            sensor += f"; its refresh did not show, {self.refresh_s} s is assumed"
        return Available(self.refresh_s, sensor)

    def disturbance(self) -> str | None:
        """Other compute processes: the sensor cannot tell them from this one."""
        return board_disturbance(self._gpu)

    def _read_w(self) -> float:
        if isinstance(self._gpu, NoGpu):
            raise SourceError(self._gpu.reason)
        try:
            milliwatts = (
                self._gpu.power_instant_mw() if self._instant else self._gpu.power_usage_mw()
            )
        except NvmlError as error:
            raise SourceError(str(error)) from error
        # No board draws nothing: zero is how some drivers say "not supported".
        if not math.isfinite(milliwatts) or milliwatts <= 0:
            raise SourceError(f"the power sensor reads {milliwatts} mW")
        return milliwatts / 1000
