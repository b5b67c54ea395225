"""The store: benchmarks, jobs, results and events in one SQLite file.

Everything here needs the standard library only and imports in milliseconds.
"""

from __future__ import annotations

from store.browse import Browser, Group, Query
from store.clock import Clock, timestamp, utc_now
from store.connection import default_path
from store.energy_marks import EnergyLabel
from store.errors import JobBusyError, LeaseLostError, OldStoreError, SpoolError, StoreError
from store.events import (
    CaseSize,
    Detail,
    Event,
    EventKind,
    EventRow,
    LoadGauge,
    ProgressNote,
    detail_json,
    event_words,
)
from store.filters import FilterError, filter_sql, known_column
from store.jobs import FINAL, HELD, is_gone, stop_of, vanished
from store.leaderboard import COLUMNS, LEADERBOARD_COLUMNS, LeaderboardRow
from store.load_board import LoadRow
from store.load_records import LoadLevel
from store.merge import LeftOut, Merged
from store.metrics import Metric
from store.noise_board import NoiseRow
from store.noise_records import NoiseLevel
from store.owner import machine_of, owner_is_alive, owner_is_dead, process_owner
from store.pools import Pool
from store.queue import JobRequest, Place, Queue
from store.records import (
    Comparison,
    Conditions,
    DecoderStep,
    EnergyReading,
    Environment,
    FinalState,
    FlopsReading,
    JobState,
    Latency,
    Memory,
    Operator,
    Peak,
    PowerSample,
    Proof,
    Result,
    ResultState,
    Sample,
    Scalar,
    Stage,
    Weights,
)
from store.rows import BenchmarkRow, Counts, JobRow, Stop, StoredQuality, StoredResult
from store.spool import Begun, Ended, Measured, Noted, SpoolRecord
from store.store import Store
from store.study import TABLES, RawTable, StudyReader, StudyRow
from store.word_records import ClipsMode, Quality, QualityOf, TimedSpeech, Transcript

__all__ = [
    "COLUMNS",
    "FINAL",
    "HELD",
    "LEADERBOARD_COLUMNS",
    "TABLES",
    "Begun",
    "BenchmarkRow",
    "Browser",
    "CaseSize",
    "ClipsMode",
    "Clock",
    "Comparison",
    "Conditions",
    "Counts",
    "DecoderStep",
    "Detail",
    "Ended",
    "EnergyLabel",
    "EnergyReading",
    "Environment",
    "Event",
    "EventKind",
    "EventRow",
    "FilterError",
    "FinalState",
    "FlopsReading",
    "Group",
    "JobBusyError",
    "JobRequest",
    "JobRow",
    "JobState",
    "Latency",
    "LeaderboardRow",
    "LeaseLostError",
    "LeftOut",
    "LoadGauge",
    "LoadLevel",
    "LoadRow",
    "Measured",
    "Memory",
    "Merged",
    "Metric",
    "NoiseLevel",
    "NoiseRow",
    "Noted",
    "OldStoreError",
    "Operator",
    "Peak",
    "Place",
    "Pool",
    "PowerSample",
    "ProgressNote",
    "Proof",
    "Quality",
    "QualityOf",
    "Query",
    "Queue",
    "RawTable",
    "Result",
    "ResultState",
    "Sample",
    "Scalar",
    "SpoolError",
    "SpoolRecord",
    "Stage",
    "Stop",
    "Store",
    "StoreError",
    "StoredQuality",
    "StoredResult",
    "StudyReader",
    "StudyRow",
    "TimedSpeech",
    "Transcript",
    "Weights",
    "default_path",
    "detail_json",
    "event_words",
    "filter_sql",
    "is_gone",
    "known_column",
    "machine_of",
    "owner_is_alive",
    "owner_is_dead",
    "process_owner",
    "stop_of",
    "timestamp",
    "utc_now",
    "vanished",
]
