"""Manifests: one row an utterance, as JSON lines or CSV, and the reading of what they list."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import NoReturn

from runner.clips.audio import read_audio, to_int16
from runner.clips.clip import Speech, Utterance, Waveform
from runner.clips.text import clean_transcript
from runner.errors import UserError

AUDIO_KEYS = ("audio", "file", "file_name", "audio_filepath", "path")
"""Keys that may hold the audio file's path, in order of preference."""

TEXT_KEYS = (
    "text",
    "transcript",
    "transcription",
    "sentence",
    "normalized_text",
    "raw_text",
    "raw_transcription",
)
"""Keys that may hold the transcript, in order of preference."""

_DURATION_KEYS = ("duration", "seconds")
_DURATION_TOLERANCE_S = 0.5

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0 to 1."""


@dataclass(frozen=True)
class Entry:
    """One row: which file, and what is said in it."""

    where: str
    """File and line, for errors."""
    id: str
    file: str
    text: str
    seconds: float | None
    sha256: str | None
    """Of the file, or of its 16-bit samples at 16 kHz; checked where given."""


def parse_jsonl(data: bytes, name: str, text_column: str | None = None) -> tuple[Entry, ...]:
    """Parse a manifest of one JSON object a line.

    Args:
        data: The file's bytes, UTF-8.
        name: What errors call the file.
        text_column: The key of the transcript; one of `TEXT_KEYS` when None.

    Raises:
        UserError: naming the line that is wrong.
    """
    rows: list[tuple[str, Mapping[str, object]]] = []
    # Not splitlines(): JSON may hold U+2028 and its kin inside a string.
    for number, line in enumerate(_decode(data, name).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{name} line {number}"
        try:
            row = json.loads(line, parse_constant=_refuse_constant)
        except ValueError as error:
            raise UserError(f"{where} is not valid JSON ({error}); correct the line") from error
        except RecursionError as error:
            raise UserError(f"{where} is nested too deeply; correct the line") from error
        if not isinstance(row, dict):
            raise UserError(f'{where} is no JSON object; write {{"file": …, "text": …}}')
        rows.append((where, row))
    return _entries(rows, name, text_column)


def parse_csv(data: bytes, name: str, text_column: str | None = None) -> tuple[Entry, ...]:
    """Parse a manifest with a header line and comma-separated values.

    Args:
        data: The file's bytes, UTF-8.
        name: What errors call the file.
        text_column: The column of the transcript; one of `TEXT_KEYS` when None.

    Raises:
        UserError: naming the line that is wrong.
    """
    reader = csv.DictReader(io.StringIO(_decode(data, name), newline=""), strict=True)
    rows: list[tuple[str, Mapping[str, object]]] = []
    try:
        for row in reader:
            where = f"{name} line {reader.line_num}"
            if None in row or None in row.values():
                raise UserError(
                    f"{where} has another number of columns than the header; "
                    "quote values that hold a comma"
                )
            rows.append((where, row))
    except csv.Error as error:
        raise UserError(
            f"{name} line {reader.line_num} is not valid CSV ({error}); correct the line"
        ) from error
    return _entries(rows, name, text_column)


def read_entries(
    entries: Iterable[Entry],
    read: Callable[[Entry], bytes],
    limit: int | None,
    progress: Progress | None = None,
) -> Speech:
    """Read the audio of a manifest's rows, in their order.

    Args:
        entries: The rows.
        read: Gives the bytes of a row's audio file.
        limit: How many utterances to take; all when None.
        progress: Told after every utterance.

    Raises:
        UserError: a file is broken, or is not the one that the manifest means.
    """
    rows = [(entry, clean_transcript(entry.text)) for entry in entries]
    spoken = [(entry, text) for entry, text in rows if text is not None][:limit]
    utterances: list[Utterance] = []
    for entry, text in spoken:
        data = read(entry)
        audio = read_audio(data, f"{entry.where}: {entry.file}")
        utterance = Utterance(id=entry.id, audio=audio, text=text)
        _check_sha256(entry, data, audio)
        _check_duration(entry, utterance.seconds)
        utterances.append(utterance)
        if progress is not None:
            progress("reading speech", len(utterances) / len(spoken))
    if not utterances:
        raise UserError("the source holds no utterance with words; give it at least one")
    return Speech(utterances=tuple(utterances), dropped=sum(text is None for _, text in rows))


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{name} line {line} is not UTF-8; save the file as UTF-8") from error


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _entries(
    rows: list[tuple[str, Mapping[str, object]]], name: str, text_column: str | None
) -> tuple[Entry, ...]:
    if not rows:
        raise UserError(f"{name} lists no utterances; add at least one line")
    entries = tuple(_entry(where, row, text_column) for where, row in rows)
    seen: dict[str, str] = {}
    for entry in entries:
        if entry.id in seen:
            raise UserError(
                f'{entry.where} has the id "{entry.id}" of {seen[entry.id]} again; '
                "give every utterance its own"
            )
        seen[entry.id] = entry.where
    return entries


def _entry(where: str, row: Mapping[str, object], text_column: str | None) -> Entry:
    file = _string(where, row, AUDIO_KEYS, "audio file")
    keys = TEXT_KEYS if text_column is None else (text_column,)
    text = _string(where, row, keys, "transcript")
    # A manifest of segments would pair a short reference with the whole recording.
    if row.get("offset") not in (None, 0, 0.0, "", "0", "0.0"):
        raise UserError(f'{where}: "offset" is not supported; cut the segment into its own file')
    identifier = row.get("id")
    if identifier is None or identifier == "":
        identifier = PurePath(file).with_suffix("").as_posix()
    if not isinstance(identifier, str | int) or isinstance(identifier, bool):
        raise UserError(f'{where}: "id" must be text')
    sha256 = row.get("sha256")
    return Entry(
        where=where,
        id=_unicode(where, "id", str(identifier)),
        file=file,
        text=text,
        seconds=_seconds(row),
        sha256=sha256.lower() if isinstance(sha256, str) and sha256 else None,
    )


def _string(where: str, row: Mapping[str, object], keys: tuple[str, ...], what: str) -> str:
    key = next((key for key in keys if key in row), None)
    if key is None:
        known = f'"{keys[0]}"' if len(keys) == 1 else "one of " + ", ".join(keys)
        raise UserError(f"{where} has no {what}: expected the key {known}")
    value = row[key]
    if not isinstance(value, str):
        raise UserError(f'{where}: "{key}" must be text')
    if not value.strip():
        raise UserError(f'{where}: "{key}" is empty; fill it in or remove the line')
    return _unicode(where, key, value)


def _unicode(where: str, key: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        # JSON can spell half a surrogate pair; no file name and no transcript is one.
        raise UserError(f'{where}: "{key}" is not Unicode text; correct the line') from error
    return value


def _seconds(row: Mapping[str, object]) -> float | None:
    for key in _DURATION_KEYS:
        value = row.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            continue
        try:
            return float(value)
        except (ValueError, OverflowError):
            continue
    return None


def _check_sha256(entry: Entry, data: bytes, audio: Waveform) -> None:
    if entry.sha256 is None:
        return
    # Of the samples where a manifest should outlive another FLAC encoder, as the built-in one.
    if entry.sha256 not in (_sha256(data), _sha256(to_int16(audio).tobytes())):
        raise UserError(
            f"{entry.where}: {entry.file} does not match the sha256 given there; "
            "restore the file or correct the line"
        )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _check_duration(entry: Entry, seconds: float) -> None:
    # A stated duration that disagrees means a segment of a longer file, or the wrong file:
    # either way the reference does not belong to the audio.
    if entry.seconds is not None and not abs(entry.seconds - seconds) <= _DURATION_TOLERANCE_S:
        raise UserError(
            f"{entry.where}: {entry.file} is {seconds:.2f} s long but the line says "
            f"{entry.seconds:.2f} s; correct the line or the file"
        )
