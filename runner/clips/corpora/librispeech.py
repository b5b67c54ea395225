"""LibriSpeech and its kin: `reader/chapter/reader-chapter.trans.txt` beside the audio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.clips.corpora.base import Asked, Format, audio_beside, gather, lines, whole_file
from runner.clips.entry import Entry


def _indexes(path: Path) -> list[Path]:
    return sorted(path.rglob("*.trans.txt")) if path.is_dir() else []


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    found: list[Entry] = []
    for index in indexes:

        def entry(where: str, line: str, folder: Path = index.parent) -> Entry:
            name, _, text = line.strip().partition(" ")
            return whole_file(where, name, audio_beside(folder / name, root), text)

        found += gather(lines(index), entry, asked.problem)
    return found


LIBRISPEECH = Format("librispeech", "*.trans.txt", _indexes, _entries)
