"""A table of the store for other programs: CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Literal, TextIO

from report.errors import ReportError
from store import RawTable

ExportFormat = Literal["csv", "json", "parquet"]


def write_text(table: RawTable, form: ExportFormat, stream: TextIO) -> None:
    """Writes CSV, or JSON with one row a line.

    In CSV a missing figure is an empty field; in JSON it is null.
    """
    if form == "csv":
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(table.rows)
        return
    # A name, a colon and a value each: what any JSON reader takes, and a person can page through.
    lines = (
        json.dumps(dict(zip(table.columns, row, strict=True)), ensure_ascii=False)
        for row in table.rows
    )
    stream.write("[\n" + ",\n".join(lines) + "\n]\n" if table.rows else "[]\n")


def write_file(table: RawTable, form: ExportFormat, path: Path) -> None:
    """Writes a file of any of the three formats.

    Raises:
        ReportError: It cannot be written; one line.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if form == "parquet":
            _write_parquet(table, path)
        else:
            with path.open("w", encoding="utf-8", newline="") as stream:
                write_text(table, form, stream)
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror or error}") from error


def format_of(path: Path) -> ExportFormat:
    """The format that a file's suffix stands for.

    Raises:
        ReportError: It stands for none; one line.
    """
    formats: dict[str, ExportFormat] = {".csv": "csv", ".json": "json", ".parquet": "parquet"}
    try:
        return formats[path.suffix.lower()]
    except KeyError:
        raise ReportError(
            f"{path}: end its name in .csv, .json or .parquet, or give --format"
        ) from None


def _write_parquet(table: RawTable, path: Path) -> None:
    # Half a second to import, so only where it is needed.
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Named types, because a column of missing figures would have none.
    kinds = {"INTEGER": pa.int64(), "REAL": pa.float64(), "TEXT": pa.string()}
    schema = pa.schema(
        [(name, kinds[kind]) for name, kind in zip(table.columns, table.types, strict=True)]
    )
    columns = zip(*table.rows, strict=True) if table.rows else ([] for _ in table.columns)
    arrays = [pa.array(list(v), f.type) for v, f in zip(columns, schema, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)
