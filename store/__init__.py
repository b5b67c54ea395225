"""The store: benchmarks, jobs, results and events in one SQLite file.

Everything here needs the standard library only and imports in milliseconds.
"""

from __future__ import annotations

from store.clock import Clock, timestamp, utc_now
from store.errors import JobBusyError, LeaseLostError, StoreError
from store.leaderboard import LEADERBOARD_COLUMNS, LeaderboardRow
from store.owner import owner_is_dead, process_owner
from store.records import (
    Conditions,
    EnergyLabel,
    EnergyReading,
    Environment,
    Event,
    FlopsReading,
    JobState,
    Latency,
    Memory,
    Operator,
    PowerSample,
    Quality,
    Result,
    ResultState,
    Sample,
    Stage,
    Transcript,
    Weights,
)
from store.rows import BenchmarkRow, Counts, EventRow, JobRow, StoredResult
from store.store import Store, default_path

__all__ = [
    "LEADERBOARD_COLUMNS",
    "BenchmarkRow",
    "Clock",
    "Conditions",
    "Counts",
    "EnergyLabel",
    "EnergyReading",
    "Environment",
    "Event",
    "EventRow",
    "FlopsReading",
    "JobBusyError",
    "JobRow",
    "JobState",
    "Latency",
    "LeaderboardRow",
    "LeaseLostError",
    "Memory",
    "Operator",
    "PowerSample",
    "Quality",
    "Result",
    "ResultState",
    "Sample",
    "Stage",
    "Store",
    "StoreError",
    "StoredResult",
    "Transcript",
    "Weights",
    "default_path",
    "owner_is_dead",
    "process_owner",
    "timestamp",
    "utc_now",
]
