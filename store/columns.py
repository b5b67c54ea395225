"""How a record's fields lie in a table's columns, both ways."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Generic, TypeVar

from store.connection import Value
from store.records import (
    Comparison,
    Conditions,
    DecoderStep,
    EnergyReading,
    Environment,
    Event,
    Figure,
    FlopsReading,
    Latency,
    Memory,
    Operator,
    Peak,
    PowerSample,
    Proof,
    Quality,
    Result,
    Sample,
    Stage,
    Transcript,
)

Record = TypeVar("Record")


@dataclass(frozen=True)
class Columns(Generic[Record]):
    """The columns that hold one kind of record."""

    record: type[Record]
    fields: tuple[str, ...]
    names: tuple[str, ...]
    """Column names, in the order of ``fields``."""
    booleans: frozenset[str]
    """Fields that are 0 or 1 in the table."""

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
        for field in self.booleans:
            values[field] = bool(values[field])
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
        booleans=frozenset(field.name for field in kept if field.type in (bool, "bool")),
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
    Child("transcripts", "transcripts", _columns(Transcript)),
    Child("proofs", "proofs", _columns(Proof)),
    Child("figures", "figures", _columns(Figure)),
    Child("decoder_steps", "decoder_steps", _columns(DecoderStep)),
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
QUALITY = _columns(Quality, reason="quality_reason")
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
        "memory",
        "quality",
        "conditions",
        "comparison",
        "environment",
        *(child.field for child in CHILDREN),
    ),
    energy_primary="energy_source",
)
