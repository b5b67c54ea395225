"""Audio files with a `.txt` of the same name beside each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.clips.audio import read_bytes
from runner.clips.corpora.base import AUDIO_ENDINGS, Asked, Files, Format, whole_file
from runner.clips.entry import Entry
from runner.clips.manifest import decode


def _indexes(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    # Texts without audio, as a README.txt, are no transcripts.
    audio = {file.with_suffix("") for file in path.rglob("*") if file.suffix in AUDIO_ENDINGS}
    return sorted(text for text in path.rglob("*.txt") if text.with_suffix("") in audio)


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    found = []
    files = Files(root)
    del asked  # every text is one
    for index in indexes:
        name = index.with_suffix("").relative_to(root).as_posix()
        file = files.audio(name)
        found.append(whole_file(str(index), name, file, decode(read_bytes(index), str(index))))
    return found


TEXT_FILES = Format("text-files", "audio files with a .txt beside each", _indexes, _entries)
