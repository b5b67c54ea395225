"""How a record's fields lie in a table's columns, both ways."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Generic, TypeVar

from store.booleans import boolean_fields, make_booleans
from store.connection import Value
from store.events import Event
from store.load_records import LoadLevel
from store.metrics import Metric
from store.noise_records import NoiseLevel
from store.records import (
    Comparison,
    Conditions,
    DecoderStep,
    EnergyReading,
    Environment,
    FlopsReading,
    Latency,
    Memory,
    Operator,
    Peak,
    PowerSample,
    Proof,
    Result,
    Sample,
    Scalar,
    Stage,
)
from store.word_records import Quality, TimedSpeech, Transcript

Record = TypeVar("Record")


@dataclass(frozen=True)
class Columns(Generic[Record]):
    """The columns that hold one kind of record."""

    record: type[Record]
    fields: tuple[str, ...]
    names: tuple[str, ...]
    """Column names, in the order of ``fields``."""
    booleans: frozenset[str]
    """Fields that are 0 or 1 in the table, or NULL where the record says None."""

    def values(self, record: Record | None, where: str) -> tuple[Value, ...]:
        """One value a column; all None without a record.

        Args:
            record: The record, or None.
            where: What to put before a field's name in an error, e.g. ``samples[3].``

        Raises:
            ValueError: A value that SQLite would change in silence or refuse, with its field.
        """
        if record is None:
            return (None,) * len(self.fields)
        values: tuple[Value, ...] = attrgetter(*self.fields)(record)
        for field, value in zip(self.fields, values, strict=True):
            problem = problem_of(value)
            if problem is not None:
                raise ValueError(f"{where}{field} {problem}")
        return values

    def build(self, row: sqlite3.Row, **more: Any) -> Record:
        """The record in a row, with ``more`` fields that have no column of their own."""
        values: dict[str, Any] = {
            field: row[name] for field, name in zip(self.fields, self.names, strict=True)
        }
        make_booleans(values, self.booleans)
        return self.record(**values, **more)


def problem_of(value: object) -> str | None:
    """Why a value cannot be stored as it is, or None."""
    if value is None:
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else f"is {value}: give None with a reason instead"
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else "is an integer of more than 64 bits"
    if isinstance(value, str):
        return None if value.isascii() or _encodes(value) else "is not valid Unicode text"
    return f"is a {type(value).__name__}, which the store cannot hold: convert it"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _columns(
    record: type[Record], *, without: tuple[str, ...] = (), **renamed: str
) -> Columns[Record]:
    """A column for each field, of the field's name unless ``renamed``."""
    kept = [field for field in fields(record) if field.name not in without]  # type: ignore[arg-type]
    return Columns(
        record=record,
        fields=tuple(field.name for field in kept),
        names=tuple(renamed.get(field.name, field.name) for field in kept),
        booleans=boolean_fields(record) & {field.name for field in kept},
    )


@dataclass(frozen=True)
class Child:
    """A tuple of records within a result, which has a table of its own."""

    field: str
    """The field of ``Result``."""
    table: str
    columns: Columns[Any]


CHILDREN = (
    Child("stages", "stages", _columns(Stage)),
    Child("samples", "samples", _columns(Sample)),
    Child("energy", "energy_readings", _columns(EnergyReading)),
    Child("power_samples", "power_samples", _columns(PowerSample)),
    Child("flops", "flops", _columns(FlopsReading)),
    Child("operators", "operators", _columns(Operator)),
    Child("peaks", "peaks", _columns(Peak)),
    Child("proofs", "proofs", _columns(Proof, technique="part", requested="asked")),
    Child("figures", "figures", _columns(Scalar)),
    Child("decoder_steps", "decoder_steps", _columns(DecoderStep)),
    Child("load_levels", "load_levels", _columns(LoadLevel)),
    Child("noise_levels", "noise_levels", _columns(NoiseLevel)),
)

ENVIRONMENT = _columns(Environment)
EVENT = _columns(Event)

LATENCY = _columns(
    Latency,
    median_s="latency_s",
    low_s="latency_low_s",
    high_s="latency_high_s",
    mean_s="latency_mean_s",
    stdev_s="latency_stdev_s",
    p90_s="latency_p90_s",
    p95_s="latency_p95_s",
    p99_s="latency_p99_s",
    interval_reason="latency_interval_reason",
)
MEMORY = _columns(Memory)
METRIC = _columns(Metric)
QUALITY = _columns(
    Quality,
    of="quality_of",
    batch_size="quality_batch_size",
    interval_by="wer_interval_by",
    clusters="wer_clusters",
    loops="quality_loops",
    loops_error_share="quality_loops_error_share",
    loops_time_share="quality_loops_time_share",
    reason="quality_reason",
    remark="quality_remark",
    headline="quality_headline",
)
"""In `qualities` and in `results` alike."""
TRANSCRIPT = _columns(Transcript)
SPEECH = _columns(
    TimedSpeech,
    mode="clips_mode",
    of_recording="clips_of_recording",
    of_speaker="clips_of_speaker",
    of_utterance="clips_of_utterance",
    of_any="clips_of_any",
    loops="timed_loops",
    loops_time_share="timed_loops_time_share",
    utterances="clips_utterances",
    words="clips_words",
    left_out="clips_left_out",
    left_out_words="clips_left_out_words",
)
CONDITIONS = _columns(Conditions)
COMPARISON = _columns(
    Comparison,
    rounds="compared_rounds",
    baseline_s="baseline_latency_s",
    variant_s="compared_latency_s",
    clips="compared_clips",
    interval_reason="speedup_reason",
)
RESULT = _columns(
    Result,
    without=(
        "latency",
        "latency_reason",
        "speech",
        "memory",
        "quality",
        "transcripts",
        "conditions",
        "comparison",
        "environment",
        "metrics",
        *(child.field for child in CHILDREN),
    ),
    energy_primary="energy_source",
)
