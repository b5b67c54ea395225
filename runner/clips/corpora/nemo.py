"""A manifest of NeMo: a JSON object a line with `audio_filepath`, `text`, `duration`, `offset`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.clips.audio import read_bytes
from runner.clips.corpora.base import Asked, Format
from runner.clips.entry import Entry
from runner.clips.manifest import parse_jsonl


def _indexes(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix in (".json", ".jsonl") else []
    found = sorted(path.glob("*manifest*.json")) if path.is_dir() else []
    return found if len(found) == 1 else []


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    del root
    (index,) = indexes
    return list(
        parse_jsonl(
            read_bytes(index), str(index), text_column=asked.text_column, problem=asked.problem
        )
    )


NEMO = Format("nemo", "one *manifest*.json", _indexes, _entries)
