"""Turns marks into figures: joules a batch with their uncertainty, or the reason for none."""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runner.measure.energy.discover import Missing
from runner.measure.energy.sensor import PowerSource
from runner.measure.energy.source import (
    CarbonIntensity,
    EnergySource,
    SourceError,
    Span,
)
from stats.intervals import FEWEST_ROUNDS
from store.records import EnergyReading

MIN_WINDOW_S = 2.0
MIN_TICKS = 20
MIN_POWER_OF_IDLE = 0.9
MAX_POWER_OF_LIMIT = 1.1
MAX_FOREIGN_CPU = 0.05
MIN_NET_SIGMAS = 2.0
MAX_DISAGREEMENT = 0.10

FEW_WINDOWS = f"fewer than {FEWEST_ROUNDS} windows do not tell their scatter"
NO_NET_FOR_ESTIMATE = "an estimate is a model of power: subtracting its own idle term means nothing"


@dataclass(frozen=True)
class Recording:
    """Everything one source saw."""

    source: EnergySource
    idle: tuple[Span, ...]
    windows: tuple[Span, ...]
    failure: str | None = None
    """Why the source dropped out, or None."""
    disturbances: tuple[str, ...] = ()
    """Other users of the hardware, in words."""
    foreign_cpu: float | None = None
    """Share of the machine's CPU time that others used during the windows."""


@dataclass(frozen=True)
class _Energies:
    """Joules of every window, and the idle power."""

    windows_j: tuple[float, ...]
    idle_w: float | None
    idle_sigma_w: float


def judge(recording: Recording, carbon: CarbonIntensity | None = None) -> EnergyReading:
    """The reading of one source for one batch.

    Args:
        recording: Its marks.
        carbon: Turns the joules into grams of CO2 for the detail.
    """
    try:
        energies = _energies(recording)
    except SourceError as error:
        return _refused(recording, str(error))
    faults = _faults(recording, energies)
    if faults:
        return _refused(recording, "; ".join(faults), energies)
    return _accepted(recording, energies, carbon)


def unavailable(missing: Missing) -> EnergyReading:
    """The reading of a source that does not work here."""
    why = missing.unavailable
    text = why.reason if why.remedy is None else f"{why.reason}; remedy: {why.remedy}"
    return _refused(Recording(missing.source, (), ()), text)


def cross_check(readings: Sequence[EnergyReading]) -> tuple[EnergyReading, ...]:
    """Adds to the board's counter and sensor how far they agree.

    A difference over 10 % is a flag, not a refusal: nothing tells which of the two is wrong.
    """
    by_source = {reading.source: reading for reading in readings}
    counter, sampled = by_source.get("nvml-counter"), by_source.get("nvml-sampled")
    if counter is None or sampled is None or not counter.gross_j or not sampled.gross_j:
        return tuple(readings)
    difference = sampled.gross_j / counter.gross_j - 1
    check = {
        "counter_j": counter.gross_j,
        "sampled_j": sampled.gross_j,
        "difference": difference,
        "agrees": abs(difference) <= MAX_DISAGREEMENT,
    }
    return tuple(
        dataclasses.replace(r, detail=_with(r.detail, cross_check=check))
        if r in (counter, sampled)
        else r
        for r in readings
    )


def disagreement(readings: Sequence[EnergyReading]) -> str | None:
    """The cross-check's flag in words, or None."""
    for reading in readings:
        check = json.loads(reading.detail or "{}").get("cross_check")
        if check is not None and not check["agrees"]:
            return (
                f"energy: the board's counter says {check['counter_j']:.3g} J a batch and its "
                f"sensor {check['sampled_j']:.3g} J, {abs(check['difference']):.0%} apart"
            )
    return None


def disturbed_estimate(
    readings: Sequence[EnergyReading], primary: str | None, foreign_cpu: float | None
) -> str | None:
    """Why an estimate that fills the row is worth less than usual, in words, or None.

    It is no refusal: the figure is of the whole machine and unbounded in any case.

    Args:
        readings: All readings of the case.
        primary: The source that fills the row; None where none does.
        foreign_cpu: Share of the machine's CPU time that others used, 0 to 1; None where it is not
            known.
    """
    labels = {reading.source: reading.label for reading in readings}
    if primary is None or labels[primary] != "estimated":
        return None
    if foreign_cpu is None or foreign_cpu <= MAX_FOREIGN_CPU:
        return None
    return (
        f"energy: others used {foreign_cpu:.0%} of the machine's CPU time; the estimate is of the "
        "whole machine and includes them"
    )


def choose_primary(device: str, readings: Sequence[EnergyReading]) -> tuple[str | None, str | None]:
    """The source that fills the row, and why there is none.

    An estimate stands in only where the device has no working meter: when a meter was there
    and its figure was refused, a model of the same disturbed span is no better, and a sweep
    whose rows change their label cannot be compared.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        readings: One a source.

    Returns:
        Source and None, or None and the reason.
    """
    meters = ("rapl",) if device == "cpu" else ("nvml-counter", "nvml-sampled")
    own = [r for name in meters for r in readings if r.source == name]
    for reading in own:
        if reading.gross_j is not None:
            return reading.source, None
    if not any(reading.windows for reading in own):
        for reading in readings:
            if reading.label == "estimated" and reading.gross_j is not None:
                return reading.source, None
        own = [*own, *(r for r in readings if r.label == "estimated")]
    reasons = [f"{reading.source}: {reading.reason}" for reading in own if reading.reason]
    return None, "; ".join(reasons) or "no energy source serves this device"


def _energies(recording: Recording) -> _Energies:
    source = recording.source
    if recording.failure is not None:
        raise SourceError(recording.failure)
    if not recording.windows:
        raise SourceError("no window was measured")
    idle = [source.mean_power(span) for span in recording.idle]
    idle_w = statistics.fmean(idle) if idle else None
    # Half the difference of two baselines is the standard error of their mean.
    sigma = abs(idle[0] - idle[-1]) / 2 if len(idle) > 1 else 0.0
    joules = tuple(source.joules(span, idle_w or 0.0) for span in recording.windows)
    return _Energies(joules, idle_w, sigma)


def _faults(recording: Recording, energies: _Energies) -> list[str]:
    source = recording.source
    shortest = min(span.seconds for span in recording.windows)
    seconds = sum(span.seconds for span in recording.windows)
    total = sum(energies.windows_j)
    mean_w = total / seconds
    faults: list[str] = []
    if shortest < MIN_WINDOW_S:
        faults.append(
            f"a window of {shortest:.3g} s is shorter than {MIN_WINDOW_S:g} s "
            "(limits.energy_window_seconds)"
        )
    if source.refresh_s and shortest / source.refresh_s < MIN_TICKS:
        faults.append(
            f"a window of {shortest:.3g} s holds {shortest / source.refresh_s:.0f} refresh periods "
            f"of {source.refresh_s:.3g} s, fewer than {MIN_TICKS}"
        )
    if not math.isfinite(total) or min(energies.windows_j) <= 0:
        faults.append(f"a window of {shortest:.3g} s reads {min(energies.windows_j):.3g} J")
    if source.label == "estimated":
        return faults
    if energies.idle_w is not None and mean_w < MIN_POWER_OF_IDLE * energies.idle_w:
        faults.append(
            f"{total:.3g} J in {seconds:.3g} s is {mean_w:.3g} W, below {MIN_POWER_OF_IDLE:g} of "
            f"the idle {energies.idle_w:.3g} W"
        )
    if source.limit_w and mean_w > MAX_POWER_OF_LIMIT * source.limit_w:
        faults.append(
            f"{total:.3g} J in {seconds:.3g} s is {mean_w:.3g} W, above {MAX_POWER_OF_LIMIT:g} of "
            f"the power limit {source.limit_w:.3g} W"
        )
    faults += sorted(set(recording.disturbances))
    foreign = recording.foreign_cpu
    if source.domain == "cpu" and foreign is not None and foreign > MAX_FOREIGN_CPU:
        faults.append(
            f"others used {foreign:.0%} of the machine's CPU time during the windows, more than "
            f"{MAX_FOREIGN_CPU:.0%}"
        )
    return faults


def _accepted(
    recording: Recording, energies: _Energies, carbon: CarbonIntensity | None
) -> EnergyReading:
    source = recording.source
    windows = recording.windows
    n = len(windows)
    batches = sum(span.batches for span in windows)
    seconds = sum(span.seconds for span in windows)
    total = sum(energies.windows_j)
    gross = total / batches
    mean_w = total / seconds
    estimated = source.label == "estimated"
    variance = 0.0 if estimated else _variance(recording, energies)
    certain = not estimated and n >= FEWEST_ROUNDS
    reading = _reading(recording)
    reading = dataclasses.replace(
        reading,
        gross_j=gross,
        uncertainty_j=math.sqrt(variance) if certain else None,
        idle_w=energies.idle_w,
        mean_w=mean_w,
        detail=_detail(recording, energies, carbon, gross),
    )
    if estimated:
        return dataclasses.replace(reading, net_reason=NO_NET_FOR_ESTIMATE)
    if energies.idle_w is None:
        return dataclasses.replace(reading, net_reason="no idle baseline was measured")
    seconds_a_batch = seconds / batches
    net = gross - energies.idle_w * seconds_a_batch
    # The window length of the recipe's last term, divided by batches a window like the rest.
    net_sigma = math.sqrt(variance + (seconds_a_batch * energies.idle_sigma_w) ** 2)
    if net < MIN_NET_SIGMAS * net_sigma:
        return dataclasses.replace(
            reading,
            net_reason=f"net {net:.3g} J is below {MIN_NET_SIGMAS:g} standard deviations of "
            f"{net_sigma:.3g} J: gross {gross:.3g} J, idle {energies.idle_w:.3g} W over "
            f"{seconds_a_batch:.3g} s ({n} windows)",
        )
    return dataclasses.replace(reading, net_j=net, net_uncertainty_j=net_sigma if certain else None)


def _variance(recording: Recording, energies: _Energies) -> float:
    """Variance of the gross joules of a batch.

    (b E)^2 for the sensor's bias, (u dP / sqrt 3)^2 for an edge that may lie anywhere in a
    refresh period, s^2 / n for the scatter of the windows; all for a mean window, then a batch.
    """
    source = recording.source
    windows = recording.windows
    batches = sum(span.batches for span in windows)
    seconds = sum(span.seconds for span in windows)
    a_window = batches / len(windows)
    total = sum(energies.windows_j)
    step_w = abs(total / seconds - (energies.idle_w or 0.0))
    bias = source.bias * total / batches
    edge = source.edge_s * step_w / math.sqrt(3) / a_window
    each = [j / span.batches for j, span in zip(energies.windows_j, windows, strict=True)]
    scatter = statistics.variance(each) / len(each) if len(each) > 1 else 0.0
    return bias**2 + edge**2 + scatter


def _refused(recording: Recording, reason: str, energies: _Energies | None = None) -> EnergyReading:
    return dataclasses.replace(
        _reading(recording),
        reason=reason,
        net_reason=reason,
        idle_w=energies.idle_w if energies else None,
        detail=_detail(recording, energies, None, None),
    )


def _reading(recording: Recording) -> EnergyReading:
    source = recording.source
    return EnergyReading(
        source=source.name,
        label=source.label,
        scope=source.scope,
        windows=len(recording.windows),
        window_s=sum(span.seconds for span in recording.windows),
        batches=sum(span.batches for span in recording.windows),
        gross_j=None,
        net_j=None,
        uncertainty_j=None,
        net_uncertainty_j=None,
        idle_w=None,
        mean_w=None,
        refresh_s=source.refresh_s,
        reason=None,
        net_reason=None,
    )


def _detail(
    recording: Recording,
    energies: _Energies | None,
    carbon: CarbonIntensity | None,
    gross_j: float | None,
) -> str | None:
    source = recording.source
    fields: dict[str, Any] = {}
    if energies is not None:
        fields["windows"] = [
            {"seconds": span.seconds, "batches": span.batches, "joules": joules}
            for span, joules in zip(recording.windows, energies.windows_j, strict=True)
        ]
    if recording.windows and recording.foreign_cpu is not None:
        fields["foreign_cpu"] = recording.foreign_cpu
    if isinstance(source, PowerSource) and source.refresh_assumed:
        fields["refresh_assumed"] = True
    if recording.windows and source.label == "estimated":
        fields["uncertainty"] = "unbounded: a model, not a meter"
    elif 0 < len(recording.windows) < FEWEST_ROUNDS:
        fields["uncertainty"] = FEW_WINDOWS
    if carbon is not None and gross_j is not None:
        fields["emissions"] = {
            "kg_per_batch": gross_j / 3.6e6 * carbon.kg_per_kwh,
            "kg_per_kwh": carbon.kg_per_kwh,
            "basis": carbon.basis,
        }
    extra = source.extra() if recording.windows else None
    if extra is not None:
        fields[source.name] = json.loads(extra)
    return json.dumps(fields) if fields else None


def _with(detail: str | None, **fields: object) -> str:
    return json.dumps({**json.loads(detail or "{}"), **fields})
