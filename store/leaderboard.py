"""The view ``leaderboard``: one readable row a result, in the units that people compare.

A change here needs a new migration in ``store/schema.py``: a store's view is made anew only when
its schema version rises.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, fields

from store.records import EnergyLabel, ResultState, Weights


@dataclass(frozen=True, kw_only=True)
class LeaderboardRow:
    """One row of the view; the fields are its columns, in its order.

    Figures are for one batch and rounded to five significant digits (error rates to four); the
    table ``results`` has them in full.
    """

    result_id: int
    job_id: int
    benchmark: str
    model: str
    engine: str
    weights: Weights
    device: str
    variant: str
    audio_seconds: float
    batch_size: int
    state: ResultState
    reason: str | None
    latency_ms: float | None
    """Median."""
    latency_low_ms: float | None
    latency_high_ms: float | None
    p95_ms: float | None
    cold_ms: float | None
    stable: bool | None
    rtfx: float | None
    throughput: float | None
    """Clips per second."""
    energy_j: float | None
    """Gross, of the primary source; label and source are None where this is."""
    energy_label: EnergyLabel | None
    energy_source: str | None
    joules_per_audio_hour: float | None
    encoder_gflops: float | None
    gflops: float | None
    rss_mb: float | None
    """1 MB is 1,000,000 bytes."""
    vram_mb: float | None
    """Reserved by the framework."""
    tokens: float | None
    speedup: float | None
    """Against the benchmark's first variant, in interleaved rounds; above 1 is faster."""
    wer: float | None
    cer: float | None
    clips: int | None
    environment_id: int | None
    created_at: str


LEADERBOARD_COLUMNS = tuple(field.name for field in fields(LeaderboardRow))


def leaderboard_row(row: sqlite3.Row) -> LeaderboardRow:
    """The record of one row that was selected with ``LEADERBOARD_COLUMNS``."""
    values = dict(zip(LEADERBOARD_COLUMNS, row, strict=True))
    if values["stable"] is not None:
        values["stable"] = bool(values["stable"])
    return LeaderboardRow(**values)


def _figure(expression: str, digits: int = 5) -> str:
    """SQL that rounds to significant digits.

    ``round()`` keeps decimals, which suits no unit here: latencies span 0.1 ms to 100 s. SQLite's
    ``log10()`` would do but is missing from many builds; ``printf()`` is in all, and turns NULL
    into 0.
    """
    return (
        f"CASE WHEN {expression} IS NOT NULL "
        f"THEN CAST(printf('%.{digits}g', {expression}) AS REAL) END"
    )


_EXPRESSIONS = {
    "result_id": "results.id",
    "benchmark": "benchmarks.name",
    "latency_ms": _figure("latency_s * 1e3"),
    "latency_low_ms": _figure("latency_low_s * 1e3"),
    "latency_high_ms": _figure("latency_high_s * 1e3"),
    "p95_ms": _figure("latency_p95_s * 1e3"),
    "cold_ms": _figure("cold_s * 1e3"),
    "rtfx": _figure("rtfx"),
    "throughput": _figure("throughput"),
    "energy_j": _figure("energy_j"),
    "energy_label": "CASE WHEN energy_j IS NOT NULL THEN energy_label END",
    "energy_source": "CASE WHEN energy_j IS NOT NULL THEN energy_source END",
    "joules_per_audio_hour": _figure("joules_per_audio_hour"),
    "encoder_gflops": _figure("encoder_flops / 1e9"),
    "gflops": _figure("flops / 1e9"),
    "rss_mb": _figure("rss_bytes / 1e6"),
    "vram_mb": _figure("gpu_reserved_bytes / 1e6"),
    "tokens": _figure("tokens"),
    "speedup": _figure("speedup"),
    "wer": _figure("wer", 4),
    "cer": _figure("cer", 4),
}

_SORTED_AS = {
    "benchmark": "benchmarks.name",
    "latency_ms": "latency_s",
    "latency_low_ms": "latency_low_s",
    "latency_high_ms": "latency_high_s",
    "p95_ms": "latency_p95_s",
    "cold_ms": "cold_s",
    "encoder_gflops": "encoder_flops",
    "gflops": "flops",
    "rss_mb": "rss_bytes",
    "vram_mb": "gpu_reserved_bytes",
    "result_id": "results.id",
    "energy_label": _EXPRESSIONS["energy_label"],
    "energy_source": _EXPRESSIONS["energy_source"],
}


def sort_expression(column: str) -> str:
    """SQL that sorts ``results`` as a column of the view would: unrounded, which is quicker."""
    return _SORTED_AS.get(column, f"results.{column}")


LEADERBOARD_VIEW = "CREATE VIEW leaderboard AS SELECT\n  {columns}\n{tables}".format(
    columns=",\n  ".join(
        f"{_EXPRESSIONS.get(column, f'results.{column}')} AS {column}"
        for column in LEADERBOARD_COLUMNS
    ),
    tables="""FROM results
JOIN jobs ON jobs.id = results.job_id
JOIN benchmarks ON benchmarks.id = jobs.benchmark_id""",
)
