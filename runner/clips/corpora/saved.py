"""A directory that `datasets` saved: a Dataset, or a DatasetDict with a folder for each split."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import soundfile

from runner.clips.corpora.base import Asked, Format
from runner.clips.decoding import RATES
from runner.clips.entry import Entry
from runner.clips.hub_request import HubRequest
from runner.clips.hub_stream import START_COLUMNS, Columns, as_text, audio_of, columns_of
from runner.clips.labels import LABEL_KEYS
from runner.clips.manifest import AUDIO_KEYS, Row, entries_of
from runner.clips.segment import START_KEY
from runner.clips.undisturbed import undisturbed
from runner.clips.unusable import Unusable
from runner.errors import UserError

_DICT, _STATE = "dataset_dict.json", "state.json"
_ROW = re.compile(r"row (\d+)")
"""In place of the file of a row that holds its audio."""


def _indexes(path: Path) -> list[Path]:
    if (path / _DICT).is_file():
        return [path / _DICT]
    tables = sorted(path.glob("*.arrow"))
    return [path / _STATE, *tables] if (path / _STATE).is_file() and tables else []


def _part(root: Path, split: str) -> Path:
    if not (root / _DICT).is_file():
        return root
    try:
        splits = [str(name) for name in json.loads((root / _DICT).read_bytes())["splits"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(f"{root / _DICT} does not list its splits; save the data again") from error
    if split not in splits or not _indexes(root / split):
        raise UserError(f'{root} has no split "{split}"; set data.split to {" or ".join(splits)}')
    return root / split


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    del indexes
    table, typed = _table(root)
    request = HubRequest(str(root), None, "", None, None, asked.text_column, 0)
    columns = columns_of(table.column_names, typed, request)
    audio = table.column(columns.audio)
    try:
        kept = table.drop_columns([columns.audio]).to_pylist()
    except (ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{root} cannot be read ({reason}); save the data again") from error
    rows: list[Row] = []
    for number, (row, (path, held)) in enumerate(zip(kept, _places(audio), strict=True)):
        given = {key: value for key, value in row.items() if value is not None}
        given[columns.text] = as_text(row[columns.text]) or ""
        rows.append((f"{root} row {number}", _with_audio(given, columns, number, path, held=held)))
    return list(entries_of(rows, str(root), columns.text, asked.problem))


def _with_audio(
    row: dict[str, Any], columns: Columns, number: int, path: str | None, *, held: bool
) -> Mapping[str, object]:
    """The row with a manifest's keys: one that holds its audio means all of it."""
    if not held:
        return row | {"audio": path}
    name = None if columns.id is None else row.get(columns.id)
    if name is None:
        name = PurePath(path).with_suffix("").as_posix() if path else f"row {number}"
    begins = next((row[key] for key in START_COLUMNS if key in row), None)
    known = {key: row[key] for key in (*LABEL_KEYS, columns.text) if key in row}
    return known | {"audio": f"row {number}", "id": str(name), START_KEY: begins}


def _places(audio: Any) -> list[tuple[str | None, bool]]:
    """The path in each row's audio, and whether the row holds the audio itself."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_struct(audio.type):
        names = [field.name for field in audio.type]
        nothing = [None] * len(audio)
        paths = pc.struct_field(audio, "path").to_pylist() if "path" in names else nothing
        held = next((name for name in ("bytes", "array") if name in names), None)
        if held is None:
            return [(path, False) for path in paths]
        there = pc.is_valid(pc.struct_field(audio, held)).to_pylist()
        return list(zip(paths, there, strict=True))
    if pa.types.is_binary(audio.type) or pa.types.is_large_binary(audio.type):
        return [(None, True)] * len(audio)
    return [(path, False) for path in audio.to_pylist()]


def _opener(root: Path) -> Callable[[Entry], bytes | None]:
    table, typed = _table(root)
    names = (*typed, *AUDIO_KEYS)
    audio = table.column(next(name for name in names if name in table.column_names))

    def read(entry: Entry) -> bytes | None:
        found = _ROW.fullmatch(entry.file)
        if found is None:
            return None
        value = audio_of(audio[int(found[1])].as_py())
        encoded = value.get("bytes")
        return bytes(encoded) if encoded is not None else _encoded(value, entry)

    return read


def _encoded(value: Mapping[str, Any], entry: Entry) -> bytes:
    """A WAV of an array of samples, the same in float64."""
    file = io.BytesIO()
    try:
        samples = np.asarray(value.get("array"), dtype=np.float64)
        rate = int(value.get("sampling_rate") or 0)
        if not samples.size or samples.ndim not in (1, 2) or rate not in RATES:
            raise Unusable(f"{entry.where} holds no audio; remove the row")
        with undisturbed():
            soundfile.write(file, samples, rate, format="WAV", subtype="DOUBLE")
    except (ValueError, TypeError, OverflowError, soundfile.SoundFileError) as error:
        raise Unusable(f"{entry.where} holds no audio ({error}); remove the row") from error
    return file.getvalue()


def _table(root: Path) -> tuple[Any, list[str]]:
    """The rows of a saved data set, and its columns of audio."""
    import datasets  # slow, and only this format needs it

    try:
        saved = datasets.load_from_disk(str(root))
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{root} cannot be read as saved by datasets: {reason}") from error
    typed = [name for name, kind in saved.features.items() if isinstance(kind, datasets.Audio)]
    # As an Arrow table: as Python objects, `datasets` would decode the audio, for which it wants
    # torchcodec.
    return saved.with_format("arrow")[:], typed


SAVED = Format("datasets", f"{_STATE} and *.arrow, or {_DICT}", _indexes, _entries, _part, _opener)
