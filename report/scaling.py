"""How a cost grows with audio length and batch size, and where growing stops paying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from report.study import Case, Configuration, group
from stats.least_squares import Floats, fit_relative

SATURATED = 0.95
"""Of the highest throughput: the smallest batch that reaches it is where growing stops paying."""

NEGLIGIBLE = 1e-3
"""A constant below this share of the smallest cost is none."""


@dataclass(frozen=True)
class Exponent:
    """A fitted exponent and its 95 % interval; NaN ends where the points allow none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ScalingLaw:
    """``constant + coefficient * length^p * batch^q``, fitted to relative errors."""

    constant: float
    """What a batch costs however little there is in it; 0 where none can be told."""
    coefficient: float
    length: Exponent | None
    """Of audio seconds; None where they did not vary."""
    batch: Exponent | None
    """Of the batch size; None where it did not vary."""
    misfit: float
    """Root mean square of the relative errors."""
    points: int


@dataclass(frozen=True)
class Saturation:
    """Throughput of one configuration at one length, over batch sizes."""

    configuration: Configuration
    audio_seconds: float
    smallest: int
    """The smallest batch size measured."""
    saturated: int
    """The smallest one that reaches 95 % of the highest throughput."""
    largest: int
    """The largest one measured."""
    gain: float
    """Throughput at ``saturated`` over that at ``smallest``."""
    broke: int | None
    """The smallest batch size that ran out of memory."""

    @property
    def is_open(self) -> bool:
        """The highest throughput is at the largest batch: it may grow further."""
        return self.saturated == self.largest


def fit_law(
    lengths: Sequence[float], batches: Sequence[float], costs: Sequence[float]
) -> ScalingLaw | None:
    """Fits a power law with a constant to costs at points of the grid.

    The constant is dropped where the points are too few for it, or where it comes out negative or
    negligible.

    Args:
        lengths: Audio seconds of each point.
        batches: Batch size of each point.
        costs: What it cost; positive.

    Returns:
        The law, or None where neither axis varied, or where there are no more points than
        parameters: a law goes through those whatever they are.
    """
    x = np.asarray(lengths, dtype=np.float64), np.asarray(batches, dtype=np.float64)
    y = np.asarray(costs, dtype=np.float64)
    varied = [len(np.unique(axis)) > 1 for axis in x]
    if not any(varied) or len(y) <= 1 + sum(varied):
        return None
    logs = np.column_stack([np.log(axis) for axis, moves in zip(x, varied, strict=True) if moves])
    # A constant bends the line: with two values an axis it could not be told from an exponent.
    bends = max(len(np.unique(axis)) for axis in x) > 2
    fit = None
    if bends and len(y) > logs.shape[1] + 2:
        fit = _fit(logs, y, constant=True)
    if fit is None or fit.constant < NEGLIGIBLE * y.min():
        fit = _fit(logs, y, constant=False)
    exponents = iter(fit.exponents)
    length, batch = (next(exponents) if moves else None for moves in varied)
    return ScalingLaw(fit.constant, fit.coefficient, length, batch, fit.misfit, len(y))


def laws(
    cases: Sequence[Case], cost: Callable[[Case], float | None]
) -> dict[Configuration, ScalingLaw]:
    """The law of every configuration that has enough points.

    Args:
        cases: Any cases.
        cost: What to fit; cases where it is None or not positive are left out, and those that
            stopped early: theirs is of less work.
    """
    found = {}
    for configuration, members in group(cases, lambda case: case.configuration).items():
        whole = [case for case in members if not case.stopped_early]
        points = [(*case.point, value) for case in whole if (value := cost(case) or 0) > 0]
        law = fit_law(*zip(*points, strict=True)) if points else None
        if law is not None:
            found[configuration] = law
    return found


def saturations(cases: Sequence[Case]) -> list[Saturation]:
    """Where throughput stops growing, for every configuration and length with several batches.

    Args:
        cases: Cases in any state; those out of memory mark the end of an axis, those that stopped
            early are left out.
    """
    found = []
    for (configuration, seconds), members in group(
        cases, lambda case: (case.configuration, case.row.audio_seconds)
    ).items():
        rates = {
            case.row.batch_size: case.row.throughput
            for case in sorted(members, key=lambda case: case.row.batch_size)
            if case.row.throughput is not None and not case.stopped_early
        }
        broke = [case.row.batch_size for case in members if case.row.state == "oom"]
        if len(rates) < 2:
            continue
        best = max(rates.values())
        saturated = min(size for size, rate in rates.items() if rate >= SATURATED * best)
        found.append(
            Saturation(
                configuration=configuration,
                audio_seconds=seconds,
                smallest=min(rates),
                saturated=saturated,
                largest=max(rates),
                gain=rates[saturated] / rates[min(rates)],
                broke=min(broke, default=None),
            )
        )
    return found


@dataclass(frozen=True)
class _Fit:
    constant: float
    coefficient: float
    exponents: tuple[Exponent, ...]
    misfit: float


def _fit(logs: Floats, y: Floats, *, constant: bool) -> _Fit:
    """Least squares of relative errors, from the log-log line.

    Parameters are the logarithm of the coefficient, the exponents and, last, the constant as a
    share of the smallest cost.

    Args:
        logs: Logarithms of what varied; shape (points, exponents).
        y: Costs; shape (points,).
        constant: Whether there is one.
    """
    unit = float(y.min())
    design = np.column_stack([np.ones(len(y)), logs])
    line, *_ = np.linalg.lstsq(design, np.log(y), rcond=None)
    count = design.shape[1]

    def law(parameters: Floats) -> Floats:
        power = np.exp(np.clip(design @ parameters[:count], -700, 700))
        return power + unit * parameters[count] if constant else power

    fit = fit_relative(law, np.append(line, 0.1) if constant else line, y)
    ends = zip(fit.parameters[1:count], fit.half_widths[1:count], strict=True)
    return _Fit(
        constant=float(fit.parameters[count] * unit) if constant else 0.0,
        coefficient=float(np.exp(fit.parameters[0])),
        exponents=tuple(
            Exponent(float(value), float(value - half), float(value + half)) for value, half in ends
        ),
        misfit=fit.misfit,
    )
