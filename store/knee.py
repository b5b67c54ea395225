"""The knees of levels of load: the largest rates that met the SLO."""

from __future__ import annotations

from collections.abc import Sequence

from stats.knee import Knee, Tried, knee
from store.load_board import LoadRow
from store.load_records import LoadLevel

Service = tuple[int | None, int | None]
"""Most utterances in a batch, and copies of the model; None for a server."""

_FAILED = 0.05
"""Share of failed requests beyond which no latency meets the SLO."""


def knees(rows: Sequence[LoadRow | LoadLevel]) -> tuple[tuple[Service, Knee], ...]:
    """The knee of the open levels of one result, for each `max_batch` and number of replicas.

    Args:
        rows: In any order; those of a closed loop have no rate, and are left out.
    """
    found: dict[Service, list[Tried]] = {}
    for row in rows:
        rate = row.rate if isinstance(row, LoadRow) else row.rate_per_s
        if rate is not None and row.requests:
            found.setdefault((row.max_batch, row.replicas), []).append(_tried(row, rate))
    return tuple((service, knee(tried)) for service, tried in found.items())


def _tried(row: LoadRow | LoadLevel, rate: float) -> Tried:
    if isinstance(row, LoadRow):
        slo, low, high = row.slo_p95_ms, row.p95_low_ms, row.p95_high_ms
    else:
        slo, low, high = row.slo_p95_s, row.latency_p95_low_s, row.latency_p95_high_s
    if row.held and row.slo_met:
        return Tried(rate, True, sure=high is not None and high <= slo)
    failed = row.errors / row.requests > _FAILED
    beyond = low is not None and low > slo
    return Tried(rate, False, sure=not row.held or failed or beyond)
