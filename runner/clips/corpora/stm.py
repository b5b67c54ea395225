"""Segment time marks (`.stm`), as TED-LIUM has them and NIST's sclite reads them.

A line is `recording channel speaker start end <labels> text`, with the labels left out by some.
The audio is of the recording's name, beside the file or in a folder `sph` or `wav` next to its own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from runner.clips.corpora.base import (
    Asked,
    Files,
    Format,
    gather,
    lines,
    whole_file,
)
from runner.clips.entry import Entry
from runner.clips.segment import segment_of
from runner.errors import UserError

_LINE = re.compile(r"(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)(?:\s+<[^<>]*,[^<>]*>)?(?:\s+(.*))?")
_CHANNELS = {"1": 0, "2": 1, "A": 0, "B": 1}


def _indexes(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix == ".stm" else []
    return sorted(path.rglob("*.stm"))


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    found: list[Entry] = []
    files = Files(root)
    for index in indexes:
        rows = ((where, line) for where, line in lines(index) if not line.startswith(";;"))
        found += gather(rows, partial(_entry, files, _folders(files, root, index)), asked.problem)
    return found


def _entry(files: Files, folders: Sequence[str], where: str, line: str) -> Entry:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise UserError(f"{where} is no recording, channel, speaker, start and end; correct it")
    recording, channel, speaker, start, end, text = found.groups()
    if channel not in _CHANNELS:
        raise UserError(f"{where}: channel {channel} is none of {', '.join(_CHANNELS)}; correct it")
    segment = segment_of({"start": start, "end": end}, where)
    stems = [posixpath.join(folder, recording) for folder in folders]
    there = (file for stem in stems if files.there(file := files.audio(stem)))
    file = next(there, files.audio(stems[0]))
    entry = whole_file(where, f"{recording}@{start}", file, text or "", speaker=speaker)
    return replace(
        entry,
        offset_s=segment.offset_s,
        seconds=segment.seconds,
        start_s=segment.start_s,
        channel=_CHANNELS[channel],
        recording=recording,
    )


def _folders(files: Files, root: Path, index: Path) -> list[str]:
    """Where the audio of an index file may lie, relative to the corpus."""
    own = files.folder(index.parent)
    if index.parent == root:
        return [own]
    beside = files.folder(index.parent.parent)
    return [own, posixpath.join(beside, "sph"), posixpath.join(beside, "wav")]


STM = Format("stm", "*.stm", _indexes, _entries)
