"""Student's t: what an interval of few values needs."""

from __future__ import annotations


def t_quantile(p: float, degrees_of_freedom: int) -> float:
    """The ``p`` quantile of Student's t distribution.

    Args:
        p: Between 0 and 1.
        degrees_of_freedom: 1 at least.
    """
    # What scipy.stats.t.ppf calls. scipy.stats itself takes a second more to import, and would
    # stay in the memory of a case that is measured.
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, p))
