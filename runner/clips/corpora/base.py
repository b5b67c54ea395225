"""What every format of a corpus is, and what its readers share."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.clips.audio import read_bytes
from runner.clips.entry import Entry, Problem, refuse
from runner.clips.labels import labels
from runner.clips.manifest import decode
from runner.errors import UserError

AUDIO_ENDINGS = (".flac", ".wav", ".ogg", ".opus", ".mp3", ".sph")
"""Endings under which the audio of a text is looked for, in order of preference."""


@dataclass(frozen=True)
class Asked:
    """How the rows of a corpus are to be read."""

    problem: Problem = refuse
    """Told of a row that is wrong."""
    text_column: str | None = None
    """The key or column of the transcript; found by its usual names when None. Of no use where the
    format has no names for its columns."""


@dataclass(frozen=True)
class Format:
    """One way to lay out a corpus."""

    name: str
    """As `data.format` names it."""
    what: str
    """The files that it is found by, for people."""
    indexes: Callable[[Path], list[Path]]
    """The text files of a folder, or of the file that a user has named; none where it is another
    format."""
    entries: Callable[[Path, Sequence[Path], Asked], list[Entry]]
    """The rows of the index files, with files relative to the folder."""
    part: Callable[[Path, str], Path] | None = None
    """The folder of a split; None where the format has no splits."""
    opener: Callable[[Path], Callable[[Entry], bytes | None]] | None = None
    """Gives what gives the audio of a row, None where it is in the row's file; None where every
    row has a file."""


def lines(index: Path) -> Iterator[tuple[str, str]]:
    """The lines of a text file that are not empty, each with what errors call it."""
    text = decode(read_bytes(index), str(index))
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{index} line {number}", line.strip("\r")


def gather(
    rows: Iterable[tuple[str, str]], make: Callable[[str, str], Entry], problem: Problem
) -> list[Entry]:
    """The entries of some lines.

    Args:
        rows: The lines, each with what errors call it.
        make: Gives the entry of one.
        problem: Told of a line that `make` refuses.
    """
    found = []
    for where, line in rows:
        try:
            found.append(make(where, line))
        except UserError as error:
            problem(error)
    return found


class Files:
    """The files of a corpus: a folder is listed once, and no file of it asked for by itself."""

    def __init__(self, root: Path) -> None:
        """Takes the corpus."""
        self._root = str(root)
        self._names: dict[str, frozenset[str]] = {}

    def there(self, file: str) -> bool:
        """Whether there is a file.

        Args:
            file: Relative to the corpus, with slashes.
        """
        folder, _, name = file.rpartition("/")
        names = self._names.get(folder)
        if names is None:
            names = self._names[folder] = self._listed(folder)
        return name in names

    def audio(self, stem: str) -> str:
        """The audio file of a text, relative to the corpus, whether it is there or not.

        Args:
            stem: The same without its ending.
        """
        for ending in AUDIO_ENDINGS:
            if self.there(stem + ending):
                return stem + ending
        return stem + AUDIO_ENDINGS[0]

    def folder(self, path: Path) -> str:
        """A folder of the corpus relative to it, as the other methods take it."""
        inside = path.relative_to(self._root).as_posix()
        return "" if inside == "." else inside

    def _listed(self, folder: str) -> frozenset[str]:
        try:
            with os.scandir(posixpath.join(self._root, folder)) as files:
                return frozenset(file.name for file in files if file.is_file())
        except (OSError, ValueError):
            return frozenset()


def whole_file(where: str, identifier: str, file: str, text: str, **row: str) -> Entry:
    """The row of an utterance that has a file of its own.

    Args:
        where: What errors call it.
        identifier: Its name in the corpus.
        file: Relative to the corpus.
        text: What is said.
        row: What else the corpus says, under the manifest's keys: the speaker.
    """
    about: Mapping[str, str] = row
    known = labels(about, (identifier, file), where)
    return Entry(
        where=where,
        id=identifier,
        file=file,
        text=text,
        seconds=None,
        recording=known.recording,
        speaker=known.speaker,
        language=known.language,
    )
