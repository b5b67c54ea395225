"""What became slower under load: the same level of load on both sides."""

from __future__ import annotations

from collections.abc import Sequence

from store import LoadLevel

Levels = tuple[tuple[LoadLevel, LoadLevel], ...]


def same_levels(a: Sequence[LoadLevel], b: Sequence[LoadLevel]) -> Levels:
    """Pairs the levels of two results that were loaded alike, in the order of the first."""
    other = {_key(level): level for level in b}
    return tuple((level, other[_key(level)]) for level in a if _key(level) in other)


def p95_change(a: LoadLevel, b: LoadLevel) -> tuple[float, bool] | None:
    """The relative change of p95, and whether chance cannot explain it.

    It cannot where the two 95 % intervals lie apart, which is stricter than a test of their
    difference. A level without intervals was too short to say.

    Args:
        a: A level.
        b: The same one on the other side.

    Returns:
        None where p95 is not known on both sides.
    """
    if not a.latency_p95_s or b.latency_p95_s is None:
        return None
    lows, highs = (
        (a.latency_p95_low_s, b.latency_p95_low_s),
        (a.latency_p95_high_s, b.latency_p95_high_s),
    )
    apart = False
    if None not in (*lows, *highs):
        apart = max(low or 0.0 for low in lows) > min(high or 0.0 for high in highs)
    return b.latency_p95_s / a.latency_p95_s - 1, apart


def _key(level: LoadLevel) -> tuple[object, ...]:
    load = (level.mode, level.concurrency, level.rate_per_s, level.arrivals, level.paced)
    return (*load, level.max_batch, level.replicas or 1, level.max_wait_s)
