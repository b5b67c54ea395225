"""Utterances of a Hugging Face data set: streamed once, then kept as a local folder of FLACs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from runner.clips.audio import flac_bytes, read_audio, to_waveform
from runner.clips.cache import writing
from runner.clips.clip import Speech, Utterance, Waveform
from runner.clips.folder import read_folder
from runner.clips.hub_errors import Outage
from runner.clips.hub_request import HubRequest, hub_request
from runner.clips.hub_stream import Row, Stream, open_stream, read_remote
from runner.clips.labels import RECORDING_KEYS, SPEAKER_KEYS
from runner.clips.manifest import Progress
from runner.clips.segment import START_KEY
from runner.clips.sound import Spill
from runner.clips.text import clean_transcript
from runner.config import Data
from runner.errors import UserError

_FORMAT = 3
"""Of a kept download. The first one did not say who speaks, and where; the second one did not know
every marker of what is not to be scored."""

_ROWS_PER_UTTERANCE = 10
"""Give up where fewer rows than one in ten hold words: a test split without its references."""


_UNREADABLE_SHARE = 0.05
"""Rows that may be unreadable and skipped, of those that are taken; one may be in any case."""


def read_hub(
    data: Data,
    root: Path,
    progress: Progress | None = None,
    *,
    opener: Callable[[HubRequest], Stream] = open_stream,
) -> Speech:
    """Utterances of a hub data set, from the cache where a run before has downloaded them.

    Args:
        data: A config whose source is `hub`.
        root: The cache folder. Downloaded utterances lie under `hub/` in it, a folder each that
            data source `folder` can read too.
        progress: Told after every utterance.
        opener: Opens the stream; tests pass their own.

    Raises:
        UserError: the data set cannot be had as configured, on one line.
    """
    request = hub_request(data)
    if request.is_local:
        return _collect(opener(request), request, Spill(root), progress)
    folder = root / "hub" / request.key
    try:
        return _kept(folder, root, progress)
    except (UserError, ValueError, LookupError, TypeError):
        # Not downloaded yet, damaged since, or of an older format: downloading it mends all three.
        stream = opener(request)
    _keep(folder, _collect(stream, request, Spill(root), progress), request, stream.commit)
    # Read back, so that the first run and every later one work on the same bits.
    return _kept(folder, root, None)


def _kept(folder: Path, root: Path, progress: Progress | None) -> Speech:
    try:
        about = json.loads((folder / "source.json").read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {folder / 'source.json'}") from error
    if about["format"] != _FORMAT:
        raise UserError(f"{folder} is of another format")
    speech = read_folder(folder, progress=progress, cache=root)
    if len(speech.utterances) != about["utterances"]:
        raise UserError(f"{folder} lacks utterances")
    return Speech(
        utterances=speech.utterances,
        dropped=int(about["dropped"]),
        unreadable=tuple(map(str, about["unreadable"])),
    )


def _collect(
    stream: Stream, request: HubRequest, spill: Spill, progress: Progress | None
) -> Speech:
    """The rows that become utterances.

    Args:
        stream: The rows.
        request: What is asked for.
        spill: Keeps their audio.
        progress: Told after every utterance.
    """
    utterances: list[Utterance] = []
    unreadable: list[str] = []
    seen: set[str] = set()
    dropped = 0
    for number, row in enumerate(stream.rows):
        text = clean_transcript(row.text or "")
        if text is None:
            dropped += 1
        else:
            where = f"{request.repository} {request.split} row {number}"
            try:
                audio = _waveform(row, request, where)
            except Outage:
                raise
            except UserError as error:
                # Whoever runs a benchmark cannot mend a data set of the hub.
                unreadable.append(str(error))
                _refuse_many(unreadable, request.count, request)
                continue
            identifier = row.id or f"{request.split}-{number:06d}"
            if identifier in seen:
                identifier = f"{identifier}#{number:06d}"
            seen.add(identifier)
            utterances.append(
                Utterance(
                    id=identifier,
                    sound=spill.keep(audio),
                    text=text,
                    recording=row.recording,
                    speaker=row.speaker,
                    start_s=row.start_s,
                )
            )
            if progress is not None:
                progress(f"reading {request.repository}", len(utterances) / request.count)
        if len(utterances) == request.count or dropped > _ROWS_PER_UTTERANCE * request.count:
            break
    _refuse_many(unreadable, len(utterances) + len(unreadable), request)
    if not utterances:
        if unreadable:
            raise UserError(unreadable[0])
        raise UserError(
            f'the data set "{request.repository}" has no transcripts in split '
            f'"{request.split}"; set data.split or data.text_column'
        )
    return Speech(tuple(utterances), dropped, tuple(unreadable))


def _refuse_many(unreadable: Sequence[str], rows: int, request: HubRequest) -> None:
    """Stop where more than a few rows of so many cannot be read."""
    if len(unreadable) > max(1, _UNREADABLE_SHARE * rows):
        raise UserError(
            f'{len(unreadable)} rows of the data set "{request.repository}" cannot be read, more '
            f"than {_UNREADABLE_SHARE:.0%} of {rows}; the last one: {unreadable[-1]}"
        )


def _waveform(row: Row, request: HubRequest, where: str) -> Waveform:
    encoded, path = row.audio.get("bytes"), row.audio.get("path")
    if encoded:
        return read_audio(bytes(encoded), where)
    if row.audio.get("array") is not None and row.audio.get("sampling_rate"):
        samples = np.asarray(row.audio["array"], dtype=np.float64)
        return to_waveform(samples, int(row.audio["sampling_rate"]), where)
    if path:
        return read_audio(read_remote(str(path), request), where)
    raise UserError(f"{where} holds no audio; set data.audio_column to the column that does")


def _keep(folder: Path, speech: Speech, request: HubRequest, commit: str | None) -> None:
    """Write the utterances beside the folder, then move them into its place at once."""
    size = sum(len(utterance.sound) for utterance in speech.utterances)
    with writing(folder.parent, size):
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
        try:
            lines = [
                _write(part, number, item) for number, item in enumerate(speech.utterances, start=1)
            ]
            (part / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
            about = {
                "format": _FORMAT,
                "dataset": request.repository,
                "subset": request.subset,
                "split": request.split,
                "revision": request.revision,
                "commit": commit,
                "utterances": len(speech.utterances),
                "dropped": speech.dropped,
                "unreadable": speech.unreadable,
            }
            (part / "source.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
            _move(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _write(folder: Path, number: int, utterance: Utterance) -> str:
    data = flac_bytes(utterance.audio)
    file = f"{number:06d}.flac"
    (folder / file).write_bytes(data)
    row: dict[str, object] = {
        "id": utterance.id,
        "file": file,
        "seconds": round(utterance.seconds, 4),
        "text": utterance.text,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    about = {
        RECORDING_KEYS[0]: utterance.recording,
        SPEAKER_KEYS[0]: utterance.speaker,
        # Not as an offset: each file holds its utterance alone.
        START_KEY: utterance.start_s,
    }
    row |= {key: value for key, value in about.items() if value is not None}
    return json.dumps(row, ensure_ascii=False)


def _move(part: Path, folder: Path) -> None:
    """Put `part` in the place of `folder`; where another process was first, either will do."""
    if folder.exists():
        old = Path(tempfile.mkdtemp(prefix=".old-", dir=folder.parent))
        try:
            os.replace(folder, old / "damaged")  # noqa: PTH105
        except FileNotFoundError:
            pass  # another process has just taken it away
        finally:
            shutil.rmtree(old, ignore_errors=True)
    try:
        part.rename(folder)
    except OSError:
        if not (folder / "manifest.jsonl").is_file():
            raise
