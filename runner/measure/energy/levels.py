"""Joules of the machine over the counted times of levels of load, by the sources of a batch.

A span is what lies between the marks of a source, which fall on its ticks. Work goes on at both
ends, so the mean power of the span holds for the counted time too, and nothing is taken off.
What a window must satisfy is in `evaluate`, as for batches.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from runner.measure.conditions import CpuTimes, foreign_share, read_cpu_times
from runner.measure.energy.discover import Missing
from runner.measure.energy.evaluate import Recording, choose_primary, judge, unavailable
from runner.measure.energy.sensor import PowerSource
from runner.measure.energy.source import Clock, EnergySource, Mark, Sleep, SourceError, Span
from runner.measure.energy.windows import TOUCH_S
from store.energy_marks import EnergyLabel

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class LevelPower:
    """What the machine drew while a level was counted."""

    mean_w: float | None
    """None where no source can be trusted; ``reason`` says why."""
    label: EnergyLabel | None
    source: str | None
    reason: str | None


class LevelMeters:
    """All sources of a device, marked where the counted time of a level begins and ends."""

    def __init__(
        self,
        device: str,
        sources: Sequence[EnergySource],
        missing: Sequence[Missing] = (),
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        cpu_times: Callable[[], CpuTimes | None] = read_cpu_times,
    ) -> None:
        """Opens nothing yet.

        Args:
            device: ``cpu``, ``cuda`` or ``cuda:N``; decides which source is told.
            sources: Those that work here.
            missing: Those that do not, with their reasons.
            clock: Monotonic seconds, the same as the sources'.
            sleep: Waits that many seconds.
            cpu_times: Reads the machine's CPU time.
        """
        self._device = device
        # The slowest to mark starts first and ends last, as in the recipe.
        self._sources = sorted(sources, key=lambda source: -source.edge_s)
        self._missing = missing
        self._clock = clock
        self._sleep = sleep
        self._cpu_times = cpu_times
        self._failures: dict[str, str] = {}
        self._begins: dict[str, Mark] = {}
        self._before: CpuTimes | None = None
        self._disturbed: dict[str, list[str]] = {}
        self._levels: list[tuple[Recording, ...]] = []

    def open(self) -> None:
        """Starts what must run before the first mark."""
        for source in self._sources:
            self._guarded(source, source.open)

    def close(self) -> None:
        """Stops every source, after the readings that lie beyond the last mark."""
        late = [2 * one.edge_s for one in self._sources if isinstance(one, PowerSource)]
        if late and self._levels:
            self._sleep(max(0.1, *late))
        for source in self._sources:
            source.close()

    def begin(self) -> None:
        """The counted time of a level begins."""
        self._begins.clear()
        self._disturbed.clear()
        self._before = self._cpu_times()
        self._look_around()
        for source in self._sources:
            mark = self._guarded(source, source.begin)
            if mark is not None:
                self._begins[source.name] = mark

    def touch(self) -> None:
        """Called now and then between the two, so that no counter wraps twice unseen."""
        for source in self._sources:
            self._guarded(source, source.touch)

    def end(self) -> None:
        """The counted time of the level is over."""
        spans: dict[str, tuple[Span, ...]] = {}
        for source in reversed(self._sources):
            begin = self._begins.get(source.name)
            mark = None if begin is None else self._guarded(source, source.end)
            if begin is not None and mark is not None:
                span = Span(begin, mark, begin.time_s, mark.time_s, batches=1)
                spans[source.name] = (span,) if span.seconds > 0 else ()
        self._look_around()
        after = self._cpu_times()
        before = self._before
        foreign = foreign_share(before, after) if before and after else None
        self._levels.append(
            tuple(
                Recording(
                    source=source,
                    idle=(),
                    windows=spans.get(source.name, ()),
                    failure=self._failures.get(source.name),
                    disturbances=tuple(self._disturbed.get(source.name, ())),
                    foreign_cpu=foreign,
                )
                for source in self._sources
            )
        )

    def found(self) -> tuple[LevelPower, ...]:
        """What each level took, in their order; called after ``close``."""
        return tuple(map(self._judged, self._levels))

    def _judged(self, recordings: tuple[Recording, ...]) -> LevelPower:
        readings = [judge(one) for one in recordings]
        readings += [unavailable(gone) for gone in self._missing]
        primary, reason = choose_primary(self._device, readings)
        if primary is None:
            return LevelPower(None, None, None, reason)
        (reading,) = (one for one in readings if one.source == primary)
        return LevelPower(reading.mean_w, reading.label, primary, None)

    def _look_around(self) -> None:
        for source in self._sources:
            words = source.disturbance()
            if words is not None:
                self._disturbed.setdefault(source.name, []).append(words)

    def _guarded(self, source: EnergySource, call: Callable[[], Answer]) -> Answer | None:
        """What a source answers; None where it has dropped out: the others go on without it."""
        if source.name in self._failures:
            return None
        try:
            return call()
        except SourceError as error:
            self._failures[source.name] = str(error)
            return None


class MetersThread:
    """Marks in a thread of its own: a mark waits for a tick, and requests must not wait for it."""

    def __init__(self, meters: LevelMeters) -> None:
        """Opens the meters."""
        self._meters = meters
        self._words: queue.SimpleQueue[bool | None] = queue.SimpleQueue()
        meters.open()
        self._thread = threading.Thread(target=self._run, name="asrprof-meters", daemon=True)
        self._thread.start()

    def window(self, begins: bool) -> None:
        """The counted time of a level begins or ends; returns at once."""
        self._words.put(begins)

    def close(self) -> tuple[LevelPower, ...]:
        """Ends it, and tells what each level took."""
        self._words.put(None)
        self._thread.join()
        self._meters.close()
        return self._meters.found()

    def _run(self) -> None:
        within = False
        while True:
            try:
                found = self._words.get(timeout=TOUCH_S if within else None)
            except queue.Empty:
                self._meters.touch()
                continue
            if found is None:
                return
            within = found
            (self._meters.begin if within else self._meters.end)()
