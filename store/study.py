"""What a study reads: the figures of many results at once, and the children of those it shows.

A store may hold tens of thousands of results. Their figures come in one query, without children;
samples, stages and the rest are read for the results that need them, many at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar, cast

from store.booleans import boolean_fields, make_booleans
from store.columns import CHILDREN, ENVIRONMENT, Columns
from store.connection import Database, Value
from store.energy_marks import EnergyLabel
from store.errors import StoreError, one_line
from store.leaderboard import COLUMNS, scalar_expression
from store.metrics import Form, Metric
from store.qualities import transcripts_of
from store.records import Environment, LanguageBy, ResultState, Weights
from store.scalars import find_scalars
from store.sql import one_of, portions
from store.word_records import ClipsMode, Covered, Headline, QualityOf, Transcript

Record = TypeVar("Record")


@dataclass(frozen=True, kw_only=True)
class StudyRow(Covered):
    """The figures of one result in full precision, as the table ``results`` has them."""

    result_id: int
    job_id: int
    benchmark: str
    created_at: str
    case_key: str
    environment_id: int | None
    model: str
    engine: str
    weights: Weights
    revision: str | None
    device: str
    variant: str
    language: str | None
    """The language it was told, or is known, to transcribe."""
    language_by: LanguageBy | None
    baseline: str | None
    """The variant that was interleaved with this one; None where none did."""
    compared_clips: int | None
    """Clips whose texts were compared with that one's."""
    same_text: int | None
    """How many of them are the same."""
    same_text_promised: bool | None
    audio_seconds: float
    batch_size: int
    data: str | None
    """Where its speech comes from; see `store.data_source`."""
    seed: int
    state: ResultState
    reason: str | None
    parameters: int | None
    clips_fingerprint: str | None
    clips_mode: ClipsMode | None
    clips_of_recording: int | None
    clips_of_speaker: int | None
    clips_of_utterance: int | None
    clips_of_any: int | None
    speech_share: float | None
    reference_words: int | None
    hypothesis_words: int | None
    missing_words: int | None
    timed_loops: int | None
    timed_loops_time_share: float | None
    stopped_early: bool | None
    load_s: float | None
    cold_s: float | None
    iterations: int | None
    latency_s: float | None
    latency_low_s: float | None
    latency_high_s: float | None
    latency_p95_s: float | None
    stable: bool | None
    stable_reason: str | None
    audio_s: float | None
    rtfx: float | None
    throughput: float | None
    tokens: float | None
    windows: float | None
    decoder_calls: float | None
    energy_j: float | None
    energy_net_j: float | None
    energy_uncertainty_j: float | None
    energy_label: EnergyLabel | None
    energy_source: str | None
    energy_reason: str | None
    joules_per_audio_hour: float | None
    encoder_flops: int | None
    flops: int | None
    flops_reason: str | None
    operators_reason: str | None
    rss_bytes: int | None
    rss_before_bytes: int | None
    weights_bytes: int | None
    gpu_allocated_bytes: int | None
    gpu_reserved_bytes: int | None
    quality_id: int | None
    """The quality record; rows that share one have the same number."""
    quality_of: QualityOf | None
    scored: int | None
    quality_batch_size: int | None
    beyond_window: int | None
    wer: float | None
    wer_low: float | None
    wer_high: float | None
    wer_interval_by: str | None
    wer_clusters: int | None
    cer: float | None
    cer_low: float | None
    cer_high: float | None
    quality_loops: int | None
    quality_loops_error_share: float | None
    quality_loops_time_share: float | None
    normaliser: str | None
    normaliser_version: str | None
    quality_reason: str | None
    quality_remark: str | None
    quality_headline: Headline | None
    data_utterances: int | None
    data_words: int | None
    too_long: int | None
    not_chosen: int | None
    unscored_words: int | None
    rows_without_words: int | None
    rows_unreadable: int | None
    clips_utterances: int | None
    clips_words: int | None
    clips_left_out: int | None
    clips_left_out_words: int | None
    foreign_cpu: float | None
    threads: int | None
    threads_listed: int | None
    """CPU threads, where the benchmark listed several numbers of them."""


_JOINED = {
    "result_id": "results.id",
    "benchmark": "benchmarks.name",
    "data": "jobs.data",
    "threads_listed": f"CAST({scalar_expression('threads')} AS INTEGER)",
}
_BOOLEANS = boolean_fields(StudyRow)
_NAMES = tuple(field.name for field in fields(StudyRow))
_COLUMNS = ", ".join(f"{_JOINED.get(name, f'results.{name}')} AS {name}" for name in _NAMES)


@dataclass(frozen=True)
class RawTable:
    """A table, or the view ``leaderboard``, as it is in the file."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    """``INTEGER``, ``REAL`` or ``TEXT`` of each column."""
    rows: list[tuple[Value, ...]]


TABLES = (
    "leaderboard",
    "results",
    *(child.table for child in CHILDREN),
    "qualities",
    "transcripts",
    "environments",
    "jobs",
    "benchmarks",
    "events",
)
"""What can be read as a whole; the first ones can be chosen from by a condition."""

_SQL_TYPES: dict[Form, str] = {"text": "TEXT", "count": "INTEGER", "flag": "INTEGER"}

_CHOSEN_BY = {"results": "id", "qualities": "id", "transcripts": "quality_id"}
"""The column that says to which result, or to which quality record, a row belongs."""
_OF_QUALITY = ("qualities", "transcripts")


class StudyReader:
    """Reads what a study is made of from one database."""

    def __init__(self, database: Database) -> None:
        """Reads from ``database``; a condition of the user's needs one that only reads."""
        self._database = database

    def rows(
        self,
        *,
        where: str | None = None,
        job_id: int | None = None,
        result_ids: Iterable[int] | None = None,
        git_commit: str | None = None,
    ) -> list[StudyRow]:
        """The results, in the order they were stored.

        Args:
            where: Only those for which this SQL condition on the view ``leaderboard`` holds.
            job_id: Only this job's.
            result_ids: Only these; one that is not there is left out.
            git_commit: Only those measured by a harness whose commit begins like this.

        Raises:
            StoreError: SQLite does not understand ``where``, or the store was opened for writing,
                when a condition could change it.
        """
        conditions: list[str] = []
        parameters: list[Value] = []
        if job_id is not None:
            conditions.append("results.job_id = ?")
            parameters.append(job_id)
        if result_ids is not None:
            condition, wanted = one_of("results.id", result_ids)
            conditions.append(condition)
            parameters.append(wanted)
        if git_commit is not None:
            conditions.append(
                "results.environment_id IN (SELECT id FROM environments "
                "WHERE substr(git_commit, 1, ?) = ?)"
            )
            parameters += [len(git_commit), git_commit]
        found = self._select(_COLUMNS, conditions, parameters, where)
        return [_study_row(row) for row in found]

    def _select(
        self,
        columns: str,
        conditions: Sequence[str] = (),
        parameters: Sequence[Value] = (),
        where: str | None = None,
    ) -> list[sqlite3.Row]:
        """Columns of the results that meet all conditions, in the order they were stored.

        Args:
            columns: SQL over ``results`` and the benchmark's row.
            conditions: SQL, too.
            parameters: Of the conditions.
            where: See ``rows``.

        Raises:
            StoreError: See ``rows``.
        """
        if where is not None:
            if not self._database.readonly:
                raise StoreError(f"{self._database.path}: a condition needs a read-only store")
            # On a line of its own, so that a comment at its end cannot swallow the bracket.
            of_the_user = f"results.id IN (SELECT result_id FROM leaderboard WHERE (\n{where}\n))"
            conditions = (*conditions, of_the_user)
        sql = (
            f"SELECT {columns} FROM results JOIN jobs ON jobs.id = results.job_id "
            "JOIN benchmarks ON benchmarks.id = jobs.benchmark_id"
        )
        if conditions:
            sql += f" WHERE {' AND '.join(conditions)}"
        try:
            return self._database.rows(f"{sql} ORDER BY results.id", parameters)
        except StoreError as error:
            if where is None:
                raise
            said = one_line(str(error.__cause__ or error))
            raise StoreError(
                f"{self._database.path}: cannot select results with where {where!r}: {said}"
            ) from error

    def environments(self) -> dict[int, Environment]:
        """All machines of the store by id."""
        rows = self._database.rows("SELECT * FROM environments ORDER BY id")
        return {int(row["id"]): ENVIRONMENT.build(row) for row in rows}

    def scalars(self) -> dict[str, Metric]:
        """What the scalars of the store's results are, by name."""
        return find_scalars(self._database)

    def children(
        self, record: type[Record], result_ids: Iterable[int]
    ) -> dict[int, tuple[Record, ...]]:
        """The children of one kind of many results, by result, in their order.

        Args:
            record: Their class, for example ``Stage``.
            result_ids: The results; those without such children are not in the answer.
        """
        if record is Transcript:
            return cast("dict[int, tuple[Record, ...]]", self._transcripts(result_ids))
        table, columns = _child(record)
        found: dict[int, list[Record]] = {}
        for chunk, marks in portions(result_ids):
            rows = self._database.rows(
                f"SELECT * FROM {table} WHERE result_id IN ({marks}) ORDER BY result_id, seq", chunk
            )
            for row in rows:
                found.setdefault(row["result_id"], []).append(columns.build(row))
        return {result_id: tuple(records) for result_id, records in found.items()}

    def _transcripts(self, result_ids: Iterable[int]) -> dict[int, tuple[Transcript, ...]]:
        """Transcripts by result; results that share a record get the same tuple."""
        records: dict[int, int] = {}
        for chunk, marks in portions(result_ids):
            rows = self._database.rows(
                "SELECT id, quality_id FROM results"
                f" WHERE quality_id IS NOT NULL AND id IN ({marks})",
                chunk,
            )
            records |= {row["id"]: row["quality_id"] for row in rows}
        texts = transcripts_of(self._database, records.values())
        return {result: texts[record] for result, record in records.items() if record in texts}

    def table(self, name: str, *, where: str | None = None) -> RawTable:
        """A whole table.

        Args:
            name: One of ``TABLES``.
            where: Only rows of results for which this SQL condition on the view ``leaderboard``
                holds; for tables that have results alone. What several of them share comes once.

        Raises:
            StoreError: There is no such table, it cannot be chosen from, or SQLite does not
                understand ``where``.
        """
        if name not in TABLES:
            raise StoreError(f"no table {name!r}: write one of {', '.join(TABLES)}")
        key = _CHOSEN_BY.get(name, "result_id")
        types = {
            str(row["name"]): str(row["type"])
            for row in self._database.rows(f"PRAGMA table_info({name})")
        }
        if name == "leaderboard":
            types = {name: _SQL_TYPES.get(_form(name), "REAL") for name in types}
        sql = f"SELECT {', '.join(types)} FROM {name}"
        if where is not None:
            if key not in types:
                raise StoreError(f"table {name} has no results to choose from: leave --where out")
            # Parsed apart from the rest, so that an error is the condition's.
            owner = "quality_id" if name in _OF_QUALITY else "id"
            found = self._select(f"results.{owner}", where=where)
            chosen = {number for (number,) in found if number is not None}
            condition, wanted = one_of(key, sorted(chosen))
            rows = self._database.rows(f"{sql} WHERE {condition}", (wanted,))
        else:
            rows = self._database.rows(sql)
        return RawTable(name, tuple(types), tuple(types.values()), [tuple(row) for row in rows])


def _form(column: str) -> Form:
    """How the values of a column of the view ``leaderboard`` are written; scalars are numbers."""
    return COLUMNS[column].form if column in COLUMNS else "number"


def _study_row(row: sqlite3.Row) -> StudyRow:
    values = dict(zip(_NAMES, row, strict=True))
    make_booleans(values, _BOOLEANS)
    return StudyRow(**values)


def _child(record: type[Record]) -> tuple[str, Columns[Record]]:
    for child in CHILDREN:
        if child.columns.record is record:
            return child.table, child.columns
    raise ValueError(f"{record.__name__} is no child of a result")
