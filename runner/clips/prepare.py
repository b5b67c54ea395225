"""From a config's data to clips of an exact length and to single utterances, through the cache."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path

from runner.clips import cache
from runner.clips.builtin import read_builtin
from runner.clips.clip import ClipSet, Omitted, Speech, Utterance
from runner.clips.continuous import continuous
from runner.clips.folder import find_speech, read_folder
from runner.clips.hub import read_hub
from runner.clips.joining import Packing, clip_samples, rank
from runner.clips.manifest import Progress
from runner.clips.pack import pack
from runner.config import Data
from runner.errors import UserError

_Source = tuple[Data, tuple[int, ...]]
_KEPT_SOURCES = 2
_recent: dict[_Source, tuple[Speech, str]] = {}
"""Sources read in this process with their digests: a grid of four lengths reads them once. Their
audio lies in the cache folder, in files without a name."""


def prepare(
    data: Data,
    *,
    audio_seconds: float,
    seed: int,
    mixed: bool = False,
    progress: Progress | None = None,
) -> ClipSet:
    """Clips of one length for timing, from the cache where they are in it.

    Args:
        data: Where the speech comes from, and whether clips are of continuous speech or packed.
        audio_seconds: Exact length of every clip; of mixed lengths the longest.
        seed: Seed of the clips.
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
        *(root, content, data.clips, clip_samples(audio_seconds), seed, mixed),
        *_not_used(speech),
    )
    try:
        return cache.read(path, verify=True)
    except cache.DamagedEntryError:
        # Not prepared yet, or damaged since: both are mended by preparing it.
        make = continuous if data.clips == "continuous" else pack
        packing = make(speech.utterances, audio_seconds=audio_seconds, seed=seed, mixed=mixed)
    packing = _without(packing, speech)
    cache.write(path, packing, kind=data.clips, audio_seconds=audio_seconds, progress=progress)
    if progress is not None:
        progress(f"made {len(packing.clips)} {data.clips} clips of {audio_seconds:g} s", 1.0)
    return load_clips(path)


def prepare_utterances(
    data: Data,
    *,
    seed: int,
    limit: int | None,
    longest_s: float = math.inf,
    progress: Progress | None = None,
) -> ClipSet:
    """Every utterance by itself at its natural length, for the word error rate.

    Args:
        data: Where the speech comes from.
        seed: Decides which utterances are taken where there are more than `limit`: the first ones
            of a source may all be of one speaker.
        limit: How many to take; all when None.
        longest_s: Longer ones are left out and counted, in seconds.
        progress: Called with what is being done and the share done, 0 to 1.

    Returns:
        A clip for each, under the utterance's own id, in the source's order.

    Raises:
        UserError: the source or the cache cannot be used as configured, or all are too long.
    """
    root = cache.cache_root(data.cache)
    speech, content = _read_once(data, root, progress)
    fitting = tuple(one for one in speech.utterances if one.seconds <= longest_s)
    if not fitting:
        raise UserError(
            f"every utterance is longer than {longest_s:g} s, too long for a word error rate; "
            "cut them, or raise limits.quality_longest_seconds"
        )
    chosen = _chosen(fitting, seed, limit)
    ids = hashlib.sha256("\n".join(utterance.id for utterance in chosen).encode()).hexdigest()
    omitted = Omitted(
        too_long=len(speech.utterances) - len(fitting),
        too_long_words=speech.words - sum(one.words for one in fitting),
        not_chosen=len(fitting) - len(chosen),
        not_chosen_words=sum(one.words for one in fitting) - sum(one.words for one in chosen),
    )
    path = cache.entry_path(
        *(root, content, "utterances", ids, omitted.too_long),
        *_not_used(speech),
    )
    try:
        return cache.read(path, verify=True)
    except cache.DamagedEntryError:
        packing = Packing(tuple(utterance.alone() for utterance in chosen), omitted)
    longest = max(utterance.seconds for utterance in chosen)
    packing = _without(packing, speech)
    cache.write(path, packing, kind="utterances", audio_seconds=longest, progress=progress)
    return load_clips(path)


def forget_sources() -> None:
    """Give back the disk space of what was decoded, once all clips are made of it."""
    for source in [source for source in _recent if source[0].source != "builtin"]:
        del _recent[source]


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


def _without(packing: Packing, speech: Speech) -> Packing:
    """The clips, with the rows of the source counted that never became an utterance."""
    omitted = replace(
        packing.omitted,
        no_words=speech.dropped,
        unreadable=speech.unreadable,
        untold=speech.untold,
    )
    return replace(packing, omitted=omitted)


def _not_used(speech: Speech) -> tuple[object, ...]:
    """What an entry of the cache tells of the source beyond its utterances."""
    untold = (speech.untold.count, *speech.untold.names) if speech.untold.count else ()
    return (speech.dropped, *speech.unreadable, *untold)


def _chosen(
    utterances: tuple[Utterance, ...], seed: int, limit: int | None
) -> tuple[Utterance, ...]:
    """At most `limit` of the utterances, in their order."""
    if limit is None or limit >= len(utterances):
        return utterances
    shuffled = sorted(utterances, key=lambda one: rank(seed, "utterances", one.id))
    ids = {utterance.id for utterance in shuffled[:limit]}
    return tuple(utterance for utterance in utterances if utterance.id in ids)


def _read_once(data: Data, root: Path, progress: Progress | None) -> tuple[Speech, str]:
    # How clips are made of it does not change what is read.
    source = (data.model_copy(update={"clips": "continuous"}), _stamp(data))
    if source not in _recent:
        speech = _read(data, root, progress)
        while len(_recent) >= _KEPT_SOURCES:
            del _recent[next(iter(_recent))]
        _recent[source] = (speech, cache.digest(speech.utterances, progress))
    return _recent[source]


def _stamp(data: Data) -> tuple[int, ...]:
    """Changes when the texts of a folder do, so that edited ones are read again."""
    if data.source != "folder" or data.path is None:
        return ()
    files = [
        index.stat() for index in find_speech(Path(data.path), data.format, data.split).indexes
    ]
    return tuple(number for file in files for number in (file.st_mtime_ns, file.st_size))


def _read(data: Data, root: Path, progress: Progress | None) -> Speech:
    if data.source == "hub":
        return read_hub(data, root, progress)
    if data.source == "folder" and data.path is not None:
        return read_folder(
            Path(data.path),
            data.utterances,
            wanted=data.format,
            split=data.split,
            text_column=data.text_column,
            progress=progress,
            cache=root,
        )
    return read_builtin(data.utterances, text_column=data.text_column, progress=progress)
