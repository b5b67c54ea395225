"""Tables for other programs: those of the store as CSV, JSON or Parquet, any as CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TextIO

from report.errors import ReportError
from store import RawTable

ExportFormat = Literal["csv", "json", "parquet"]


_FORMULA = re.compile(r"[=+\-@\t\r]")
_FIGURE = re.compile(r"[+-]?\d[\d,.]*(e[+-]?\d+)?( %| pp)?|-")
"""A number with its sign and unit, or the dash in the place of one."""


def csv_text(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, delimiter: str = ","
) -> str:
    """A table as CSV, with the names of its columns; None is an empty field.

    A spreadsheet would compute a text that begins like a formula, and a model's name may be one:
    such a text gets an apostrophe in front.

    Args:
        columns: Their names.
        rows: A value for each column.
        delimiter: Between two fields; a tab for a spreadsheet's clipboard.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return out.getvalue()


def _harmless(value: object) -> object:
    if not isinstance(value, str) or not _FORMULA.match(value) or _FIGURE.fullmatch(value):
        return value
    return f"'{value}"


def write_text(table: RawTable, form: ExportFormat, stream: TextIO) -> None:
    """Writes CSV, or JSON with one row a line.

    In CSV a missing figure is an empty field; in JSON it is null.

    Args:
        table: The columns and rows.
        form: ``csv`` or ``json``.
        stream: Where the text goes.
    """
    if form == "csv":
        stream.write(csv_text(table.columns, table.rows))
        return
    # A name, a colon and a value each: what any JSON reader takes, and a person can page through.
    lines = (
        json.dumps(dict(zip(table.columns, row, strict=True)), ensure_ascii=False)
        for row in table.rows
    )
    stream.write("[\n" + ",\n".join(lines) + "\n]\n" if table.rows else "[]\n")


def write_file(table: RawTable, form: ExportFormat, path: Path) -> None:
    """Writes a file of any of the three formats.

    Args:
        table: The columns and rows.
        form: The format of the file.
        path: The file; its folder is created when missing.

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
