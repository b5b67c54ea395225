"""Rows of a hub data set, streamed with the audio still encoded.

The only module that imports `datasets`. Audio is never decoded by it: that would need torchcodec,
and every source's audio goes through the same decoder and resampler here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.clips.hub_errors import explain, is_script_only
from runner.clips.hub_request import HubRequest
from runner.clips.manifest import AUDIO_KEYS, TEXT_KEYS
from runner.errors import UserError

_TIMEOUT_S = 10.0
_READ_RETRIES = 3
_ID_COLUMNS = ("id", "segment_id")


@dataclass(frozen=True)
class Row:
    """One row as the data set holds it."""

    id: str | None
    audio: Mapping[str, Any]
    """`bytes` of the encoded file and its `path`, or `array` and `sampling_rate`."""
    text: str | None


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
    return source.decode(False) if source.features else source


def _rows(datasets: Any, source: Any, request: HubRequest) -> Iterator[Row]:
    features = source.features or {}
    typed = [name for name, kind in features.items() if isinstance(kind, datasets.Audio)]
    # As Arrow tables of one row: as Python objects, `datasets` would encode the audio once more,
    # for which it wants torchcodec.
    tables = iter(source.with_format("arrow"))
    columns: tuple[str, str, str | None] | None = None
    while True:
        try:
            with _few_retries(datasets):
                table = next(tables, None)
        except Exception as error:
            raise explain(error, request) from error
        if table is None:
            return
        if columns is None:
            columns = _columns(table.column_names, typed, request)
        audio, text, identifier = columns
        row = table.select([name for name in columns if name is not None]).to_pylist()[0]
        yield Row(
            id=str(row[identifier]) if identifier and row[identifier] is not None else None,
            audio=_audio(row[audio]),
            text=row[text] if isinstance(row[text], str) else None,
        )


def _columns(
    names: list[str], typed: list[str], request: HubRequest
) -> tuple[str, str, str | None]:
    audio = _column(names, request.audio_column, (*typed, *AUDIO_KEYS), "audio", request)
    text = _column(names, request.text_column, TEXT_KEYS, "text", request)
    return audio, text, next((name for name in _ID_COLUMNS if name in names), None)


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


def _audio(value: object) -> Mapping[str, Any]:
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
