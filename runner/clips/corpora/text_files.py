"""Audio files with a `.txt` of the same name beside each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.clips.audio import read_bytes
from runner.clips.corpora.base import AUDIO_ENDINGS, Asked, Format, gather, whole_file
from runner.clips.entry import Entry
from runner.clips.manifest import decode
from runner.clips.untold import AUDIO
from runner.clips.unusable import Unusable
from runner.errors import UserError


def _audio(folder: Path) -> dict[Path, Path]:
    """The audio files of a folder by their paths without an ending.

    Of several the one whose ending is preferred elsewhere; recorders write endings in capitals too.
    """
    files = [file for file in folder.rglob("*") if file.suffix.lower() in AUDIO]
    order = {ending: place for place, ending in enumerate(AUDIO_ENDINGS)}
    files.sort(key=lambda file: (order.get(file.suffix, len(order)), file), reverse=True)
    return {file.with_suffix(""): file for file in files}


def _indexes(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    # Texts without audio, as a README.txt, are no transcripts.
    audio = _audio(path)
    return sorted(text for text in path.rglob("*.txt") if text.with_suffix("") in audio)


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    audio = _audio(root)

    def entry(where: str, _: str) -> Entry:
        index = Path(where)
        stem = index.with_suffix("")
        try:
            text = decode(read_bytes(index), where)
        except UserError as error:
            raise Unusable(str(error)) from error
        name, file = (path.relative_to(root).as_posix() for path in (stem, audio[stem]))
        return whole_file(where, name, file, text)

    return gather(((str(index), "") for index in indexes), entry, asked.problem)


TEXT_FILES = Format("text-files", "audio files with a .txt beside each", _indexes, _entries)
