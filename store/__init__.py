"""The store: benchmarks, jobs, results and events in one SQLite file.

Everything here needs the standard library only and imports in milliseconds.
"""

from __future__ import annotations

from store.browse import Browser, Group, Query
from store.clock import Clock, timestamp, utc_now
from store.errors import JobBusyError, LeaseLostError, OldStoreError, SpoolError, StoreError
from store.filters import FilterError, filter_sql
from store.jobs import FINAL, HELD, stop_of, vanished
from store.lanes import Lane
from store.leaderboard import LEADERBOARD_COLUMNS, LeaderboardRow
from store.owner import machine_of, owner_is_alive, owner_is_dead, process_owner
from store.queue import Place, Queue
from store.records import (
    Comparison,
    Conditions,
    DecoderStep,
    EnergyLabel,
    EnergyReading,
    Environment,
    Event,
    Figure,
    FinalState,
    FlopsReading,
    JobState,
    Latency,
    Memory,
    Operator,
    Peak,
    PowerSample,
    Proof,
    Quality,
    Result,
    ResultState,
    Sample,
    Stage,
    Transcript,
    Weights,
)
from store.rows import BenchmarkRow, Counts, EventRow, JobRow, Stop, StoredResult
from store.spool import Begun, Ended, Measured, Noted, SpoolRecord
from store.store import Store, default_path
from store.study import TABLES, RawTable, StudyReader, StudyRow

__all__ = [
    "FINAL",
    "HELD",
    "LEADERBOARD_COLUMNS",
    "TABLES",
    "Begun",
    "BenchmarkRow",
    "Browser",
    "Clock",
    "Comparison",
    "Conditions",
    "Counts",
    "DecoderStep",
    "Ended",
    "EnergyLabel",
    "EnergyReading",
    "Environment",
    "Event",
    "EventRow",
    "Figure",
    "FilterError",
    "FinalState",
    "FlopsReading",
    "Group",
    "JobBusyError",
    "JobRow",
    "JobState",
    "Lane",
    "Latency",
    "LeaderboardRow",
    "LeaseLostError",
    "Measured",
    "Memory",
    "Noted",
    "OldStoreError",
    "Operator",
    "Peak",
    "Place",
    "PowerSample",
    "Proof",
    "Quality",
    "Query",
    "Queue",
    "RawTable",
    "Result",
    "ResultState",
    "Sample",
    "SpoolError",
    "SpoolRecord",
    "Stage",
    "Stop",
    "Store",
    "StoreError",
    "StoredResult",
    "StudyReader",
    "StudyRow",
    "Transcript",
    "Weights",
    "default_path",
    "filter_sql",
    "machine_of",
    "owner_is_alive",
    "owner_is_dead",
    "process_owner",
    "stop_of",
    "timestamp",
    "utc_now",
    "vanished",
]
