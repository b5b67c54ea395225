"""Manifests: one row an utterance, as JSON lines or CSV."""

from __future__ import annotations

import csv
import gzip
import io
import json
import posixpath
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from runner.clips.audio import read_bytes
from runner.clips.entry import Entry, Problem, distinct, refuse
from runner.clips.labels import labels, unicode_text
from runner.clips.segment import segment_of
from runner.clips.unusable import Unusable
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

_SHA256 = re.compile("[0-9a-f]{64}", re.IGNORECASE | re.ASCII)

Row = tuple[str, Mapping[str, object]]
"""What errors call a row, and its keys and values."""

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done, 0 to 1."""


class Told:
    """A problem's listener that knows whether there was any."""

    def __init__(self, problem: Problem) -> None:
        """Takes who else is told."""
        self._problem = problem
        self.any = False

    def __call__(self, error: UserError) -> None:
        """Tells of a row that is wrong."""
        self.any = True
        self._problem(error)


def read_index(path: Path) -> bytes:
    """The bytes of a text file, unpacked where its name ends in `.gz`.

    Raises:
        UserError: it is missing, cannot be read, or is no gzip.
    """
    data = read_bytes(path)
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is no gzip file, or is cut off; copy it again") from error


def parse_jsonl(
    data: bytes, name: str, text_column: str | None = None, problem: Problem = refuse
) -> tuple[Entry, ...]:
    """Parse a manifest of one JSON object a line.

    Args:
        data: The file's bytes, UTF-8.
        name: What errors call the file.
        text_column: The key of the transcript; one of `TEXT_KEYS` when None.
        problem: Told of a line that is wrong.

    Raises:
        UserError: naming the line that is wrong, unless `problem` takes it.
    """
    told = Told(problem)
    return entries_of(json_rows(data, name, told), name, text_column, told)


def json_rows(data: bytes, name: str, problem: Problem = refuse) -> Iterator[Row]:
    """The JSON objects of a file that has one a line.

    Args:
        data: The file's bytes, UTF-8.
        name: What errors call the file.
        problem: Told of a line that is no JSON object.
    """
    # Not splitlines(): JSON may hold U+2028 and its kin inside a string.
    for number, line in enumerate(decode(data, name).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{name} line {number}"
        try:
            row = _json_object(line, where)
        except UserError as error:
            problem(error)
        else:
            yield where, row


def _json_object(line: str, where: str) -> Mapping[str, object]:
    try:
        row = _DECODER.decode(line)
    except ValueError as error:
        raise UserError(f"{where} is not valid JSON ({error}); correct the line") from error
    except RecursionError as error:
        raise UserError(f"{where} is nested too deeply; correct the line") from error
    if not isinstance(row, dict):
        raise UserError(f'{where} is no JSON object; write {{"file": …, "text": …}}')
    return row


def parse_csv(
    data: bytes, name: str, text_column: str | None = None, problem: Problem = refuse
) -> tuple[Entry, ...]:
    """Parse a manifest with a header line and comma-separated values.

    Args:
        data: The file's bytes, UTF-8.
        name: What errors call the file.
        text_column: The column of the transcript; one of `TEXT_KEYS` when None.
        problem: Told of a line that is wrong.

    Raises:
        UserError: naming the line that is wrong, unless `problem` takes it, or from which on this
            is no CSV.
    """
    # Not DictReader: it does not say in which line a row begins.
    reader = csv.reader(io.StringIO(decode(data, name), newline=""), strict=True)
    rows: list[Row] = []
    problem = Told(problem)
    header: list[str] = []
    where = f"{name} line 1"
    try:
        for values in reader:
            if values and not header:
                header = values
                once(header, where)
            elif values:
                if len(values) == len(header):
                    rows.append((where, dict(zip(header, values, strict=True))))
                else:
                    problem(
                        UserError(
                            f"{where} has another number of columns than the header; "
                            "quote values that hold a comma"
                        )
                    )
            where = f"{name} line {reader.line_num + 1}"
    except csv.Error as error:
        # The reader's own number is of the last line that it read, which a quote that was never
        # closed puts at the file's end.
        raise UserError(f"{where} is not valid CSV ({error}); correct the line") from error
    return entries_of(rows, name, text_column, problem)


def decode(data: bytes, name: str) -> str:
    """The text of a file in UTF-8.

    Raises:
        UserError: it is in another encoding; names the line.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{name} line {line} is not UTF-8; save the file as UTF-8") from error


def once(names: Sequence[str], where: str) -> None:
    """Refuse a table with two columns of one name, of which only one would be read.

    Args:
        names: Of the columns; one without a name is nobody's.
        where: What errors call the table's header.

    Raises:
        UserError: naming the first that is there twice.
    """
    twice = next((name for name, count in Counter(names).items() if name and count > 1), None)
    if twice is not None:
        raise UserError(f'{where} has the column "{twice}" twice; rename or remove one of them')


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f'the key "{twice}" is there twice')
    return found


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_object)
"""One for all lines: `json.loads` makes one for each, which takes longer than the line does."""


def entries_of(
    rows: Iterable[Row], name: str, text_column: str | None = None, problem: Problem = refuse
) -> tuple[Entry, ...]:
    """The entries of rows with a manifest's keys.

    Args:
        rows: Each with what errors call it.
        name: What errors call the file.
        text_column: The key of the transcript; one of `TEXT_KEYS` when None.
        problem: Told of a row that is wrong.

    Raises:
        UserError: naming the row that is wrong, unless `problem` takes it; or there is none.
    """
    found, empty = [], True
    for where, row in rows:
        empty = False
        try:
            found.append(_entry(where, row, text_column))
        except UserError as error:
            problem(error)
    if empty and not (isinstance(problem, Told) and problem.any):
        raise UserError(f"{name} lists no utterances; add at least one line")
    return distinct(found, problem)


def _entry(where: str, row: Mapping[str, object], text_column: str | None) -> Entry:
    file = _string(where, row, AUDIO_KEYS, "audio file")
    keys = TEXT_KEYS if text_column is None else (text_column,)
    text = _string(where, row, keys, "transcript", missing=Unusable)
    segment = segment_of(row, where)
    identifier = row.get("id")
    if identifier is None or identifier == "":
        # Parts of one file need different ids.
        channel = "" if segment.channel is None else f":{segment.channel}"
        start = f"@{segment.offset_s:.3f}" if segment.offset_s else ""
        identifier = posixpath.splitext(posixpath.normpath(file))[0] + channel + start
    if not isinstance(identifier, str | int) or isinstance(identifier, bool):
        raise UserError(f'{where}: "id" must be text')
    sha256 = row.get("sha256") or None
    if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        raise UserError(
            f'{where}: "sha256" must be 64 hexadecimal digits; correct the line, or remove it'
        )
    identifier = unicode_text(str(identifier), "id", where)
    known = labels(row, (identifier, file), where)
    return Entry(
        where=where,
        id=identifier,
        file=file,
        text=text,
        seconds=segment.seconds,
        sha256=None if sha256 is None else sha256.lower(),
        offset_s=segment.offset_s,
        channel=segment.channel,
        start_s=segment.start_s,
        recording=known.recording,
        speaker=known.speaker,
        language=known.language,
    )


def _string(
    where: str,
    row: Mapping[str, object],
    keys: tuple[str, ...],
    what: str,
    missing: type[UserError] = UserError,
) -> str:
    key = next((key for key in keys if key in row), None)
    if key is None:
        known = f'"{keys[0]}"' if len(keys) == 1 else "one of " + ", ".join(keys)
        raise missing(f"{where} has no {what}: expected the key {known}")
    value = row[key]
    if not isinstance(value, str):
        raise (missing if value is None else UserError)(f'{where}: "{key}" must be text')
    if not value.strip():
        raise missing(f'{where}: "{key}" is empty; fill it in or remove the line')
    return unicode_text(value, key, where)
