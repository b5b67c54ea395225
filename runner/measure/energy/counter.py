"""A hardware counter of joules: read at its ticks, so that a window's edges are sharp."""

from __future__ import annotations

import statistics
import time
from abc import abstractmethod
from itertools import pairwise

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
from store.energy_marks import EnergyLabel


class CounterSource(EnergySource):
    """A hardware counter of joules, read at its ticks."""

    label: EnergyLabel = "measured"

    def __init__(self, *, clock: Clock = time.monotonic, sleep: Sleep = time.sleep) -> None:
        """See `EnergySource`."""
        super().__init__(clock=clock, sleep=sleep)
        self._marks: list[Mark] = []
        self._last_uj: int | None = None

    @abstractmethod
    def _read_uj(self) -> int:
        """The counter now, unwrapped, in uJ.

        Raises:
            SourceError: Where it cannot be read.
        """

    def read(self) -> Mark:
        """The counter with the time of the reading.

        Raises:
            SourceError: Where it cannot be read or went back.
        """
        before = self.clock()
        energy = self._read_uj()
        if self._last_uj is not None and energy < self._last_uj:
            lost = (self._last_uj - energy) / 1e6
            raise SourceError(f"{self.name} went back by {lost:.3f} J: it was reset")
        self._last_uj = energy
        return Mark((before + self.clock()) / 2, energy)

    def wait_for_tick(self, bound_s: float | None = None) -> Mark:
        """Spins until the counter moves; the tick's own time makes the edge sharp.

        Args:
            bound_s: Longest wait; ten refresh periods, at least 0.5 s, by default.

        Raises:
            SourceError: When it does not move within the bound.
        """
        refresh = self.refresh_s or 0.0
        bound = bound_s if bound_s is not None else max(0.5, 10 * refresh)
        # A slow counter needs no hot loop, and a hot loop would heat what is being measured.
        pause = refresh / 50 if refresh > 0.005 else 0.0
        first = self.read()
        while True:
            if pause:
                self.sleep(pause)
            mark = self.read()
            if mark.energy_uj != first.energy_uj:
                return mark
            if mark.time_s - first.time_s > bound:
                raise SourceError(f"{self.name} did not advance in {bound:.2f} s")

    def measure_refresh(self) -> float:
        """Median seconds between ticks.

        Raises:
            SourceError: When the counter stands still.
        """
        start = self.clock()
        marks = [self.wait_for_tick(PROBE_BOUND_S)]
        while len(marks) <= PROBE_TICKS and self.clock() - start < PROBE_BOUND_S:
            marks.append(self.wait_for_tick(PROBE_BOUND_S))
        if len(marks) == 1:
            marks.append(self.wait_for_tick(PROBE_BOUND_S))
        return statistics.median(b.time_s - a.time_s for a, b in pairwise(marks))

    def open(self) -> None:
        """Forgets the readings of an earlier measurement."""
        self._marks.clear()
        self._last_uj = None

    def close(self) -> None:
        """A counter holds nothing open."""

    def begin(self) -> Mark:
        """Waits for a tick."""
        mark = self.wait_for_tick()
        self._marks.append(mark)
        return mark

    def end(self) -> Mark:
        """Waits for a tick."""
        return self.begin()

    def touch(self) -> None:
        """Reads the counter once."""
        self._marks.append(self.read())

    def joules(self, span: Span, edge_w: float) -> float:
        """Difference of the counter, less ``edge_w`` over both edges."""
        begin, end = span.begin, span.end
        if begin.energy_uj is None or end.energy_uj is None:
            raise SourceError(f"{self.name} gave no counter at an end of the window")
        delta = end.energy_uj - begin.energy_uj
        if delta < 0:
            raise SourceError(f"{self.name} went back by {-delta / 1e6:.3f} J: it was reset")
        if delta == 0:
            raise SourceError(f"{self.name} did not advance in {span.seconds:.2f} s: 0 J")
        edges = (span.t0 - begin.time_s) + (end.time_s - span.t1)
        return delta / 1e6 - edge_w * edges

    def trace(self) -> tuple[Trace, ...]:
        """Joules since the first mark."""
        if not self._marks:
            return ()
        first = self._marks[0].energy_uj or 0
        return tuple(
            Trace(mark.time_s, None, ((mark.energy_uj or 0) - first) / 1e6) for mark in self._marks
        )
