"""Quality records: error rates and transcripts, stored once for all results that share them.

A record belongs to a job and has a key, which says what its words depend on. Its figures stand in
the row of every result that shares it too, so that rows are sorted and chosen without a join; what
changes a record changes them in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from store.columns import QUALITY, TRANSCRIPT
from store.connection import Database, Transaction, Value
from store.errors import StoreError
from store.rows import StoredQuality
from store.sql import insert_sql, portions
from store.word_records import Quality, Transcript

_FIGURES = ", ".join(f"{name} = ?" for name in QUALITY.names)
_INSERT_RECORD = insert_sql("qualities", ("job_id", "key", *QUALITY.names))
_INSERT_TRANSCRIPT = insert_sql("transcripts", ("quality_id", "seq", *TRANSCRIPT.names))


@dataclass(frozen=True)
class QualityRows:
    """A quality record as rows, every figure checked."""

    key: str
    figures: tuple[Value, ...]
    """One value for each of ``QUALITY.names``."""
    transcripts: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True)
class Shared:
    """The record that a result shares, as its row has it."""

    id: int
    figures: tuple[Value, ...]


def quality_rows(key: str, quality: Quality, transcripts: Sequence[Transcript]) -> QualityRows:
    """A quality record as rows.

    Args:
        key: What its words depend on.
        quality: The figures.
        transcripts: The texts behind them.

    Raises:
        ValueError: A figure is NaN or infinite, or a value has a type that SQLite does not know;
            the message names the field.
    """
    return QualityRows(
        key,
        QUALITY.values(quality, "quality."),
        tuple(
            TRANSCRIPT.values(one, f"transcripts[{seq}].") for seq, one in enumerate(transcripts)
        ),
    )


def share_record(transaction: Transaction, job_id: int, rows: QualityRows) -> Shared:
    """The record of a job with the key of ``rows``, which is made of them if there is none.

    The record that is there counts, unless it has no transcripts and these rows have: then it
    takes them over, with their figures.

    Args:
        transaction: The transaction.
        job_id: The job that the record belongs to.
        rows: The figures and transcripts of a result, with their key.
    """
    found = transaction.rows(
        "SELECT * FROM qualities WHERE job_id = ? AND key = ?", (job_id, rows.key)
    )
    if not found:
        record = transaction.insert(_INSERT_RECORD, (job_id, rows.key, *rows.figures))
        _insert_transcripts(transaction, record, rows)
        return Shared(record, rows.figures)
    (row,) = found
    texts = "SELECT 1 FROM transcripts WHERE quality_id = ? LIMIT 1"
    if rows.transcripts and not transaction.rows(texts, (row["id"],)):
        _change(transaction, row["id"], rows)
        return Shared(row["id"], rows.figures)
    return Shared(row["id"], tuple(row[name] for name in QUALITY.names))


def replace_quality(
    database: Database, result_id: int, quality: Quality, transcripts: Sequence[Transcript]
) -> int:
    """Puts another record in the place of a result's; see ``Store.replace_quality``.

    Args:
        database: The store.
        result_id: Any of the results that share the record.
        quality: The new figures.
        transcripts: All transcripts, with their new word counts.

    Raises:
        StoreError: There is no such result, or it has no error rates.
    """
    rows = quality_rows("", quality, transcripts)
    with database.write() as transaction:
        found = transaction.rows("SELECT quality_id FROM results WHERE id = ?", (result_id,))
        if not found:
            raise StoreError(f"{database.path}: no result {result_id} in this store")
        record = found[0]["quality_id"]
        if record is None:
            raise StoreError(f"{database.path}: result {result_id} has no error rates to replace")
        return _change(transaction, record, rows)


def find_qualities(database: Database, job_id: int) -> tuple[StoredQuality, ...]:
    """The quality records of a job, in the order they were stored."""
    with database.read() as transaction:
        rows = transaction.rows("SELECT * FROM qualities WHERE job_id = ? ORDER BY id", (job_id,))
        texts = transcripts_of(transaction, (row["id"] for row in rows))
    return tuple(
        StoredQuality(
            key=row["key"], quality=QUALITY.build(row), transcripts=texts.get(row["id"], ())
        )
        for row in rows
    )


def transcripts_of(
    source: Database | Transaction, quality_ids: Iterable[int]
) -> dict[int, tuple[Transcript, ...]]:
    """The transcripts of some quality records, by record; those without any are left out."""
    found: dict[int, list[Transcript]] = {}
    for chunk, marks in portions(quality_ids):
        rows = source.rows(
            f"SELECT * FROM transcripts WHERE quality_id IN ({marks}) ORDER BY quality_id, seq",
            chunk,
        )
        for row in rows:
            found.setdefault(row["quality_id"], []).append(TRANSCRIPT.build(row))
    return {record: tuple(transcripts) for record, transcripts in found.items()}


def _change(transaction: Transaction, record: int, rows: QualityRows) -> int:
    """Changes a record, and the rows of all results that share it; gives their number."""
    transaction.run(f"UPDATE qualities SET {_FIGURES} WHERE id = ?", (*rows.figures, record))
    transaction.run("DELETE FROM transcripts WHERE quality_id = ?", (record,))
    _insert_transcripts(transaction, record, rows)
    return transaction.run(
        f"UPDATE results SET {_FIGURES} WHERE quality_id = ?", (*rows.figures, record)
    )


def _insert_transcripts(transaction: Transaction, record: int, rows: QualityRows) -> None:
    transaction.run_many(
        _INSERT_TRANSCRIPT,
        ((record, seq, *values) for seq, values in enumerate(rows.transcripts)),
    )
