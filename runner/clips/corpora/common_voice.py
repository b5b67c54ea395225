"""Common Voice: a table of tabs with `path` and `sentence`, and the audio in `clips/`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.clips.corpora.base import Asked, Files, Format, gather, lines, whole_file
from runner.clips.entry import Entry
from runner.clips.manifest import once
from runner.errors import UserError

TABLES = ("test.tsv", "validated.tsv", "dev.tsv", "train.tsv")
"""Looked for in a folder, the first found is read; the path of another table may be given."""


def _indexes(path: Path) -> list[Path]:
    tables = [path] if path.suffix == ".tsv" else [path / name for name in TABLES]
    return [table for table in tables if table.is_file()][:1]


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    (index,) = indexes
    rows = list(lines(index))
    files = Files(root)
    header = rows[0][1].split("\t") if rows else []
    if not {"path", "sentence"} <= set(header):
        raise UserError(f"{index} has no columns path and sentence; it is no Common Voice table")
    once(header, rows[0][0])

    def entry(where: str, line: str) -> Entry:
        # Its sentences hold quotation marks that open nothing: it is no CSV.
        values = line.split("\t")
        if len(values) != len(header):
            raise UserError(f"{where} has another number of columns than the header; correct it")
        row = dict(zip(header, values, strict=True))
        file = row["path"] if "/" in row["path"] else f"clips/{row['path']}"
        if not files.there(file) and files.there(f"{file}.mp3"):
            file = f"{file}.mp3"  # its first releases left the ending out
        speaker = row.get("client_id", "")
        name = Path(row["path"]).stem
        locale = row.get("locale", "")
        return whole_file(where, name, file, row["sentence"], client_id=speaker, locale=locale)

    return gather(rows[1:], entry, asked.problem)


COMMON_VOICE = Format("common-voice", " or ".join(TABLES), _indexes, _entries)
