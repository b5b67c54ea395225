"""The energy recipe: idle, windows of whole rounds, idle again, with every source at once.

A window is long against the refresh of every meter, its edges are moved to the counters' ticks,
and what was drawn between a tick and the work is taken off at idle power. The timed part is in
`windows`; what the figures must satisfy is in `evaluate`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.measure.conditions import CpuTimes, read_cpu_times
from runner.measure.energy.discover import Missing
from runner.measure.energy.evaluate import (
    choose_primary,
    cross_check,
    disagreement,
    disturbed_estimate,
    judge,
    unavailable,
)
from runner.measure.energy.source import Clock, EnergySource, Sleep
from runner.measure.energy.windows import Progress, Repeated, Run, Schedule
from store.records import EnergyReading, PowerSample


@dataclass(frozen=True)
class EnergyOutcome:
    """What the sources said."""

    readings: tuple[EnergyReading, ...]
    samples: tuple[PowerSample, ...]
    primary: str | None
    """Source of the reading that fills the row."""
    reason: str | None
    """Why no reading does, or None."""
    warnings: tuple[str, ...] = ()
    """What is worth an event though nothing was refused, e.g. meters that disagree."""


def measure_energy(
    work: Callable[[int], object],
    *,
    sources: Sequence[EnergySource],
    limits: Schedule,
    device: str,
    cycle: int = 1,
    missing: Sequence[Missing] = (),
    synchronize: Callable[[], None] = lambda: None,
    clock: Clock = time.monotonic,
    sleep: Sleep = time.sleep,
    cpu_times: Callable[[], CpuTimes | None] = read_cpu_times,
    started_s: float | None = None,
    on_progress: Progress | None = None,
) -> EnergyOutcome:
    """Measures the joules of one batch. The model is loaded and warm, nothing else runs.

    Args:
        work: Runs the batch of that index (0 to ``cycle - 1``) through the timed region and
            returns when it is done.
        sources: Probed sources that work here (`discover`).
        limits: Lengths and number of windows.
        device: ``cpu``, ``cuda`` or ``cuda:N``; decides which source fills the row.
        cycle: Batches in the cycle; windows hold whole rounds of it.
        missing: Sources that do not work here; each gives a reading with its reason.
        synchronize: Waits for the device.
        clock: Monotonic seconds, the same as the sources'.
        sleep: Waits that many seconds.
        cpu_times: Reads the machine's CPU time, or None where it cannot.
        started_s: When the case started, by ``clock``; the origin of the samples' times.
        on_progress: Told the phase and the share done, 0 to 1, at most every half second. It
            runs within windows too, so it must be quick.

    Raises:
        Exception: Whatever ``work`` raises; the sources are closed first.
    """
    run = Run(
        Repeated(work, cycle, synchronize, clock),
        sources=sources,
        limits=limits,
        synchronize=synchronize,
        clock=clock,
        sleep=sleep,
        cpu_times=cpu_times,
        on_progress=on_progress,
    )
    return _outcome(run, device, missing, clock() if started_s is None else started_s)


def measure_around(
    loop: Callable[[float], int],
    *,
    sources: Sequence[EnergySource],
    limits: Schedule,
    device: str,
    missing: Sequence[Missing] = (),
    clock: Clock = time.monotonic,
    cpu_times: Callable[[], CpuTimes | None] = read_cpu_times,
    started_s: float | None = None,
) -> EnergyOutcome:
    """Takes a loop that is run anyway for the one window of what is only estimated.

    A model of power needs no rest before the loop, and is asked at its two ends alone, so the loop
    is what it would have been. It is run once, whatever becomes of the sources.

    Args:
        loop: Works for that many seconds at least; returns the number of batches.
        sources: One at least, see `only_estimated`.
        limits: As for `measure_energy`, which also has the other arguments.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        missing: Sources that do not work here.
        clock: Monotonic seconds, the same as the sources'.
        cpu_times: Reads the machine's CPU time.
        started_s: When the case started, by ``clock``.

    Raises:
        Exception: Whatever ``loop`` raises; the sources are closed first.
    """

    def rounds(least_s: float, _: Callable[[], None]) -> int:
        return loop(least_s)

    assert only_estimated(sources), "a meter needs idle spans and windows of its own"
    run = Run(rounds, sources=sources, limits=limits, clock=clock, cpu_times=cpu_times)
    return _outcome(run, device, missing, clock() if started_s is None else started_s)


def only_estimated(sources: Sequence[EnergySource]) -> bool:
    """Whether there are sources and none of them is a meter."""
    return bool(sources) and all(source.label == "estimated" for source in sources)


def _outcome(run: Run, device: str, missing: Sequence[Missing], origin: float) -> EnergyOutcome:
    try:
        run.measure()
    finally:
        run.close()
    sources = [watch.source for watch in run.watches]
    carbon = next((s.carbon for s in sources if s.carbon is not None), None)
    readings = [judge(watch.recording(run.foreign_cpu()), carbon) for watch in run.watches]
    readings = [*cross_check(readings), *(unavailable(gone) for gone in missing)]
    primary, reason = choose_primary(device, readings)
    warnings = (disagreement(readings), disturbed_estimate(readings, primary, run.foreign_cpu()))
    return EnergyOutcome(
        readings=tuple(readings),
        samples=tuple(s for watch in run.watches for s in watch.samples(origin)),
        primary=primary,
        reason=reason,
        warnings=tuple(warning for warning in warnings if warning is not None),
    )
