"""Student's t: what an interval of few values needs. Pure Python, exact where values are few."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

MOST_EXACT = 100
"""Degrees of freedom; with more the expansion is as good and takes no loop."""
_HALVINGS = 60


@lru_cache(maxsize=1024)
def student_quantile(p: float, freedom: int) -> float:
    """The ``p`` quantile of Student's t.

    Args:
        p: Between 0 and 1.
        freedom: Degrees of freedom, 1 at least.

    Source: the distribution by its finite sums, Abramowitz and Stegun (1964), 26.7.3 and 26.7.4,
    halved down to the quantile; beyond ``MOST_EXACT`` degrees of freedom the Cornish-Fisher
    expansion, 26.7.5.
    """
    if freedom > MOST_EXACT:
        return _expanded(p, freedom)
    wanted = abs(2 * p - 1)
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        angle = (low + high) / 2
        low, high = (angle, high) if _within(angle, freedom) < wanted else (low, angle)
    return math.copysign(math.sqrt(freedom) * math.tan(low), p - 0.5)


def _within(angle: float, freedom: int) -> float:
    """The probability of |t| below ``sqrt(freedom) * tan(angle)``."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = 0.0
    for power in range(odd, freedom - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * cosine * cosine
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def _expanded(p: float, freedom: int) -> float:
    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / float(freedom) ** (power + 1) for power, term in enumerate(terms))
