"""From a config's data to clips of an exact length, through the cache."""

from __future__ import annotations

from pathlib import Path

from runner.clips import cache
from runner.clips.builtin import read_builtin
from runner.clips.clip import ClipSet, Speech
from runner.clips.folder import find_manifest, read_folder
from runner.clips.hub import read_hub
from runner.clips.manifest import Progress
from runner.clips.pack import pack
from runner.config import Data
from runner.errors import UserError

_Source = tuple[Data, tuple[int, ...]]
_KEPT_SOURCES = 2
_recent: dict[_Source, tuple[Speech, str]] = {}
"""Sources read in this process with their digests: a grid of four lengths reads them once."""


def prepare(
    data: Data,
    *,
    audio_seconds: float,
    seed: int,
    mixed: bool = False,
    progress: Progress | None = None,
) -> ClipSet:
    """Clips of one length, from the cache where they are in it.

    Args:
        data: Where the speech comes from.
        audio_seconds: Exact length of every clip; of mixed lengths the longest.
        seed: Seed of the packing.
        mixed: Whether clips are of different lengths.
        progress: Called with what is being done and the share done, 0 to 1.

    Returns:
        The clips. The same data, length and seed give the same fingerprint on every machine.

    Raises:
        UserError: the source or the cache cannot be used as configured, or nothing fits.
    """
    root = cache.cache_root(data.cache)
    speech, content = _read_once(data, root, progress)
    path = cache.entry_path(
        root,
        content,
        audio_seconds=audio_seconds,
        seed=seed,
        dropped=speech.dropped,
        mixed=mixed,
    )
    try:
        return cache.read(path, verify=True)
    except cache.DamagedEntryError:
        # Not prepared yet, or damaged since: both are mended by preparing it.
        packing = pack(speech.utterances, audio_seconds=audio_seconds, seed=seed, mixed=mixed)
        cache.write(path, packing, audio_seconds=audio_seconds, dropped=speech.dropped)
    if progress is not None:
        progress(f"packed {len(packing.clips)} clips of {audio_seconds:g} s", 1.0)
    return load_clips(path)


def load_clips(path: Path) -> ClipSet:
    """Read clips that `prepare` wrote, without going to their source.

    Args:
        path: `ClipSet.path`.

    Raises:
        UserError: the entry is gone or damaged.
    """
    try:
        return cache.read(path, verify=False)
    except cache.DamagedEntryError as error:
        raise UserError(f"prepared clips are damaged ({error}); run the benchmark again") from error


def _read_once(data: Data, root: Path, progress: Progress | None) -> tuple[Speech, str]:
    source = (data, _stamp(data))
    if source not in _recent:
        speech = _read(data, root, progress)
        while len(_recent) >= _KEPT_SOURCES:
            del _recent[next(iter(_recent))]
        _recent[source] = (speech, cache.digest(speech.utterances))
    return _recent[source]


def _stamp(data: Data) -> tuple[int, ...]:
    """Changes when a folder's manifest does, so that an edited one is read again."""
    if data.source != "folder" or data.path is None:
        return ()
    status = find_manifest(Path(data.path)).stat()
    return (status.st_mtime_ns, status.st_size)


def _read(data: Data, root: Path, progress: Progress | None) -> Speech:
    if data.source == "hub":
        return read_hub(data, root, progress)
    if data.source == "folder" and data.path is not None:
        return read_folder(
            Path(data.path), data.utterances, text_column=data.text_column, progress=progress
        )
    return read_builtin(data.utterances, text_column=data.text_column, progress=progress)
