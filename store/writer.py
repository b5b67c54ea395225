"""Writing results, benchmarks and events."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from store.columns import (
    CHILDREN,
    COMPARISON,
    CONDITIONS,
    ENVIRONMENT,
    EVENT,
    LATENCY,
    MEMORY,
    QUALITY,
    RESULT,
    SPEECH,
    Child,
    problem_of,
)
from store.connection import Database, Transaction, Value
from store.errors import StoreError
from store.events import Event
from store.jobs import forget_progress
from store.metrics import Metric
from store.qualities import QualityRows, quality_rows, share_record
from store.records import EnergyReading, Environment, Result
from store.scalars import describe, scalars_of
from store.sql import insert_sql

_DERIVED = (
    "energy_j",
    "energy_net_j",
    "energy_uncertainty_j",
    "energy_net_uncertainty_j",
    "energy_label",
    "idle_w",
    "joules_per_audio_hour",
    "encoder_flops",
    "flops",
)
_RESULT_COLUMNS = (
    "job_id",
    "environment_id",
    "created_at",
    "quality_id",
    *QUALITY.names,
    *RESULT.names,
    *LATENCY.names,
    *SPEECH.names,
    *MEMORY.names,
    *CONDITIONS.names,
    *COMPARISON.names,
    *_DERIVED,
)


_NO_QUALITY: tuple[Value, ...] = (None,) * (1 + len(QUALITY.names))
_INSERT_RESULT = insert_sql("results", _RESULT_COLUMNS)
_INSERT_EVENT = insert_sql("events", ("job_id", *EVENT.names))
_INSERT_ENVIRONMENT = insert_sql("environments", ENVIRONMENT.names)


def canonical_json(text: str) -> str:
    """The one spelling of a JSON text: sorted keys, no spaces.

    Raises:
        ValueError: Not JSON, or it holds NaN or an infinity.
    """
    return json.dumps(
        json.loads(text),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def add_benchmark(database: Database, name: str, config_json: str, now: str) -> int:
    """Stores a benchmark unless one with an equal config is there, and returns its id.

    Args:
        database: The store.
        name: Name of the benchmark.
        config_json: Its config.
        now: The time of day, as it is stored.
    """
    config = canonical_json(config_json)
    config_hash = hashlib.sha256(config.encode()).hexdigest()
    with database.write() as transaction:
        transaction.run(
            "INSERT INTO benchmarks (name, config, config_hash, created_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (config_hash) DO NOTHING",
            (name, config, config_hash, now),
        )
        ((benchmark_id,),) = transaction.rows(
            "SELECT id FROM benchmarks WHERE config_hash = ?", (config_hash,)
        )
    return int(benchmark_id)


def add_event(database: Database, job_id: int, event: Event) -> int:
    """Stores an event and returns its id.

    Args:
        database: The store.
        job_id: The job that it belongs to.
        event: What happened.
    """
    with database.write() as transaction:
        _check_job(transaction, database, job_id)
        return insert_event(transaction, job_id, event)


def insert_event(transaction: Transaction, job_id: int, event: Event) -> int:
    """Stores an event within a transaction, and returns its id.

    Args:
        transaction: The transaction.
        job_id: The job that it belongs to.
        event: What happened.
    """
    return transaction.insert(_INSERT_EVENT, (job_id, *EVENT.values(event, "event.")))


@dataclass(frozen=True)
class Rows:
    """A result as rows: its own, those of its children, and its quality record."""

    key: str
    own: tuple[Value, ...]
    """The row of ``results`` without ids, the time of writing and what ``quality`` gives it."""
    quality: QualityRows | None
    children: tuple[tuple[Child, list[tuple[Value, ...]]], ...]
    environment: Environment | None
    metrics: tuple[Metric, ...]
    """What the scalars are."""


def rows_of(result: Result) -> Rows:
    """A result as rows, every figure checked.

    A quality record without a key is the result's own, and gets the key of its case.

    Raises:
        ValueError: A figure is NaN or infinite, a value has a type that SQLite does not know, or
            there are transcripts without a quality record; the message names the field.
    """
    if result.quality is not None and result.quality_key is None:
        result = replace(result, quality_key=result.case_key)
    own = _flatten(result)
    quality = _quality(result)
    if result.environment is not None:
        ENVIRONMENT.values(result.environment, "environment.")
    children = tuple((child, _child_rows(child, result)) for child in CHILDREN)
    return Rows(result.case_key, own, quality, children, result.environment, scalars_of(result))


def write_result(
    database: Database, job_id: int, result: Result, now: str, *, replace: bool = False
) -> int:
    """Stores a result with its children in one transaction, and returns its id.

    Args:
        database: The store.
        job_id: The job that the case belongs to.
        result: The result with all its children.
        now: The time of day, as it is stored.
        replace: Whether it takes the place of a row that is not ``ok``.
    """
    # Everything is checked before the lock is taken, so that others wait only for SQLite.
    rows = rows_of(result)
    with database.write() as transaction:
        _check_job(transaction, database, job_id)
        return insert_rows(transaction, job_id, rows, now, replace=replace)


def insert_rows(
    transaction: Transaction, job_id: int, rows: Rows, now: str, *, replace: bool = False
) -> int:
    """Stores a result within a transaction, and returns its id; see ``Store.write_result``.

    Args:
        transaction: The transaction.
        job_id: The job that the case belongs to.
        rows: The result as the tables hold it.
        now: The time of day, as it is stored.
        replace: Whether it takes the place of a row that is not ``ok``.
    """
    present = transaction.rows(
        "SELECT id, state FROM results WHERE job_id = ? AND case_key = ?", (job_id, rows.key)
    )
    if present and not (replace and present[0]["state"] != "ok"):
        return int(present[0]["id"])
    if present:
        transaction.run("DELETE FROM results WHERE id = ?", (present[0]["id"],))
    environment_id = _environment_id(transaction, rows.environment)
    shared = _NO_QUALITY
    if rows.quality is not None:
        record = share_record(transaction, job_id, rows.quality)
        shared = (record.id, *record.figures)
    result_id = transaction.insert(
        _INSERT_RESULT, (job_id, environment_id, now, *shared, *rows.own)
    )
    for child, children in rows.children:
        transaction.run_many(
            insert_sql(child.table, ("result_id", "seq", *child.columns.names)),
            ((result_id, seq, *values) for seq, values in enumerate(children)),
        )
    describe(transaction, rows.metrics)
    forget_progress(transaction, job_id)
    transaction.run(
        "UPDATE jobs SET cases_done = (SELECT count(*) FROM results WHERE job_id = jobs.id) "
        "WHERE id = ?",
        (job_id,),
    )
    return result_id


def _flatten(result: Result) -> tuple[Value, ...]:
    """``Rows.own``."""
    return (
        *RESULT.values(result, ""),
        *_latency(result),
        *SPEECH.values(result.speech, "speech."),
        *MEMORY.values(result.memory, "memory."),
        *CONDITIONS.values(result.conditions, "conditions."),
        *COMPARISON.values(result.comparison, "comparison."),
        *_derive(result),
    )


def _latency(result: Result) -> tuple[Value, ...]:
    """The columns of the latency. Without one the reason stands where an unstable one has its."""
    values = LATENCY.values(result.latency, "latency.")
    if result.latency is not None or result.latency_reason is None:
        return values
    place = LATENCY.fields.index("stable_reason")
    return (*values[:place], result.latency_reason, *values[place + 1 :])


def _quality(result: Result) -> QualityRows | None:
    if result.quality is None or result.quality_key is None:
        if result.transcripts:
            raise ValueError("transcripts need a quality record to belong to: give quality too")
        return None
    return quality_rows(result.quality_key, result.quality, result.transcripts)


def _derive(result: Result) -> tuple[Value, ...]:
    primary = _primary_energy(result)
    counted = {reading.stage: reading.flops for reading in result.flops if reading.method == "meta"}
    flops = (counted.get("encoder"), counted.get("total"))
    if primary is None:
        return (*(None,) * 7, *flops)
    return (
        primary.gross_j,
        primary.net_j,
        primary.uncertainty_j,
        primary.net_uncertainty_j,
        primary.label,
        primary.idle_w,
        _joules_per_audio_hour(primary, result),
        *flops,
    )


def _primary_energy(result: Result) -> EnergyReading | None:
    if result.energy_primary is None:
        return None
    for reading in result.energy:
        if reading.source == result.energy_primary:
            return reading
    raise ValueError(f"energy_primary is {result.energy_primary!r}, a source without a reading")


def _joules_per_audio_hour(primary: EnergyReading, result: Result) -> float | None:
    if primary.gross_j is None or result.latency is None or result.latency.audio_s <= 0:
        return None
    joules = primary.gross_j / result.latency.audio_s * 3600
    problem = problem_of(joules)
    if problem is not None:
        raise ValueError(f"joules_per_audio_hour {problem}")
    return joules


def _child_rows(child: Child, result: Result) -> list[tuple[Value, ...]]:
    records = getattr(result, child.field)
    return [
        child.columns.values(record, f"{child.field}[{seq}].") for seq, record in enumerate(records)
    ]


def _environment_id(transaction: Transaction, environment: Environment | None) -> int | None:
    if environment is None:
        return None
    transaction.run(
        f"{_INSERT_ENVIRONMENT} ON CONFLICT (fingerprint) DO NOTHING",
        ENVIRONMENT.values(environment, "environment."),
    )
    ((environment_id,),) = transaction.rows(
        "SELECT id FROM environments WHERE fingerprint = ?", (environment.fingerprint,)
    )
    return int(environment_id)


def _check_job(transaction: Transaction, database: Database, job_id: int) -> None:
    if not transaction.rows("SELECT 1 FROM jobs WHERE id = ?", (job_id,)):
        raise StoreError(f"{database.path}: no job {job_id} in this store")
