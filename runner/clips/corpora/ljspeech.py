"""LJSpeech: `metadata.csv` of `name|text|normalised text`, and the audio in `wavs/`."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path

from runner.clips.corpora.base import Asked, Files, Format, gather, lines, whole_file
from runner.clips.entry import Entry
from runner.errors import UserError


def _indexes(path: Path) -> list[Path]:
    index = path / "metadata.csv"
    if not index.is_file() or not (path / "wavs").is_dir():
        return []
    # Its name is audiofolder's too, which has a header.
    first = next(lines(index), ("", ""))[1]
    return [index] if "|" in first and "file_name" not in first.split(",") else []


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    (index,) = indexes
    files = Files(root)

    def entry(where: str, line: str) -> Entry:
        # It quotes nothing: a quotation mark is one that somebody reads.
        name, *texts = line.split("|")
        if len(texts) not in (1, 2):
            raise UserError(f"{where} is no name|text or name|text|normalised text; correct it")
        file = files.audio(posixpath.join("wavs", name))
        return whole_file(where, name, file, texts[-1].strip() or texts[0])

    return gather(lines(index), entry, asked.problem)


LJSPEECH = Format("ljspeech", "metadata.csv with | and wavs/", _indexes, _entries)
