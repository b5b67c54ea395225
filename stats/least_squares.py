"""Fits of a law to measured values, by the least squares of their relative errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stats.student import t_quantile

Floats = NDArray[np.float64]
Law = Callable[[Floats], Floats]
"""Takes parameters, shape (p,), gives what it predicts for each value, shape (n,)."""

_TOLERANCE = 1e-12
"""Relative change of parameters and sum of squares at which a fit is done."""


@dataclass(frozen=True)
class Fit:
    """The parameters of a law."""

    parameters: Floats
    """Shape (p,)."""
    half_widths: Floats
    """Of the parameters' 95 % intervals, shape (p,); NaN where the values allow none."""
    misfit: float
    """Root mean square of the relative errors."""


def fit_relative(law: Law, start: Floats, values: Floats) -> Fit:
    """Finds the parameters with the least squares of ``law / values - 1``.

    Args:
        law: What is fitted.
        start: Parameters near the answer, shape (p,).
        values: What was measured, positive; shape (n,), n at least p.
    """
    from scipy.optimize import least_squares  # 0.7 s, which only a report needs.

    found = least_squares(
        lambda parameters: law(parameters) / values - 1,
        start,
        jac="3-point",
        x_scale="jac",
        ftol=_TOLERANCE,
        xtol=_TOLERANCE,
        gtol=_TOLERANCE,
    )
    squares, degrees_of_freedom = 2 * float(found.cost), len(values) - len(start)
    half_widths = np.full(len(start), np.nan)
    if degrees_of_freedom > 0:
        covariance = np.linalg.pinv(found.jac.T @ found.jac) * squares / degrees_of_freedom
        half_widths = t_quantile(0.975, degrees_of_freedom) * np.sqrt(np.diag(covariance))
    return Fit(found.x, half_widths, float(np.sqrt(squares / len(values))))
