"""The audio of a manifest's rows: whole files, and segments cut out of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from runner.clips.audio import read_audio, read_bytes
from runner.clips.clip import SAMPLE_RATE, Sound, Speech, Utterance, Waveform
from runner.clips.decoded import Decoded
from runner.clips.entry import Entry
from runner.clips.joining import LONGEST_PAUSE_SAMPLES
from runner.clips.manifest import Progress
from runner.clips.mixing import MIN_SECONDS, check_heard
from runner.clips.segment import DURATION_TOLERANCE_S, START_KEY
from runner.clips.sound import Held
from runner.clips.text import clean_transcript
from runner.clips.unusable import Unusable
from runner.errors import UserError


@dataclass(frozen=True)
class AudioFile:
    """A file that is read and decoded once for all rows that lie in it."""

    data: bytes
    sound: Sound

    @cached_property
    def audio(self) -> Waveform:
        """All of it, shape (samples,), in memory as long as this is."""
        return self.sound.waveform()

    @cached_property
    def sums(self) -> frozenset[str]:
        """SHA-256 of the file, and of its samples: a manifest may outlive a FLAC encoder."""
        samples = self.sound.int16().tobytes()
        return frozenset(hashlib.sha256(part).hexdigest() for part in (self.data, samples))

    def part(self, entry: Entry, *, alone: bool) -> Sound:
        """The audio of a row.

        Args:
            entry: The row.
            alone: Whether no other row lies in the file.

        Raises:
            UserError: the file is not the one that the row means, or its segment does not lie in
                it, or holds no sound.
        """
        if entry.sha256 is not None and entry.sha256 not in self.sums:
            raise UserError(
                f"{entry.where}: {entry.file} does not match the sha256 given there; "
                "restore the file or correct the line"
            )
        check_part(entry, len(self.sound), alone=alone)
        if entry.offset_s is None:
            return self.sound
        start, end = _bounds(entry, len(self.sound))
        check_heard(self.audio[start:end], f"{entry.where}: its segment of {entry.file}")
        return self.sound.part(start, end)


def open_audio(entry: Entry, source: Path | bytes, decoded: Decoded | None = None) -> AudioFile:
    """Read and decode the file of a row.

    Args:
        entry: The row.
        source: The file, or its bytes.
        decoded: What was decoded before; what is decoded now is added.

    Raises:
        UserError: it is broken.
    """
    data = read_bytes(source) if isinstance(source, Path) else source
    where = f"{entry.where}: {entry.file}"
    sound = None if decoded is None else decoded.get(data, entry.channel)
    if sound is None:
        audio = read_audio(data, where, channel=entry.channel)
        sound = Held(audio) if decoded is None else decoded.put(data, entry.channel, audio)
    return AudioFile(data, sound)


def check_part(entry: Entry, length: int, *, alone: bool) -> float:
    """How long a row's audio is, in seconds.

    Args:
        entry: The row.
        length: Samples of its file at 16 kHz.
        alone: Whether no other row lies in the file.

    Raises:
        UserError: the row states another length than its file has, or a segment that the file does
            not hold.
    """
    if entry.offset_s is None:
        _check_duration(entry, length / SAMPLE_RATE)
        return length / SAMPLE_RATE
    _check_segment(entry, length, alone=alone)
    start, end = _bounds(entry, length)
    return (end - start) / SAMPLE_RATE


def read_entries(
    entries: Iterable[Entry],
    read: Callable[[Entry], bytes],
    limit: int | None,
    progress: Progress | None = None,
    decoded: Decoded | None = None,
) -> Speech:
    """Read the audio of a manifest's rows, in their order.

    Every file is decoded once (once for each channel that rows name), wherever its rows stand, and
    one at a time is in memory where `decoded` keeps them. A row whose audio cannot be read, or
    holds no sound, is left out and named, unless all are such.

    Args:
        entries: The rows.
        read: Gives the bytes of a row's audio file.
        limit: How many utterances to take; all when None.
        progress: Told after every utterance.
        decoded: What was decoded before; what is decoded now is added.

    Raises:
        UserError: no file can be read, or one is not what the manifest means, or a segment does not
            lie in it.
    """
    entries = tuple(entries)
    with_words = spoken(entries)
    texts = {entry.id: text for entry, text in with_words[:limit]}
    if not texts:
        raise UserError("the source holds no utterance with words; give it at least one")
    files = by_audio(entries)
    found: dict[str, Utterance] = {}
    bad: dict[str, Unusable] = {}
    for (name, _), within in files.items():
        for utterance in _utterances(name, within, texts, read, decoded, bad):
            found[utterance.id] = utterance
            if progress is not None:
                progress("reading speech", (len(found) + len(bad)) / len(texts))
    if not found:
        raise next(bad[identifier] for identifier in texts if identifier in bad)
    return Speech(
        utterances=tuple(found[identifier] for identifier in texts if identifier in found),
        dropped=len(entries) - len(with_words),
        unreadable=tuple(str(bad[identifier]) for identifier in texts if identifier in bad),
    )


def by_audio(entries: Iterable[Entry]) -> dict[tuple[str, int | None], list[Entry]]:
    """The rows of every file and channel, in order."""
    files: dict[tuple[str, int | None], list[Entry]] = {}
    for entry in entries:
        files.setdefault(entry.audio, []).append(entry)
    return files


def spoken(entries: Iterable[Entry]) -> list[tuple[Entry, str]]:
    """Rows with words, each with its cleaned transcript."""
    cleaned = ((entry, clean_transcript(entry.text)) for entry in entries)
    return [(entry, text) for entry, text in cleaned if text is not None]


def _utterances(
    name: str,
    within: Sequence[Entry],
    texts: Mapping[str, str],
    read: Callable[[Entry], bytes],
    decoded: Decoded | None,
    bad: dict[str, Unusable],
) -> Iterator[Utterance]:
    """The utterances of one file.

    Args:
        name: The file's path in the source.
        within: All rows of the file, those that are not taken too.
        texts: The transcripts of the rows to take, by their ids.
        read: Gives the bytes of a row's audio file.
        decoded: What was decoded before; what is decoded now is added.
        bad: Is told why rows are left out, by their ids.
    """
    taken = [entry for entry in within if entry.id in texts]
    if not taken:
        return
    try:
        file = open_audio(taken[0], read(taken[0]), decoded)
    except Unusable as error:
        bad.update(dict.fromkeys((entry.id for entry in taken), error))
        return
    segments = [entry for entry in within if entry.offset_s is not None]
    if len(segments) > 1:
        # What several segments were cut from is a recording, whatever else it is called.
        within = [_of_recording(entry, name) for entry in within]
        taken = [entry for entry in within if entry.id in texts]
    sounds: dict[str, Sound] = {}
    for entry in taken:
        try:
            sounds[entry.id] = file.part(entry, alone=len(within) == 1)
        except Unusable as error:
            bad[entry.id] = error
    pauses = _pauses(within, len(file.sound), sounds)
    for entry in taken:
        if entry.id not in sounds:
            continue
        pause = pauses.get(entry.id)
        yield Utterance(
            id=entry.id,
            sound=sounds[entry.id],
            text=texts[entry.id],
            recording=entry.recording,
            speaker=entry.speaker,
            start_s=entry.start_s,
            pause=None if pause is None else file.sound.part(*pause),
        )


def _of_recording(entry: Entry, name: str) -> Entry:
    if entry.offset_s is None or entry.recording is not None:
        return entry
    return replace(entry, recording=name)


def _bounds(entry: Entry, length: int) -> tuple[int, int]:
    """First sample of a segment and the one behind its last, within a file of `length` samples."""
    offset_s = entry.offset_s or 0.0
    end = length if entry.seconds is None else round((offset_s + entry.seconds) * SAMPLE_RATE)
    return min(round(offset_s * SAMPLE_RATE), length), min(end, length)


def _pauses(
    within: Iterable[Entry], length: int, taken: Collection[str]
) -> dict[str, tuple[int, int]]:
    """Bounds of the true audio before a segment, by its id, where it follows one that is taken.

    Rows that are not taken count: what lies between two others may be the speech of a third.

    Args:
        within: The rows of a file.
        length: Samples of the file.
        taken: Ids of the rows that become utterances.
    """
    rows = [(*_bounds(entry, length), entry) for entry in within if entry.offset_s is not None]
    rows.sort(key=lambda row: (row[0], row[2].id))
    pauses: dict[str, tuple[int, int]] = {}
    spoken_until = 0
    for (_, end, before), (start, _, entry) in pairwise(rows):
        spoken_until = max(spoken_until, end)
        follows = end == spoken_until and 0 <= start - end <= LONGEST_PAUSE_SAMPLES
        if follows and before.id in taken and before.recording == entry.recording:
            pauses[entry.id] = (end, start)
    return pauses


def _check_duration(entry: Entry, seconds: float) -> None:
    # A stated duration that disagrees means a segment of a longer file, or the wrong file:
    # either way the reference does not belong to the audio.
    if entry.seconds is not None and not abs(entry.seconds - seconds) <= DURATION_TOLERANCE_S:
        raise UserError(
            f"{entry.where}: {entry.file} is {seconds:.2f} s long but the line says "
            f"{entry.seconds:.2f} s; correct the line or the file"
        )


def _check_segment(entry: Entry, length: int, *, alone: bool) -> None:
    """Refuse a segment that its file does not hold.

    Args:
        entry: A row with an offset.
        length: Samples of the file.
        alone: Whether no other row lies in the file.

    Raises:
        UserError: it lies beyond the end, is too short, or has no end.
    """
    if entry.seconds is None and not (alone or entry.to_end):
        raise UserError(
            f"{entry.where}: a segment of {entry.file}, which has others, needs its duration; "
            'add "duration" or "end"'
        )
    start, end = _bounds(entry, length)
    file_s = length / SAMPLE_RATE
    offset_s = entry.offset_s or 0.0
    end_s = file_s if entry.seconds is None else offset_s + entry.seconds
    if start >= length or end_s > file_s + DURATION_TOLERANCE_S:
        raise UserError(
            f"{entry.where}: {entry.file} is {file_s:.2f} s long but its segment is from "
            f"{offset_s:.2f} to {end_s:.2f} s; correct the line, or call the start "
            f'"{START_KEY}" where the file holds the segment alone'
        )
    if end - start < MIN_SECONDS * SAMPLE_RATE:
        raise UserError(
            f"{entry.where}: its segment of {entry.file} holds less than {MIN_SECONDS} s of audio; "
            "correct or remove the line"
        )
