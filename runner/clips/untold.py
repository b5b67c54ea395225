"""Audio files of a folder that none of its rows is of: nobody wrote down what is said there."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LIBSNDFILE = (".aif", ".aiff", ".au", ".caf", ".flac", ".mp2", ".mp3", ".oga", ".ogg", ".opus")
_MORE = (".sph", ".voc", ".w64", ".wav")
_FFMPEG = (".3gp", ".aac", ".amr", ".m4a", ".m4b", ".mka", ".mkv", ".mov", ".mp4", ".webm", ".wma")
AUDIO = frozenset((*_LIBSNDFILE, *_MORE, *_FFMPEG))
"""Endings, in small letters, of files that hold sound."""
NAMED = 5
"""Files and rows that are named in one line."""


@dataclass(frozen=True)
class Untold:
    """How many files have no text, and the first of them."""

    count: int = 0
    names: tuple[str, ...] = ()
    """Relative to the folder."""

    def __str__(self) -> str:
        files = "1 audio file has" if self.count == 1 else f"{self.count:,} audio files have"
        return f"{files} no text: {first_of(self.names, self.count)}"


NONE_UNTOLD = Untold()


def without_text(root: Path, told: Iterable[str]) -> Untold:
    """The audio files below a folder that no row is of.

    Args:
        root: The folder.
        told: The files of all rows, relative to it.
    """
    known = {posixpath.normpath(file) for file in told}
    found = []
    for folder, _, names in os.walk(root):
        inside = os.path.relpath(folder, root).replace(os.sep, "/")
        for name in names:
            file = posixpath.normpath(f"{inside}/{name}")
            hidden = name.startswith(".")
            if not hidden and os.path.splitext(name)[1].lower() in AUDIO and file not in known:  # noqa: PTH122
                found.append(file)
    return Untold(len(found), tuple(sorted(found)[:NAMED]))


def first_of(names: Iterable[str], count: int) -> str:
    """The first names of so many, and how many more there are."""
    named = list(names)[:NAMED]
    more = count - len(named)
    return f"{'; '.join(named)}{f'; and {more:,} more' if more else ''}"
