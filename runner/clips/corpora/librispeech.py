"""LibriSpeech and its kin: `reader/chapter/reader-chapter.trans.txt` beside the audio."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path

from runner.clips.corpora.base import Asked, Files, Format, gather, lines, whole_file
from runner.clips.entry import Entry


def _indexes(path: Path) -> list[Path]:
    return sorted(path.rglob("*.trans.txt")) if path.is_dir() else []


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    found: list[Entry] = []
    files = Files(root)
    for index in indexes:

        def entry(where: str, line: str, folder: str = files.folder(index.parent)) -> Entry:
            name, _, text = line.strip().partition(" ")
            return whole_file(where, name, files.audio(posixpath.join(folder, name)), text)

        found += gather(lines(index), entry, asked.problem)
    return found


LIBRISPEECH = Format("librispeech", "*.trans.txt", _indexes, _entries)
