"""Student's t: what an interval of few values needs.

Without scipy: its special functions take 0.3 s to import, for which `asrprof results` would wait,
and would stay in the memory of a case that is measured.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

_MOST_STEPS = 200
_MOST_TERMS = 10_000
_PRECISION = 1e-14
_LARGE = 10_000
"""Degrees of freedom from which on the expansion about the normal distribution is exact."""


@cache
def t_quantile(p: float, degrees_of_freedom: int) -> float:
    """The ``p`` quantile of Student's t distribution.

    Args:
        p: Between 0 and 1.
        degrees_of_freedom: 1 at least.
    """
    if p == 0.5:
        return 0.0
    if p < 0.5:
        return -t_quantile(1 - p, degrees_of_freedom)
    if degrees_of_freedom > _LARGE:
        return _expanded(NormalDist().inv_cdf(p), degrees_of_freedom)
    tail = 1 - p
    low, high = 0.0, 1.0
    while _tail(high, degrees_of_freedom) > tail:
        low, high = high, 2 * high
    # Newton's steps on the logarithm of the tail, which is nearly straight; halves where one would
    # leave what the quantile is known to lie between.
    t = (low + high) / 2
    for _ in range(_MOST_STEPS):
        found = _tail(t, degrees_of_freedom)
        low, high = (t, high) if found > tail else (low, t)
        step = found / _density(t, degrees_of_freedom) * math.log(found / tail)
        following = t + step if low < t + step < high else (low + high) / 2
        if abs(following - t) <= _PRECISION * t:
            return following
        t = following
    return t


def _expanded(z: float, degrees_of_freedom: int) -> float:
    """The Cornish-Fisher expansion about the normal quantile ``z``.

    Source: Abramowitz and Stegun (1964), 26.7.5.
    """
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(
        term / float(degrees_of_freedom) ** (power + 1) for power, term in enumerate(terms)
    )


def _density(t: float, degrees_of_freedom: int) -> float:
    """Of the distribution at ``t``."""
    half = degrees_of_freedom / 2
    log_power = -(half + 0.5) * math.log1p(t * t / degrees_of_freedom)
    return _gamma_ratio(half) / math.sqrt(degrees_of_freedom * math.pi) * math.exp(log_power)


def _tail(t: float, degrees_of_freedom: int) -> float:
    """The probability of more than ``t``, which is positive: half of the incomplete beta function.

    Its continued fraction is that of the Digital Library of Mathematical Functions, 8.17.22,
    evaluated from its front by Lentz's method.
    """
    a, b = degrees_of_freedom / 2, 0.5
    x = degrees_of_freedom / (degrees_of_freedom + t * t)
    # The fraction converges fast below this; above it the other tail does.
    if x > (a + 1) / (a + b + 2):
        return 0.5 - _half_beta(1 - x, b, a)
    return _half_beta(x, a, b)


def _half_beta(x: float, a: float, b: float) -> float:
    """Half of the regularised incomplete beta function, one of ``a`` and ``b`` being a half."""
    if x <= 0:
        return 0.0
    larger = a if b == 0.5 else b
    front = math.exp(a * math.log(x) + b * math.log1p(-x)) * _gamma_ratio(larger)
    front /= math.sqrt(math.pi) * a
    fraction, c, d = 1.0, 1.0, 0.0
    for step in range(_MOST_TERMS):
        m = step // 2
        if step == 0:
            numerator = 1.0
        elif step % 2:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + numerator * d)
        c = 1 + numerator / c
        fraction *= c * d
        if step and abs(c * d - 1) < _PRECISION:
            break
    return front * (fraction - 1) / 2


def _gamma_ratio(a: float) -> float:
    """The gamma function of ``a + 1/2`` by that of ``a``."""
    if a < 100:
        return math.exp(math.lgamma(a + 0.5) - math.lgamma(a))
    # The difference of two large logarithms would lose digits.
    return math.sqrt(a) * (1 - 1 / (8 * a) * (1 - 1 / (16 * a) * (1 + 5 / (8 * a))))
