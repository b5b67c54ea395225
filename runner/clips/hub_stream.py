"""Rows of a hub data set, streamed with the audio still encoded.

Audio is never decoded by `datasets`: that would need torchcodec, and every source's audio goes
through the same decoder and resampler here.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.clips.hub_errors import explain, is_script_only
from runner.clips.hub_request import HubRequest
from runner.clips.labels import LABEL_KEYS, labels
from runner.clips.manifest import AUDIO_KEYS, TEXT_KEYS
from runner.clips.segment import OFFSET_KEYS, START_KEY
from runner.errors import UserError

_TIMEOUT_S = 10.0
_READ_RETRIES = 3
ID_COLUMNS = ("id", "segment_id")
START_COLUMNS = (START_KEY, *OFFSET_KEYS)


@dataclass(frozen=True)
class Row:
    """One row as the data set holds it."""

    id: str | None
    audio: Mapping[str, Any]
    """`bytes` of the encoded file and its `path`, or `array` and `sampling_rate`."""
    text: str | None
    recording: str | None = None
    speaker: str | None = None
    start_s: float | None = None
    """Where it begins in its recording: a row of a data set has its own audio."""


@dataclass(frozen=True)
class Columns:
    """Which columns hold what."""

    audio: str
    text: str
    id: str | None
    about: tuple[str, ...]
    """Those that may say who speaks, in which recording, and where it begins."""

    @property
    def names(self) -> list[str]:
        wanted = (self.audio, self.text, self.id, *self.about)
        return [name for name in dict.fromkeys(wanted) if name is not None]


@dataclass(frozen=True)
class Stream:
    """The rows, and the commit that they come from."""

    rows: Iterator[Row]
    commit: str | None


def open_stream(request: HubRequest) -> Stream:
    """Open a data set; nothing is read from it yet.

    Raises:
        UserError: whatever the hub or `datasets` has against the request, on one line. Iterating
            over the rows raises it too.
    """
    try:
        import datasets  # slow, and only this source needs it
    except ImportError as error:
        raise UserError('data source "hub" needs the package "datasets"; install it') from error
    try:
        commit = _commit(request)
        source = _load(datasets, request, commit or request.revision)
    except UserError:
        raise
    except Exception as error:
        if request.parquet_revision is not None and is_script_only(error):
            return open_stream(
                replace(request, revision=request.parquet_revision, parquet_revision=None)
            )
        raise explain(error, request) from error
    return Stream(rows=_rows(datasets, source, request), commit=commit)


def read_remote(path: str, request: HubRequest) -> bytes:
    """The bytes of an audio file that a row only points at.

    Raises:
        UserError: it cannot be read, or lies on this machine although the data set does not.
    """
    import datasets
    from datasets.utils.file_utils import xopen

    if "://" not in path and not request.is_local:
        raise UserError(f'the data set "{request.repository}" points at the local file {path}')
    try:
        with _few_retries(datasets), xopen(path, "rb") as file:
            return bytes(file.read())
    except Exception as error:
        raise explain(error, request) from error


def _commit(request: HubRequest) -> str | None:
    """Ask the hub once, without the retries of a download, whether we may have the data set."""
    if request.is_local:
        return None
    from huggingface_hub import HfApi

    api = HfApi()
    info = api.dataset_info(request.repository, revision=request.revision, timeout=_TIMEOUT_S)
    if info.gated:
        api.auth_check(request.repository, repo_type="dataset")
    return str(info.sha) if info.sha else None


def _load(datasets: Any, request: HubRequest, revision: str | None) -> Any:
    path = request.repository
    if request.is_local:
        path = str(Path(path).expanduser())
    builder = datasets.load_dataset_builder(path, name=request.subset, revision=revision)
    # Decoding threads, on by default for remote folders of audio, would need torchcodec.
    if hasattr(builder.config, "decode_num_threads"):
        builder.config.decode_num_threads = 0
    source = builder.as_streaming_dataset(split=request.split)
    if typed := _with_text(datasets, source.features or {}, request):
        # A folder's CSV is read by types that are guessed, and 007 would be 7. With its columns
        # named, the text is read as it stands.
        with contextlib.suppress(TypeError, ValueError):
            builder = datasets.load_dataset_builder(
                path, name=request.subset, revision=revision, features=typed
            )
            if hasattr(builder.config, "decode_num_threads"):
                builder.config.decode_num_threads = 0
                source = builder.as_streaming_dataset(split=request.split)
    return source.decode(False) if source.features else source


def _with_text(datasets: Any, features: Mapping[str, Any], request: HubRequest) -> Any:
    """The columns with the transcript as text; None where it is text already, or not found."""
    keys = TEXT_KEYS if request.text_column is None else (request.text_column,)
    name = next((key for key in keys if key in features), None)
    dtype = getattr(features[name], "dtype", "") if name is not None else ""
    if name is None or not str(dtype).startswith(("int", "float", "null", "bool")):
        return None
    return datasets.Features(dict(features) | {name: datasets.Value("string")})


def _rows(datasets: Any, source: Any, request: HubRequest) -> Iterator[Row]:
    features = source.features or {}
    typed = [name for name, kind in features.items() if isinstance(kind, datasets.Audio)]
    # As Arrow tables of one row: as Python objects, `datasets` would encode the audio once more,
    # for which it wants torchcodec.
    tables = iter(source.with_format("arrow"))
    columns: Columns | None = None
    while True:
        try:
            with _few_retries(datasets):
                table = next(tables, None)
        except Exception as error:
            raise explain(error, request) from error
        if table is None:
            return
        if columns is None:
            columns = columns_of(table.column_names, typed, request)
        yield _row(table.select(columns.names).to_pylist()[0], columns)


def _row(row: Mapping[str, Any], columns: Columns) -> Row:
    audio = audio_of(row[columns.audio])
    identifier = None if columns.id is None or row[columns.id] is None else str(row[columns.id])
    text = row[columns.text]
    # What is neither text nor number, as a second column of audio, is no name.
    about = {name: row[name] for name in columns.about if isinstance(row[name], str | int | float)}
    names = [name for name in (identifier, audio.get("path")) if isinstance(name, str)]
    known = labels(about, names, "a row")
    return Row(
        id=identifier,
        audio=audio,
        text=as_text(text),
        recording=known.recording,
        speaker=known.speaker,
        start_s=_start(about),
    )


def as_text(value: object) -> str | None:
    """The transcript; a number where every row of a CSV column is one, as with spoken digits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column of numbers with a gap
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _start(about: Mapping[str, str | int | float]) -> float | None:
    """Seconds, where a column holds a number of them; a data set's own clock may be another."""
    for name in START_COLUMNS:
        value = about.get(name)
        if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
            return float(value)
    return None


def columns_of(names: list[str], typed: list[str], request: HubRequest) -> Columns:
    """Which columns of a data set hold what.

    Args:
        names: All columns.
        typed: Those whose type is audio.
        request: What the user says of them.

    Raises:
        UserError: there is none of the audio or of the transcript.
    """
    audio = _column(names, request.audio_column, (*typed, *AUDIO_KEYS), "audio", request)
    text = _column(names, request.text_column, TEXT_KEYS, "text", request)
    return Columns(
        audio=audio,
        text=text,
        id=next((name for name in ID_COLUMNS if name in names), None),
        about=tuple(
            name
            for name in (*LABEL_KEYS, *START_COLUMNS)
            if name in names and name not in (*typed, audio)
        ),
    )


def _column(
    names: list[str],
    asked: str | None,
    usual: tuple[str, ...],
    what: str,
    request: HubRequest,
) -> str:
    wanted = (asked,) if asked is not None else usual
    for name in wanted:
        if name in names:
            return name
    missing = f'column "{asked}"' if asked is not None else f"{what} column that is known"
    raise UserError(
        f'the data set "{request.repository}" has no {missing}; set data.{what}_column to one of '
        f"{', '.join(names)}"
    )


def audio_of(value: object) -> Mapping[str, Any]:
    """The `bytes` and `path` of a value, or its `array` and `sampling_rate`."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, bytes):
        return {"bytes": value, "path": None}
    return {"bytes": None, "path": value if isinstance(value, str) else None}


@contextlib.contextmanager
def _few_retries(datasets: Any) -> Iterator[None]:
    """Let `datasets` give up on a lost connection after seconds; its default is 20 retries."""
    names = ("STREAMING_READ_MAX_RETRIES", "STREAMING_OPEN_MAX_RETRIES")
    before = {name: getattr(datasets.config, name, _READ_RETRIES) for name in names}
    for name in names:
        setattr(datasets.config, name, _READ_RETRIES)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(datasets.config, name, value)
