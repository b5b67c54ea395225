"""A sensor of watts: polled all along, and integrated over the work."""

from __future__ import annotations

import statistics
import time
from abc import abstractmethod

from runner.measure.energy.integral import PowerReading, integrate, largest_gap
from runner.measure.energy.source import (
    PROBE_BOUND_S,
    PROBE_TICKS,
    Clock,
    EnergySource,
    Mark,
    Sleep,
    SourceError,
    Span,
    Trace,
)
from runner.measure.energy.ticker import ThreadTicker, Ticker
from store.energy_marks import EnergyLabel

ASSUMED_REFRESH_S = 0.1
"""Taken where a sensor did not change while probed: the slowest refresh known of NVML boards."""

MAX_GAP_REFRESHES = 5
"""A gap between power readings longer than this many refresh periods spoils an integral."""


class PowerSource(EnergySource):
    """A power sensor, polled at half its refresh period from before the work to after it.

    Every reading is kept with its own time. Readings that are equal are not merged: a trapezoid
    over merged readings loses energy, all of it at constant power.
    """

    label: EnergyLabel = "sampled"
    lag_s: float = 0.0
    """Seconds the sensor averages over, where longer than its refresh period."""

    def __init__(
        self,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        ticker: Ticker | None = None,
    ) -> None:
        """Opens nothing yet.

        Args:
            clock: Monotonic seconds.
            sleep: Waits so many seconds.
            ticker: Calls the poll; a thread by default.
        """
        super().__init__(clock=clock, sleep=sleep)
        self._ticker = ticker or ThreadTicker()
        self._readings: list[PowerReading] = []
        self._lost = 0
        self.refresh_assumed = False

    @abstractmethod
    def _read_w(self) -> float:
        """Power now in watts.

        Raises:
            SourceError: Where it cannot be read.
        """

    @property
    def edge_s(self) -> float:
        """The refresh period or the sensor's averaging time, whichever is longer."""
        return max(self.refresh_s or ASSUMED_REFRESH_S, self.lag_s)

    @property
    def readings(self) -> tuple[PowerReading, ...]:
        """Every valid reading since the source was opened."""
        return tuple(self._readings)

    def measure_refresh(self) -> float:
        """Median seconds between changes of the reading; assumed where it hardly changes."""
        start = last_change = self.clock()
        last = self._read_w()
        changes: list[float] = []
        while len(changes) <= PROBE_TICKS and self.clock() - start < PROBE_BOUND_S:
            self.sleep(0.001)
            power = self._read_w()
            now = self.clock()
            if power != last:
                changes.append(now - last_change)
                last, last_change = power, now
        # The first interval began between two changes.
        intervals = changes[1:]
        self.refresh_assumed = len(intervals) < 2
        return ASSUMED_REFRESH_S if self.refresh_assumed else statistics.median(intervals)

    def open(self) -> None:
        """Starts polling."""
        self._readings.clear()
        self._lost = 0
        period = max((self.refresh_s or ASSUMED_REFRESH_S) / 2, 0.005)
        self._poll()
        self._ticker.start(period, self._poll)

    def close(self) -> None:
        """Stops polling."""
        self._ticker.stop()

    def begin(self) -> Mark:
        """The time; the sensor is polled all along."""
        return Mark(self.clock())

    def end(self) -> Mark:
        """The time."""
        return Mark(self.clock())

    def joules(self, span: Span, edge_w: float) -> float:
        """Integral over the work alone."""
        readings = self.readings
        refresh = self.refresh_s or ASSUMED_REFRESH_S
        gap = largest_gap(readings, span.t0, span.t1)
        if gap is None:
            raise SourceError(
                f"{self.name} has no reading on either side of the window "
                f"({len(readings)} readings, {self._lost} lost)"
            )
        if gap > MAX_GAP_REFRESHES * refresh:
            raise SourceError(
                f"{self.name} was not read for {gap:.3f} s, more than {MAX_GAP_REFRESHES} refresh "
                f"periods of {refresh:.3f} s ({self._lost} readings lost)"
            )
        return integrate(readings, span.t0, span.t1)

    def trace(self) -> tuple[Trace, ...]:
        """Watts."""
        return tuple(Trace(r.time_s, r.power_w, None) for r in self._readings)

    def _poll(self) -> None:
        before = self.clock()
        try:
            power = self._read_w()
        except SourceError:
            # One lost reading is a gap; too long a gap refuses the window.
            self._lost += 1
            return
        self._readings.append(PowerReading((before + self.clock()) / 2, power))
