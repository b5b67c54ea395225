"""A local folder with audio files and a manifest."""

from __future__ import annotations

import os
from pathlib import Path

from runner.clips.audio import read_bytes
from runner.clips.clip import Speech
from runner.clips.manifest import Entry, Progress, parse_csv, parse_jsonl, read_entries
from runner.errors import UserError

MANIFESTS = ("manifest.jsonl", "metadata.jsonl", "metadata.csv")
"""Names looked for in a folder, the first found is read. The last two are audiofolder's."""


def find_manifest(path: Path) -> Path:
    """The manifest of a folder, or the path itself where it is a manifest.

    Raises:
        UserError: there is none.
    """
    path = path.expanduser()
    if path.is_file():
        if path.suffix not in (".jsonl", ".csv"):
            raise UserError(f"data.path {path} is no folder and no .jsonl or .csv manifest")
        return path
    if not path.is_dir():
        raise UserError(f"there is no folder {path}; correct data.path")
    for name in MANIFESTS:
        if (path / name).is_file():
            return path / name
    raise UserError(f"{path} holds none of {', '.join(MANIFESTS)}; add a manifest of its speech")


def read_folder(
    path: Path,
    limit: int | None = None,
    *,
    text_column: str | None = None,
    progress: Progress | None = None,
) -> Speech:
    """Read the utterances of a folder in its manifest's order.

    Args:
        path: The folder, or the manifest in it.
        limit: How many utterances to take; all when None.
        text_column: The key or column of the transcript; found by its usual names when None.
        progress: Told after every utterance.

    Raises:
        UserError: one line naming the manifest's line or the file that is wrong.
    """
    manifest = find_manifest(path)
    parse = parse_csv if manifest.suffix == ".csv" else parse_jsonl
    entries = parse(read_bytes(manifest), str(manifest), text_column)
    files = {entry.id: _inside(entry, manifest.parent) for entry in entries}
    return read_entries(entries, lambda entry: read_bytes(files[entry.id]), limit, progress)


def _inside(entry: Entry, folder: Path) -> Path:
    """The row's file, refused where it is missing or its path leads out of the folder."""
    root = os.path.abspath(folder)  # noqa: PTH100  # resolve() would refuse links to a data disk
    file = Path(os.path.normpath(Path(root) / entry.file))
    if not file.is_relative_to(root):
        raise UserError(f"{entry.where}: {entry.file} lies outside {folder}; move it inside")
    try:
        found = file.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        raise UserError(f"{entry.where}: there is no file {entry.file} in {folder}")
    return file
