"""Which levels of load are one curve, and which of them a chart shows: for report and terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stats.knee import Knee
from store import LoadLevel
from store.knee import knees

Curve = tuple[LoadLevel, ...]
"""Levels of one case that differ in how much was sent alone, in the order of that; one at least."""


def curves_of(levels: Iterable[LoadLevel]) -> list[Curve]:
    """The levels of one case as curves: those that were sent in one way to one batcher."""
    alike: dict[tuple[object, ...], list[LoadLevel]] = {}
    for level in levels:
        service = (level.max_batch, level.replicas, level.max_wait_s)
        way = (level.mode, level.arrivals, level.paced, *service)
        alike.setdefault(way, []).append(level)
    return [tuple(sorted(members, key=sent)) for members in alike.values()]


def sent(level: LoadLevel) -> float:
    """How much was sent: clients at once, or requests a second."""
    return float(level.concurrency or level.rate_per_s or 0.0)


def has_point(level: LoadLevel) -> bool:
    """Whether its latency can be drawn against its rate: a p95 needs 20 answers."""
    return bool(level.requests_per_s and level.latency_p95_s)


def knee_of(curve: Sequence[LoadLevel]) -> Knee | None:
    """The knee of rates, where two or more were tried; a closed loop has none."""
    rates = [level for level in curve if level.rate_per_s is not None]
    found = knees(rates) if len(rates) > 1 else ()
    return found[0][1] if found else None


def level_at_knee(curve: Sequence[LoadLevel]) -> LoadLevel | None:
    """The level at the knee, where there is one."""
    knee = knee_of(curve)
    if knee is None or knee.rate is None:
        return None
    return next(level for level in curve if level.rate_per_s == knee.rate)
