"""The timed part of the energy recipe: idle, windows of whole rounds, idle again.

A window is long against the refresh of every meter. Every source watches the same windows, so that
they can be compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runner.measure.conditions import CpuTimes, foreign_share
from runner.measure.energy.evaluate import MIN_WINDOW_S, Recording
from runner.measure.energy.sensor import ASSUMED_REFRESH_S, PowerSource
from runner.measure.energy.source import (
    Clock,
    EnergySource,
    Mark,
    Sleep,
    SourceError,
    Span,
)
from store.records import PowerSample

TICKS_A_WINDOW = 100
"""Refresh periods in a window: an edge error of one of them is then 1 % of the step in power."""

SETTLE_S = 1.0
"""Rest before an idle baseline: clocks fall, and sensors that average forget the work."""

TOUCH_S = 0.5
"""Counters are read this often within a span: far below the time in which any RAPL wraps."""

ENOUGH_FACTOR = 3
"""Where one round of the cycle outlasts a window, two windows are enough once this many times the
asked-for seconds were measured: scatter shrinks with time, not with the number of windows."""

Progress = Callable[[str, float], None]


class Schedule(Protocol):
    """The part of a config's `limits` that concerns energy."""

    @property
    def energy_window_seconds(self) -> float:
        """Shortest window."""

    @property
    def energy_windows(self) -> int:
        """How many windows."""

    @property
    def energy_idle_seconds(self) -> float:
        """Idle baseline before and after."""

    @property
    def energy_cooldown_seconds(self) -> float:
        """Pause between windows."""


def required_window_s(sources: Sequence[EnergySource], limits: Schedule) -> float:
    """Length of a window: the config's, 2 s at least, and 100 refresh periods of the slowest.

    Without a meter it is 2 s: what a model of power says of a second, it says of the next as well.
    """
    metered = [_refresh(source) for source in sources if source.label != "estimated"]
    if not metered:
        return MIN_WINDOW_S
    return max(limits.energy_window_seconds, MIN_WINDOW_S, TICKS_A_WINDOW * max(metered))


def _refresh(source: EnergySource) -> float:
    return ASSUMED_REFRESH_S if source.refresh_s is None else source.refresh_s


@dataclass
class _Watch:
    """One source through the whole recipe."""

    source: EnergySource
    idle: list[Span] = field(default_factory=list)
    windows: list[Span] = field(default_factory=list)
    disturbances: list[str] = field(default_factory=list)
    failure: str | None = None

    def guarded(self, call: Callable[[], Mark]) -> Mark | None:
        """A mark, or None when the source has dropped out: the others go on without it."""
        if self.failure is not None:
            return None
        try:
            return call()
        except SourceError as error:
            self.failure = str(error)
            return None

    def recording(self, foreign_cpu: float | None) -> Recording:
        """What it saw, for the judge."""
        return Recording(
            source=self.source,
            idle=tuple(self.idle),
            windows=tuple(self.windows),
            failure=self.failure,
            disturbances=tuple(self.disturbances),
            foreign_cpu=foreign_cpu,
        )

    def samples(self, origin_s: float) -> list[PowerSample]:
        """Its readings within the idle spans and the windows."""
        phases = [("idle", span) for span in self.idle]
        phases += [(f"window-{i}", span) for i, span in enumerate(self.windows, start=1)]
        return [
            PowerSample(
                source=self.source.name,
                phase=phase,
                time_s=reading.time_s - origin_s,
                power_w=reading.power_w,
                energy_j=reading.energy_j,
            )
            for phase, span in phases
            for reading in self.source.trace()
            if span.begin.time_s <= reading.time_s <= span.end.time_s
        ]


Rounds = Callable[[float, Callable[[], None]], int]
"""Works whole rounds for that many seconds at least; returns the number of batches. It calls the
other between batches."""


@dataclass(frozen=True)
class Repeated:
    """The batches of a cycle, round after round."""

    work: Callable[[int], object]
    cycle: int
    synchronize: Callable[[], None]
    clock: Clock

    def __call__(self, least_s: float, touch: Callable[[], None]) -> int:
        """See :data:`Rounds`."""
        start = self.clock()
        batches = 0
        while True:
            for index in range(max(1, self.cycle)):
                self.work(index)
                batches += 1
                touch()
            self.synchronize()
            if self.clock() - start >= least_s:
                return batches


class Run:
    """The timed part: opens, rests, works, rests, closes."""

    def __init__(
        self,
        rounds: Rounds,
        *,
        sources: Sequence[EnergySource],
        limits: Schedule,
        synchronize: Callable[[], None] = lambda: None,
        clock: Clock,
        sleep: Sleep = time.sleep,
        cpu_times: Callable[[], CpuTimes | None],
        on_progress: Progress | None = None,
    ) -> None:
        """Opens nothing yet.

        Args:
            rounds: What a window holds.
            sources: Probed sources that work here.
            limits: Lengths and number of windows.
            synchronize: Waits for the device.
            clock: Monotonic seconds, the same as the sources'.
            sleep: Waits that many seconds.
            cpu_times: Reads the machine's CPU time, or None where it cannot.
            on_progress: Told the phase and the share done, 0 to 1.
        """
        # The slowest to mark starts first and ends last, so that a fast source's edge is not
        # spent waiting for a slow one's tick.
        ordered = sorted(sources, key=lambda source: -source.edge_s)
        self.watches = [_Watch(source) for source in ordered]
        self.metered = any(source.label != "estimated" for source in sources)
        self._rounds = rounds
        self._limits = limits
        self._synchronize = synchronize
        self._clock = clock
        self._sleep = sleep
        self._cpu_times = cpu_times
        self._on_progress = on_progress
        self._window_s = required_window_s(sources, limits)
        self._touched = 0.0
        self._phase = ""
        self._worked_s = 0.0
        self._shares: list[tuple[CpuTimes, CpuTimes]] = []
        self._started = clock()
        # A model of power says the same of every window, so one is enough.
        self._windows = limits.energy_windows if self.metered else 1
        rests = 2 * (SETTLE_S + limits.energy_idle_seconds) if self.metered else 0.0
        cooling = limits.energy_cooldown_seconds * (self._windows - 1)
        self._expected_s = rests + cooling + self._windows * self._window_s

    def measure(self) -> None:
        """The whole recipe."""
        if not self.watches:
            return
        self._progress("starting the meters", 0.0)
        for watch in self.watches:
            try:
                watch.source.open()
            except SourceError as error:
                watch.failure = str(error)
        self._started = self._clock()
        self._baseline("idle before")
        for number in range(1, self._windows + 1):
            if number > 1:
                self._progress("cooling down")
                self._rest(self._limits.energy_cooldown_seconds)
            self._window(number)
            if number > 1 and self._worked_s >= ENOUGH_FACTOR * self._windows * self._window_s:
                break
        self._baseline("idle after")
        # Sensors need a reading beyond the last edge.
        late = [2 * w.source.edge_s for w in self.watches if isinstance(w.source, PowerSource)]
        if late:
            self._sleep(max(0.1, *late))
        self._progress("done", 1.0)

    def close(self) -> None:
        """Stops every source."""
        for watch in self.watches:
            watch.source.close()

    def foreign_cpu(self) -> float | None:
        """Share of CPU time others used, over all windows together."""
        if not self._shares:
            return None
        before = [a for a, _ in self._shares]
        after = [b for _, b in self._shares]
        return foreign_share(CpuTimes.total_of(before), CpuTimes.total_of(after))

    def _baseline(self, phase: str) -> None:
        if not self.metered:
            return
        self._progress(phase)
        self._synchronize()
        self._rest(SETTLE_S)

        def rest() -> int:
            self._rest(self._limits.energy_idle_seconds)
            return 0

        meters = [watch for watch in self.watches if watch.source.label != "estimated"]
        for watch, span in self._span(meters, rest):
            watch.idle.append(span)

    def _window(self, number: int) -> None:
        self._progress(f"energy window {number} of {self._windows}")
        before = self._cpu_times()
        self._note_disturbances()
        started = self._clock()

        def work() -> int:
            return self._rounds(self._window_s, self._touch)

        for watch, span in self._span(self.watches, work):
            watch.windows.append(span)
        self._worked_s += self._clock() - started
        self._note_disturbances()
        after = self._cpu_times()
        if before is not None and after is not None:
            self._shares.append((before, after))

    def _span(
        self, watches: Sequence[_Watch], body: Callable[[], int]
    ) -> list[tuple[_Watch, Span]]:
        """Runs the body between the marks of every source that still answers."""
        self._synchronize()
        begins = [(watch, watch.guarded(watch.source.begin)) for watch in watches]
        t0 = self._clock()
        batches = body()
        t1 = self._clock()
        spans: list[tuple[_Watch, Span]] = []
        for watch, begin in reversed(begins):
            end = watch.guarded(watch.source.end)
            if begin is not None and end is not None:
                spans.append((watch, Span(begin, end, t0, t1, batches)))
        return spans

    def _touch(self) -> None:
        now = self._clock()
        if now - self._touched < TOUCH_S:
            return
        self._touched = now
        for watch in self.watches:
            if watch.failure is None:
                try:
                    watch.source.touch()
                except SourceError as error:
                    watch.failure = str(error)
        self._progress(self._phase)

    def _note_disturbances(self) -> None:
        for watch in self.watches:
            words = watch.source.disturbance()
            if words is not None:
                watch.disturbances.append(words)

    def _rest(self, seconds: float) -> None:
        end = self._clock() + seconds
        while (left := end - self._clock()) > 0:
            self._sleep(min(left, TOUCH_S))
            self._touch()

    def _progress(self, phase: str, share: float | None = None) -> None:
        self._phase = phase
        if self._on_progress is None:
            return
        done = (self._clock() - self._started) / max(self._expected_s, 1e-9)
        self._on_progress(self._phase, min(done, 0.99) if share is None else share)
