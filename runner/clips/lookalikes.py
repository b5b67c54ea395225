"""A folder that is of no known form: which of its files may be what was meant."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from runner.clips.manifest import AUDIO_KEYS, TEXT_KEYS
from runner.clips.untold import AUDIO

_TABLES = (".jsonl", ".jsonl.gz", ".json", ".csv", ".tsv", ".parquet")
"""Endings of files that list utterances."""
_NAMED = 3
"""Files that are named."""
_LOOKED_AT = 10_000
"""Files of a folder that are looked at: it may be a whole disk."""
_HEAD = 1 << 16
"""Bytes of a file that its first line is looked for in."""
FORMS = "docs/clips.md lists every form"


def what_is_there(path: Path, manifests: Sequence[str]) -> str:
    """Why a folder or file cannot be read as speech, and what would make it so; one line.

    Args:
        path: It, which no format takes.
        manifests: The names under which a folder's manifest is found.
    """
    if path.is_file():
        return f"{path} is no manifest: it {_lacks(path)}; {FORMS}"
    there = list(islice(path.rglob("*"), _LOOKED_AT))
    tables = sorted(file for file in there if file.name.endswith(_TABLES) and file.is_file())
    usual = [file for file in tables if file.name in manifests]
    if usual:
        folder = usual[0].parent
        return f"{path} holds no manifest itself, but {folder} does: name that folder"
    good = [file for file in tables if not _lacks(file)]
    if good:
        looks = "looks like one" if len(good) == 1 else "look like one"
        ending = ".jsonl" if good[0].suffix in (".json", ".jsonl", ".gz") else good[0].suffix
        rename = "" if ending not in (".jsonl", ".csv") else _renamed(good[0], ending)
        return (
            f"{path} holds no {manifests[0]}, but {_names(good, path)}, which {looks}: name the "
            f"file in place of the folder ({good[0]}){rename}; {FORMS}"
        )
    if tables:
        return (
            f"{path} holds no manifest that can be read: {tables[0].relative_to(path)} "
            f"{_lacks(tables[0])}; {FORMS}"
        )
    audio = sum(file.suffix.lower() in AUDIO for file in there)
    files = f"{audio:,} audio file{'s' if audio != 1 else ''} and no texts" if audio else "no texts"
    return (
        f"{path} holds {files}: write {manifests[0]}, a line "
        f'{{"file": "one.wav", "text": "what is said"}} for each file, or a .txt beside each; '
        f"{FORMS}"
    )


def _renamed(file: Path, ending: str) -> str:
    if file.suffix == ".gz":
        ending = ".jsonl.gz"
    return f", or rename it to {'metadata' if ending == '.csv' else 'manifest'}{ending}"


def _names(files: Sequence[Path], root: Path) -> str:
    named = [str(file.relative_to(root)) for file in files[:_NAMED]]
    more = len(files) - len(named)
    return f"{', '.join(named)}{f' and {more} more' if more else ''}"


def _lacks(file: Path) -> str:
    """Why a file cannot be a manifest, after "it"; empty where it can."""
    if not file.name.endswith(_TABLES):
        return f"ends in none of {', '.join(_TABLES)}"
    if file.suffix == ".parquet":
        return ""
    kind = "column" if file.suffix in (".csv", ".tsv") else "key"
    keys = set(_keys(file))
    if file.suffix == ".tsv":
        # Tables of tabs are Common Voice's, which has these two.
        missing = [name for name in ("path", "sentence") if name not in keys]
        return f"has no {kind} {' nor '.join(missing)}: save it as CSV" if missing else ""
    for what, names in (("audio file", AUDIO_KEYS), ("transcript", TEXT_KEYS)):
        if not keys.intersection(names):
            return f"has no {kind} of the {what} ({', '.join(names[:3])}, …)"
    return ""


def _keys(file: Path) -> Iterator[str]:
    """The keys of a file's first row, or the names of its columns; none where it has none."""
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
        if file.suffix == ".gz":
            head = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head)
        line = next(filter(str.strip, head.decode("utf-8-sig", "replace").splitlines()), "")
        if file.suffix == ".tsv":
            yield from line.split("\t")
        elif file.suffix == ".csv":
            yield from next(csv.reader([line]), [])
        else:
            row = json.loads(line)
            yield from row if isinstance(row, dict) else ()
    except (OSError, ValueError, zlib.error, csv.Error, RecursionError):
        return
