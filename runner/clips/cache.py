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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

import numpy as np

from runner.clips.clip import Clip, ClipSet, Omitted, SetKind, Sound, Utterance
from runner.clips.joining import PACKING_VERSION, Packing
from runner.clips.manifest import Progress
from runner.clips.sound import SampleFile, Stored
from runner.clips.untold import Untold
from runner.errors import UserError

_FORMAT = 3

_TOLD_EVERY = 1_000
"""Clips or utterances from one step of the progress to the next: fewer are done in a moment."""


class DamagedEntryError(Exception):
    """A cache entry that is missing, unreadable or not what was written."""


def cache_root(configured: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The cache folder: `data.cache`, else `ASRPROF_CACHE`, else `~/.cache/asrprof`."""
    chosen = configured or environ.get("ASRPROF_CACHE") or "~/.cache/asrprof"
    try:
        return Path(chosen).expanduser().absolute()
    except RuntimeError as error:
        raise UserError("there is no home folder for the cache; set ASRPROF_CACHE") from error


def digest(utterances: Sequence[Utterance], progress: Progress | None = None) -> str:
    """SHA-256 over everything that clips are made from, of every utterance, in order.

    Args:
        utterances: What clips are made from.
        progress: Called with what is being done and the share done, 0 to 1.
    """
    sha = hashlib.sha256()
    for done, utterance in enumerate(utterances, start=1):
        about = (utterance.recording, utterance.speaker, utterance.start_s)
        _update(sha, utterance.id.encode())
        _update(sha, utterance.sound.int16().data)
        _update(sha, utterance.text.encode())
        _update(sha, json.dumps(about).encode())
        _update(sha, b"-" if utterance.pause is None else utterance.pause.int16().data)
        _tell(progress, "looking for prepared clips", done, len(utterances))
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


def write(
    path: Path,
    packing: Packing,
    *,
    kind: SetKind,
    audio_seconds: float,
    progress: Progress | None = None,
) -> None:
    """Write an entry, a clip at a time; an existing one is replaced.

    Args:
        path: The entry's JSON file.
        packing: The clips.
        kind: How they are made.
        audio_seconds: Length of the clips; of those of different lengths that of the longest.
        progress: Called with what is being done and the share done, 0 to 1.

    Raises:
        UserError: the folder cannot be written or the disk is full.
    """
    lengths = [len(clip.sound) for clip in packing.clips]
    with writing(path.parent, sum(lengths) * np.dtype("<i2").itemsize):
        with _part(path.parent) as (part, file):
            fingerprint = _write_samples(file, packing.clips, progress)
            file.close()
            part.replace(path.with_name(f"{fingerprint}.npy"))
        text = _text(packing, fingerprint, kind=kind, audio_seconds=audio_seconds)
        with _part(path.parent) as (part, file):
            file.write(text)
            file.close()
            part.replace(path)


def _write_samples(file: IO[bytes], clips: Sequence[Clip], progress: Progress | None) -> str:
    """Write clips end to end, so that a long one costs its own samples and not a row's of each.

    Args:
        file: Where NumPy will read them as one flat array.
        clips: The clips.
        progress: Called with what is being done and the share done, 0 to 1.

    Returns:
        The fingerprint: SHA-256 over the samples and the reference of every clip, in order.
    """
    shape = (sum(len(clip.sound) for clip in clips),)
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<i2", "fortran_order": False, "shape": shape}
    )
    sha = hashlib.sha256()
    for done, clip in enumerate(clips, start=1):
        samples = clip.sound.int16()
        file.write(samples.data)
        _update(sha, samples.data)
        _update(sha, clip.reference.encode())
        _tell(progress, "writing clips", done, len(clips))
    return sha.hexdigest()


def _text(packing: Packing, fingerprint: str, *, kind: SetKind, audio_seconds: float) -> bytes:
    """An entry's JSON.

    Args:
        packing: The clips.
        fingerprint: Of their samples and references.
        kind: How they are made.
        audio_seconds: Length of the clips; of those of different lengths that of the longest.
    """
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
                "samples": len(clip.sound),
                "reference": clip.reference,
                "utterance_ids": list(clip.utterance_ids),
                "speech_seconds": clip.speech_seconds,
                "origin": clip.origin,
                "speaker": clip.speaker,
                "recording": clip.recording,
            }
            for clip in packing.clips
        ],
    }
    body["sha256"] = _checksum(body)
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


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
        name = path.with_name(body["samples"])
        samples = np.load(name, mmap_mode="r", allow_pickle=False)
        if not isinstance(samples, np.memmap):
            raise DamagedEntryError(f"{path} has another form")
        file = SampleFile(name.open("rb"), samples.offset)
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
    clips = tuple(
        _clip(row, Stored(file, end - row["samples"], row["samples"]))
        for row, end in zip(rows, accumulate(lengths), strict=True)
    )
    if verify and _fingerprint(clips) != body["fingerprint"]:
        raise DamagedEntryError(f"{path} has changed samples")
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


def _clip(row: Mapping[str, Any], sound: Sound) -> Clip:
    return Clip(
        id=row["id"],
        sound=sound,
        reference=row["reference"],
        utterance_ids=tuple(row["utterance_ids"]),
        speech_seconds=row["speech_seconds"],
        origin=row["origin"],
        speaker=row["speaker"],
        recording=row["recording"],
    )


def _omitted(row: Mapping[str, Any]) -> Omitted:
    told = row.get("untold") or {"count": 0, "names": []}
    untold = Untold(told["count"], tuple(told["names"]))
    return Omitted(**{**row, "unreadable": tuple(row["unreadable"]), "untold": untold})


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


@contextlib.contextmanager
def _part(folder: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file, which is gone afterwards unless it has been given another name."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            yield Path(name), file
    finally:
        Path(name).unlink(missing_ok=True)


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _fingerprint(clips: Iterable[Clip]) -> str:
    sha = hashlib.sha256()
    for clip in clips:
        _update(sha, clip.sound.int16().data)
        _update(sha, clip.reference.encode())
    return sha.hexdigest()


def _update(sha: hashlib._Hash, part: bytes | memoryview) -> None:
    # With its length before it, so that no two lists of parts give the same bytes.
    sha.update(memoryview(part).nbytes.to_bytes(8, "little"))
    sha.update(part)


def _tell(progress: Progress | None, what: str, done: int, count: int) -> None:
    if progress is not None and done % _TOLD_EVERY == 0:
        progress(what, done / count)
