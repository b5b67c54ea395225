"""Rows of a folder in which nobody says a word: what a model writes of them it has made up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.clips import cache
from runner.clips.clip import ClipSet, Omitted, Sound, Utterance
from runner.clips.entry import Entry, LeftOut
from runner.clips.folder import find_speech
from runner.clips.joining import Packing, rank
from runner.clips.manifest import Progress
from runner.clips.prepare import load_clips
from runner.clips.reading import by_audio, open_audio
from runner.clips.text import says_no_word
from runner.config import Data
from runner.errors import UserError

MOST = 100
"""Rows that are taken, by the seed."""


def prepare_wordless(
    data: Data, *, seed: int, longest_s: float, progress: Progress | None = None
) -> ClipSet | None:
    """Rows whose whole text is tags of sounds: noise, music, laughter.

    Rows that are only marked not to be scored, or hold a word that nobody understood, are not
    among them: somebody may speak there. One whose audio cannot be read, or is digital silence, is
    left out.

    Args:
        data: Where the speech comes from.
        seed: Decides which rows are taken where there are more than `MOST`.
        longest_s: Longer ones are left out, in seconds.
        progress: Called with what is being done and the share done, 0 to 1.

    Returns:
        A clip for each with an empty reference; None where there is none, as of every source but a
        folder: the others do not keep such rows.

    Raises:
        UserError: the folder or the cache cannot be used as configured.
    """
    if data.source != "folder" or data.path is None:
        return None
    source = find_speech(Path(data.path), data.format, data.split)
    entries = source.entries(data.text_column, LeftOut())
    silent = [entry for entry in entries if says_no_word(entry.text)]
    silent = sorted(silent, key=lambda one: rank(seed, "wordless", one.id))[:MOST]
    taken = {entry.id for entry in silent}
    found: list[Utterance] = []
    files = [rows for rows in by_audio(entries).values() if any(one.id in taken for one in rows)]
    for done, rows in enumerate(files, start=1):
        wanted = [entry for entry in rows if entry.id in taken]
        try:
            file = open_audio(wanted[0], source.locate(wanted[0]))
        except UserError:
            continue
        for entry in wanted:
            try:
                sound = file.part(entry, alone=len(rows) == 1)
            except UserError:
                continue
            found.append(_utterance(entry, sound))
        if progress is not None:
            progress("reading rows without words", done / len(files))
    found = sorted((one for one in found if one.seconds <= longest_s), key=lambda one: one.id)
    return _cached(data, found) if found else None


def _utterance(entry: Entry, sound: Sound) -> Utterance:
    return Utterance(
        id=entry.id, sound=sound, text="", recording=entry.recording, speaker=entry.speaker
    )


def _cached(data: Data, found: Sequence[Utterance]) -> ClipSet:
    path = cache.entry_path(
        cache.cache_root(data.cache), cache.digest(tuple(found)), "rows without words"
    )
    try:
        return cache.read(path, verify=True)
    except cache.DamagedEntryError:
        packing = Packing(tuple(one.alone() for one in found), Omitted())
    longest = max(one.seconds for one in found)
    cache.write(path, packing, kind="utterances", audio_seconds=longest)
    return load_clips(path)
