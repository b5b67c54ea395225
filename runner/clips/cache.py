"""Prepared clips on disk: 16-bit samples as one array, the rest as JSON beside it.

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
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from runner.clips.audio import from_int16, to_int16
from runner.clips.clip import Clip, ClipSet, Utterance
from runner.clips.pack import PACKING_VERSION, Packing, clip_samples
from runner.errors import UserError

_FORMAT = 1


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
    """SHA-256 over id, samples and text of every utterance, in order."""
    sha = hashlib.sha256()
    for utterance in utterances:
        _update(sha, utterance.id.encode())
        _update(sha, to_int16(utterance.audio).tobytes())
        _update(sha, utterance.text.encode())
    return sha.hexdigest()


def entry_path(
    root: Path, content: str, *, audio_seconds: float, seed: int, dropped: int, mixed: bool = False
) -> Path:
    """Where the clips of this content, length and seed belong.

    Args:
        root: The cache folder.
        content: `digest` of the utterances.
        audio_seconds: Length of the clips.
        seed: Seed of the packing.
        dropped: Rows of the source without speech.
        mixed: Whether they are of different lengths.
    """
    key = f"{_FORMAT} {PACKING_VERSION} {content} {seed} {clip_samples(audio_seconds)} {dropped}"
    key += " mixed" if mixed else ""
    return root / "clips" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def write(path: Path, packing: Packing, *, audio_seconds: float, dropped: int) -> None:
    """Write an entry; an existing one is replaced.

    Raises:
        UserError: the folder cannot be written or the disk is full.
    """
    # One array for all, also of clips that are shorter: zeros at their ends.
    samples = np.zeros((len(packing.clips), clip_samples(audio_seconds)), dtype="<i2")
    for row, clip in zip(samples, packing.clips, strict=True):
        row[: len(clip.audio)] = to_int16(clip.audio)
    references = [clip.reference for clip in packing.clips]
    fingerprint = _fingerprint(samples, references)
    body: dict[str, Any] = {
        "format": _FORMAT,
        "fingerprint": fingerprint,
        "samples": f"{fingerprint}.npy",
        "audio_seconds": audio_seconds,
        "left_out": packing.left_out,
        "dropped": dropped,
        "clips": [
            {
                "id": clip.id,
                "reference": clip.reference,
                "utterance_ids": list(clip.utterance_ids),
                "speech_seconds": clip.speech_seconds,
                **_shorter(clip, samples.shape[1]),
            }
            for clip in packing.clips
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
        if samples.shape != (len(rows), clip_samples(body["audio_seconds"])) or not rows:
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
    references = [row["reference"] for row in rows]
    if verify and _fingerprint(samples, references) != body["fingerprint"]:
        raise DamagedEntryError(f"{path} has changed samples")
    clips = tuple(
        Clip(
            id=row["id"],
            audio=from_int16(samples[number][: row.get("samples")]),
            reference=row["reference"],
            utterance_ids=tuple(row["utterance_ids"]),
            speech_seconds=row["speech_seconds"],
        )
        for number, row in enumerate(rows)
    )
    return ClipSet(
        clips=clips,
        fingerprint=body["fingerprint"],
        audio_seconds=body["audio_seconds"],
        left_out=body["left_out"],
        utterances=sum(len(clip.utterance_ids) for clip in clips),
        dropped=body["dropped"],
        path=path,
    )


def _shorter(clip: Clip, longest: int) -> dict[str, int]:
    """How long a clip is, where it is not as long as its entry's array."""
    return {} if len(clip.audio) == longest else {"samples": len(clip.audio)}


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


def _fingerprint(samples: NDArray[np.int16], references: list[str]) -> str:
    sha = hashlib.sha256()
    for row, reference in zip(samples, references, strict=True):
        _update(sha, np.ascontiguousarray(row).tobytes())
        _update(sha, reference.encode())
    return sha.hexdigest()


def _update(sha: hashlib._Hash, part: bytes) -> None:
    # With its length before it, so that no two lists of parts give the same bytes.
    sha.update(len(part).to_bytes(8, "little"))
    sha.update(part)
