"""A local folder with audio files and a manifest, or a corpus as it lies on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from runner.clips.audio import read_bytes
from runner.clips.clip import Speech
from runner.clips.corpora.base import Asked, Format
from runner.clips.corpora.formats import FORMATS
from runner.clips.corpora.lhotse import LHOTSE
from runner.clips.corpora.ljspeech import LJSPEECH
from runner.clips.decoded import kept
from runner.clips.entry import Entry, LeftOut, Problem, distinct, refuse
from runner.clips.lookalikes import what_is_there
from runner.clips.manifest import Progress, parse_csv, parse_jsonl, read_index
from runner.clips.reading import read_entries, spoken
from runner.clips.untold import Untold, without_text
from runner.clips.unusable import Unusable
from runner.config import Data
from runner.errors import UserError

MANIFESTS = ("manifest.jsonl", "manifest.jsonl.gz", "metadata.jsonl", "metadata.csv")
"""Names looked for in a folder, the first found is read. The last two are audiofolder's."""

_OWN_FOLDERS = ("text-files", "audiofolder")
"""Formats, beside manifests, whose folder is of the speech that is meant, and of no other."""

DEFAULT_SPLIT = str(Data.model_fields["split"].default)


@dataclass(frozen=True)
class FolderSpeech:
    """Where the rows of a folder stand."""

    root: Path
    """What the files of the rows are relative to."""
    indexes: tuple[Path, ...]
    """The text files that hold the rows."""
    corpus: Format | None
    """None where it is a manifest."""

    def entries(
        self, text_column: str | None = None, problem: Problem = refuse
    ) -> tuple[Entry, ...]:
        """All rows, in order.

        Args:
            text_column: The key or column of the transcript; found by its usual names when None.
            problem: Told of a row that is wrong.

        Raises:
            UserError: one line naming the line that is wrong, unless `problem` takes it.
        """
        if self.corpus is not None:
            return distinct(
                self.corpus.entries(self.root, self.indexes, Asked(problem, text_column)), problem
            )
        (manifest,) = self.indexes
        parse = parse_csv if manifest.suffix == ".csv" else parse_jsonl
        return parse(read_index(manifest), str(manifest), text_column, problem)

    def locate(self, entry: Entry) -> Path | bytes:
        """The audio file of a row, or its bytes where the row itself holds them.

        Raises:
            UserError: the file is missing, or its path leads out of the folder.
        """
        found = self.place(entry)
        return found if isinstance(found, bytes) else Path(found)

    def place(self, entry: Entry) -> str | bytes:
        """The same with the path as text, for where there may be a million.

        Raises:
            UserError: the file is missing, or its path leads out of the folder.
        """
        data = None if self._opened is None else self._opened(entry)
        return _inside(entry, self.root, self._base) if data is None else data

    def read(self, entry: Entry) -> bytes:
        """The bytes of a row's audio file.

        Raises:
            UserError: it cannot be read.
        """
        found = self.locate(entry)
        return found if isinstance(found, bytes) else read_bytes(found)

    def untold(self, entries: Sequence[Entry]) -> Untold:
        """The audio files that none of the rows is of, where all of a folder is meant.

        A corpus that is published has tables of parts of its audio.
        """
        if self.corpus is not None and self.corpus.name not in _OWN_FOLDERS:
            return Untold()
        return without_text(self.root, (entry.file for entry in entries))

    @cached_property
    def _base(self) -> str:
        return os.path.abspath(self.root)  # noqa: PTH100 (resolve() would refuse links to a disk)

    @cached_property
    def _opened(self) -> Callable[[Entry], bytes | None] | None:
        if self.corpus is None or self.corpus.opener is None:
            return None
        return self.corpus.opener(self.root)


def find_speech(path: Path, wanted: str | None = None, split: str = DEFAULT_SPLIT) -> FolderSpeech:
    """The manifest or the corpus that a folder is, or that a path names.

    Args:
        path: A folder, or its manifest or table.
        wanted: The format, "manifest" or one of `FORMATS`; found out when None.
        split: The one to read of a corpus that has several.

    Raises:
        UserError: there is none, or not of this split.
    """
    try:
        path = path.expanduser()
    except RuntimeError as error:
        raise UserError(f"nobody here has the home folder of {path}; correct data.path") from error
    try:
        if not path.exists():
            raise UserError(f"there is no folder {path}{_from_here(path)}; correct data.path")
        return _found(path, wanted, split)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot look through {path} ({reason}); correct data.path") from error


def _found(path: Path, wanted: str | None, split: str) -> FolderSpeech:
    """What a path that is there holds.

    Args:
        path: A folder, or its manifest or table.
        wanted: The format; found out when None.
        split: The one to read of a corpus that has several.
    """
    root = path if path.is_dir() else path.parent
    manifest = _manifest(path)
    # The name metadata.csv is LJSpeech's too, and cuts.jsonl Lhotse's: both look at what is in it.
    others = any(one.indexes(path) for one in (LJSPEECH, LHOTSE)) if manifest else False
    if manifest is not None and wanted in (None, "manifest") and not others:
        return _without_split(FolderSpeech(root, (manifest,), None), split)
    for name, corpus in FORMATS.items():
        if wanted in (None, name) and (indexes := corpus.indexes(path)):
            if corpus.part is None:
                return _without_split(FolderSpeech(root, tuple(indexes), corpus), split)
            root = corpus.part(root, split)
            return FolderSpeech(root, tuple(corpus.indexes(root)), corpus)
    if wanted in (None, "manifest"):
        raise UserError(what_is_there(path, MANIFESTS))
    raise UserError(
        f"{path} holds none of {FORMATS[wanted].what}, so it is not of the format {wanted}; "
        "correct data.format, or leave it out"
    )


def _without_split(found: FolderSpeech, split: str) -> FolderSpeech:
    if split != DEFAULT_SPLIT:
        name = "manifest" if found.corpus is None else found.corpus.name
        raise UserError(
            f'{found.root} has no splits, as it is of the format "{name}"; leave out data.split'
        )
    return found


def _manifest(path: Path) -> Path | None:
    if path.is_file():
        return path if path.name.endswith((".jsonl", ".jsonl.gz", ".csv")) else None
    return next((path / name for name in MANIFESTS if (path / name).is_file()), None)


def read_folder(
    path: Path,
    limit: int | None = None,
    *,
    wanted: str | None = None,
    split: str = DEFAULT_SPLIT,
    text_column: str | None = None,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> Speech:
    """Read the utterances of a folder in the order of its manifest or corpus.

    Rows whose audio cannot be read, or whose text is missing, are left out and named.

    Args:
        path: The folder, or the manifest in it.
        limit: How many utterances to take; all when None.
        wanted: Its format; found out when None.
        split: The one to read of a corpus that has several.
        text_column: The key or column of the transcript; found by its usual names when None.
        progress: Told after every utterance.
        cache: The cache folder, where what an interrupted reading has decoded is kept; nothing is
            kept when None.

    Raises:
        UserError: one line naming the manifest's line that is wrong, or no row can be used.
    """
    found = find_speech(path, wanted, split)
    left_out = LeftOut()
    entries = found.entries(text_column, left_out)
    # Of the rows that are taken alone: who takes ten of a corpus may have copied no more.
    for entry, _ in spoken(entries)[:limit]:
        with suppress(Unusable):
            found.place(entry)
    if left_out.errors and not entries:
        raise left_out.errors[0]
    if cache is None:
        speech = read_entries(entries, found.read, limit, progress)
    else:
        about = (str(found.root.absolute()), *(index.name for index in found.indexes))
        with kept(cache, *about) as decoded:
            speech = read_entries(entries, found.read, limit, progress, decoded)
    return replace(
        speech,
        unreadable=(*map(str, left_out.errors), *speech.unreadable),
        untold=found.untold(entries) if limit is None else Untold(),
    )


def _from_here(path: Path) -> str:
    return "" if path.is_absolute() else f" in {Path.cwd()}, where asrprof was started"


def _inside(entry: Entry, folder: Path, base: str) -> str:
    """The file of a row.

    Args:
        entry: The row.
        folder: What it must lie in, as errors call it.
        base: The same, absolute.

    Raises:
        Unusable: it is missing.
        UserError: its path leads out of the folder.
    """
    # Text, not paths: there may be a million.
    file = os.path.normpath(os.path.join(base, entry.file))  # noqa: PTH118
    if not file.startswith(base.rstrip(os.sep) + os.sep):
        raise UserError(f"{entry.where}: {entry.file} lies outside {folder}; move it inside")
    try:
        found = os.path.isfile(file)  # noqa: PTH113
    except (OSError, ValueError):
        found = False
    if not found:
        raise Unusable(f"{entry.where}: there is no file {entry.file} in {folder}")
    return file
