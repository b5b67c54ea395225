"""Prepared clips on disk: 16-bit samples as one flat array, the rest as JSON beside it.

An entry is written to temporary files that are then renamed: first the array, whose name is its
content's hash, then the JSON that points at it. So several processes may prepare the same clips at
once, and a reader never meets half an entry.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from runner.clips.audio import from_int16, to_int16
from runner.clips.clip import Clip, ClipSet, Omitted, SetKind, Utterance, Waveform
from runner.clips.joining import PACKING_VERSION, Packing
from runner.errors import UserError

_FORMAT = 3


class DamagedEntryError(Exception):
    """A cache entry that is missing, unreadable or not what was written."""


def cache_root(configured: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The cache folder: `data.cache`, else `ASRPROF_CACHE`, else `~/.cache/asrprof`."""
    chosen = configured or environ.get("ASRPROF_CACHE") or "~/.cache/asrprof"
    try:
        return Path(chosen).expanduser().absolute()
    except RuntimeError as error:
        raise UserError("there is no home folder for the cache; set ASRPROF_CACHE") from error


def digest(utterances: tuple[Utterance, ...]) -> str:
    """SHA-256 over everything that clips are made from, of every utterance, in order."""
    sha = hashlib.sha256()
    for utterance in utterances:
        about = (utterance.recording, utterance.speaker, utterance.start_s)
        _update(sha, utterance.id.encode())
        _update(sha, to_int16(utterance.audio).tobytes())
        _update(sha, utterance.text.encode())
        _update(sha, json.dumps(about).encode())
        _update(sha, b"-" if utterance.pause is None else to_int16(utterance.pause).tobytes())
    return sha.hexdigest()


def entry_path(root: Path, content: str, *choices: object) -> Path:
    """Where the clips of this content belong.

    Args:
        root: The cache folder.
        content: `digest` of the utterances.
        choices: Whatever else decides which clips are made of it.
    """
    key = " ".join(map(str, (_FORMAT, PACKING_VERSION, content, *choices)))
    return root / "clips" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def write(path: Path, packing: Packing, *, kind: SetKind, audio_seconds: float) -> None:
    """Write an entry; an existing one is replaced.

    Args:
        path: The entry's JSON file.
        packing: The clips.
        kind: How they are made.
        audio_seconds: Length of the clips; of those of different lengths that of the longest.

    Raises:
        UserError: the folder cannot be written or the disk is full.
    """
    lengths = [len(clip.audio) for clip in packing.clips]
    # End to end, so that one long clip costs its own samples and not those of a row for each.
    samples = np.empty(sum(lengths), dtype="<i2")
    for clip, place in zip(packing.clips, _places(lengths), strict=True):
        samples[place] = to_int16(clip.audio)
    fingerprint = _fingerprint(samples, lengths, [clip.reference for clip in packing.clips])
    body: dict[str, Any] = {
        "format": _FORMAT,
        "kind": kind,
        "fingerprint": fingerprint,
        "samples": f"{fingerprint}.npy",
        "audio_seconds": audio_seconds,
        "omitted": asdict(packing.omitted),
        "clips": [
            {
                "id": clip.id,
                "samples": length,
                "reference": clip.reference,
                "utterance_ids": list(clip.utterance_ids),
                "speech_seconds": clip.speech_seconds,
                "origin": clip.origin,
                "speaker": clip.speaker,
                "recording": clip.recording,
            }
            for clip, length in zip(packing.clips, lengths, strict=True)
        ],
    }
    body["sha256"] = _checksum(body)
    text = json.dumps(body, ensure_ascii=False, indent=1).encode()
    with writing(path.parent, samples.nbytes + len(text)):
        _replace(path.with_name(body["samples"]), lambda file: np.save(file, samples))
        _replace(path, lambda file: file.write(text))


def read(path: Path, *, verify: bool) -> ClipSet:
    """Read an entry.

    Args:
        path: The entry's JSON file.
        verify: Hash the samples too; otherwise only the JSON and the array's shape are checked.

    Raises:
        DamagedEntryError: missing, unreadable or changed.
    """
    try:
        body = json.loads(path.read_bytes())
        if body.pop("sha256") != _checksum(body) or body["format"] != _FORMAT:
            raise DamagedEntryError(f"{path} has changed")
        samples = np.load(path.with_name(body["samples"]), mmap_mode="r", allow_pickle=False)
        rows = body["clips"]
        lengths = [row["samples"] for row in rows]
        if samples.shape != (sum(lengths),) or not rows:
            raise DamagedEntryError(f"{path} has another shape")
        if samples.dtype != np.dtype("<i2"):
            raise DamagedEntryError(f"{path} has another type")
    except (
        OSError,
        EOFError,
        ValueError,
        ArithmeticError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise DamagedEntryError(f"{path}: {error}") from error
    if verify:
        references = [row["reference"] for row in rows]
        if _fingerprint(samples, lengths, references) != body["fingerprint"]:
            raise DamagedEntryError(f"{path} has changed samples")
    clips = tuple(
        _clip(row, from_int16(samples[place]))
        for row, place in zip(rows, _places(lengths), strict=True)
    )
    return ClipSet(
        clips=clips,
        fingerprint=body["fingerprint"],
        kind=body["kind"],
        audio_seconds=body["audio_seconds"],
        omitted=_omitted(body["omitted"]),
        utterances=sum(len(clip.utterance_ids) for clip in clips),
        words=sum(len(clip.reference.split()) for clip in clips),
        path=path,
    )


def _clip(row: Mapping[str, Any], audio: Waveform) -> Clip:
    return Clip(
        id=row["id"],
        audio=audio,
        reference=row["reference"],
        utterance_ids=tuple(row["utterance_ids"]),
        speech_seconds=row["speech_seconds"],
        origin=row["origin"],
        speaker=row["speaker"],
        recording=row["recording"],
    )


def _omitted(row: Mapping[str, Any]) -> Omitted:
    return Omitted(**{**row, "unreadable": tuple(row["unreadable"])})


def _places(lengths: Sequence[int]) -> list[slice]:
    """Where each clip lies in the flat array."""
    ends = list(accumulate(lengths))
    return [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]


@contextlib.contextmanager
def writing(folder: Path, nbytes: int) -> Iterator[None]:
    """Make a folder of the cache and turn what goes wrong in writing to it into one line.

    Raises:
        UserError: read-only, no permission, disk full, or a file where a folder should be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UserError(
            f"cannot write {nbytes / 1e6:.0f} MB of speech to {folder} "
            f"({error.strerror or error}); set data.cache or ASRPROF_CACHE to another folder"
        ) from error


def _replace(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            fill(file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _fingerprint(
    samples: NDArray[np.int16], lengths: Sequence[int], references: Sequence[str]
) -> str:
    sha = hashlib.sha256()
    for place, reference in zip(_places(lengths), references, strict=True):
        _update(sha, np.ascontiguousarray(samples[place]).tobytes())
        _update(sha, reference.encode())
    return sha.hexdigest()


def _update(sha: hashlib._Hash, part: bytes) -> None:
    # With its length before it, so that no two lists of parts give the same bytes.
    sha.update(len(part).to_bytes(8, "little"))
    sha.update(part)
