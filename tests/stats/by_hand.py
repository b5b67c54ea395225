"""Statistics written out by hand: what `stats` says by scipy must be the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_EXACT = 100
"""Degrees of freedom; with more the expansion is as good and takes no loop."""
_HALVINGS = 60
_STEPS = 200


def student_quantile(p: float, degrees_of_freedom: int) -> float:
    """The ``p`` quantile of Student's t.

    Source: the distribution by its finite sums, Abramowitz and Stegun (1964), 26.7.3 and 26.7.4,
    halved down to the quantile; beyond ``MOST_EXACT`` degrees of freedom the Cornish-Fisher
    expansion, 26.7.5.
    """
    if degrees_of_freedom > MOST_EXACT:
        return _expanded(p, degrees_of_freedom)
    wanted = abs(2 * p - 1)
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        angle = (low + high) / 2
        low, high = (angle, high) if _within(angle, degrees_of_freedom) < wanted else (low, angle)
    return math.copysign(math.sqrt(degrees_of_freedom) * math.tan(low), p - 0.5)


def _within(angle: float, degrees_of_freedom: int) -> float:
    """The probability of |t| below ``sqrt(degrees_of_freedom) * tan(angle)``."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees_of_freedom % 2
    term = cosine if odd else 1.0
    total = 0.0
    for power in range(odd, degrees_of_freedom - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * cosine * cosine
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def _expanded(p: float, degrees_of_freedom: int) -> float:
    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(
        term / float(degrees_of_freedom) ** (power + 1) for power, term in enumerate(terms)
    )


def pearson(x: Floats, y: Floats) -> float:
    """Pearson's coefficient."""
    a, b = x - x.mean(), y - y.mean()
    return float(np.clip(a @ b / math.sqrt(float(a @ a) * float(b @ b)), -1, 1))


def fisher_ends(coefficient: float, count: int) -> tuple[float, float]:
    """Its 95 % interval, by the inverse hyperbolic tangent (Fisher 1921)."""
    reach = NormalDist().inv_cdf(0.975) / math.sqrt(count - 3)
    low, high = (math.tanh(math.atanh(coefficient) + sign * reach) for sign in (-1, 1))
    return low, high


def ranks(values: Floats) -> Floats:
    """Ranks; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)


def levenberg_marquardt(
    model: Callable[[Floats], tuple[Floats, Floats]], start: Floats
) -> tuple[Floats, Floats, Floats]:
    """Parameters with the least squares, their residuals and their Jacobian.

    Args:
        model: Gives residuals, shape (n,), and their Jacobian, shape (n, p).
        start: Parameters, shape (p,).
    """
    parameters = start
    residuals, slope = model(parameters)
    damping = 1e-3
    for _ in range(_STEPS):
        normal = slope.T @ slope
        step = np.linalg.lstsq(
            normal + damping * np.diag(np.diag(normal)), -slope.T @ residuals, rcond=None
        )[0]
        tried = parameters + step
        new_residuals, new_slope = model(tried)
        if new_residuals @ new_residuals < residuals @ residuals:
            done = float(np.abs(step).max()) < 1e-10
            parameters, residuals, slope = tried, new_residuals, new_slope
            damping = max(damping / 5, 1e-12)
            if done:
                break
        else:
            damping *= 5
            if damping > 1e12:
                break
    return parameters, residuals, slope


def fitted_half_widths(residuals: Floats, slope: Floats) -> Floats:
    """Of the parameters' 95 % intervals, shape (p,)."""
    degrees_of_freedom = slope.shape[0] - slope.shape[1]
    variance = float(residuals @ residuals) / degrees_of_freedom
    errors: Floats = np.sqrt(np.diag(np.linalg.pinv(slope.T @ slope)) * variance)
    return student_quantile(0.975, degrees_of_freedom) * errors


def resampled_cycle_medians(
    by_batch: Sequence[Sequence[float]], resamples: int, seed: int
) -> Floats:
    """Medians of whole resamples within each batch, averaged over the cycle; shape (resamples,)."""
    generator = np.random.default_rng(seed)
    resampled = np.zeros(resamples)
    for values in map(np.asarray, by_batch):
        picks = generator.integers(0, len(values), size=(resamples, len(values)))
        resampled += np.median(values[picks], axis=1) / len(by_batch)
    return resampled
