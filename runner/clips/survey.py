"""What a source of speech holds, found out without preparing it: for `asrprof data`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from runner.clips.cache import cache_root
from runner.clips.clip import SAMPLE_RATE
from runner.clips.entry import Entry
from runner.clips.first_bytes import Header
from runner.clips.folder import FolderSpeech, find_speech
from runner.clips.headers import read_header
from runner.clips.hub import read_hub
from runner.clips.manifest import Progress
from runner.clips.reading import by_audio, check_part, open_audio, spoken
from runner.clips.untold import Untold
from runner.clips.unusable import Unusable
from runner.config import Data
from runner.errors import UserError

_THREADS = 2
_AT_ONCE = 256
"""Files that a thread is given at a time."""

_SHOWN_TEXT = 60


@dataclass(frozen=True)
class Usable:
    """What clips of one length can use of the speech."""

    seconds: float
    """Length of the clips."""
    utterances: int
    """Utterances that are no longer."""
    utterances_share: float
    speech_share: float
    """Of their length, by that of all."""


@dataclass
class Survey:
    """What was found."""

    format: str
    """`data.format`, or the source where that has none."""
    path: str
    rows: int
    utterances: int
    """Rows with words, as many as are taken."""
    words: int
    """Of the utterances, as they are written."""
    speakers: int
    no_speaker: int
    """Utterances whose speaker is not known."""
    recordings: int
    no_recording: int
    """Utterances whose recording is not known."""
    languages: dict[str, int]
    """Utterances of each language that the source names."""
    indexes: int = 0
    """Files that list the rows."""
    not_taken: int = 0
    """Rows with words beyond `data.utterances`."""
    skipped_rows: int = 0
    """Rows with nothing to score."""
    skipped: list[str] = field(default_factory=list)
    """Those of them that are known: line and text."""
    left_out: list[str] = field(default_factory=list)
    """Rows whose audio cannot be read, or whose text is missing: a run names them and goes on."""
    untold: Untold = field(default_factory=Untold)
    """Audio of the folder that no row is of."""
    problems: list[str] = field(default_factory=list)
    """What is wrong with rows, one line each: a run would end at the first."""
    seconds: list[float] = field(default_factory=list)
    """Length of each utterance whose audio can be used."""
    audio: dict[tuple[int, int], int] = field(default_factory=dict)
    """Files by sampling rate in Hz and number of channels."""
    decoded: bool = False
    """Whether all audio was decoded; else its headers were read."""

    def usable(self, seconds: float) -> Usable:
        """What clips of a length can use.

        Args:
            seconds: The length.
        """
        lengths = np.asarray(self.seconds)
        fits = lengths <= round(seconds * SAMPLE_RATE) / SAMPLE_RATE
        total = float(lengths.sum())
        return Usable(
            seconds=seconds,
            utterances=int(fits.sum()),
            utterances_share=float(fits.mean()) if len(lengths) else 0.0,
            speech_share=float(lengths[fits].sum()) / total if total else 0.0,
        )


def survey(data: Data, *, check: bool = False, progress: Progress | None = None) -> Survey:
    """Look through a source of speech.

    Args:
        data: The source. A data set of the hub is downloaded as a run would do it.
        check: Decode every file, as a run would, rather than read its header.
        progress: Called with what is being done and the share done, 0 to 1.

    Raises:
        UserError: there is no speech, or it cannot be read at all.
    """
    if data.source == "hub":
        return _of_hub(data, progress)
    if data.source == "builtin":
        with as_file(files("runner.clips").joinpath("speech")) as folder:
            return _of_folder(find_speech(folder), data, check=check, progress=progress)
    found = find_speech(Path(data.path or ""), data.format, data.split)
    return _of_folder(found, data, check=check, progress=progress)


def _of_hub(data: Data, progress: Progress | None) -> Survey:
    speech = read_hub(data, cache_root(data.cache), progress)
    labelled = (_Labelled(one.recording, one.speaker, None) for one in speech.utterances)
    return Survey(
        format="hub",
        path=str(data.dataset),
        rows=len(speech.utterances) + speech.dropped + len(speech.unreadable),
        utterances=len(speech.utterances),
        seconds=[utterance.seconds for utterance in speech.utterances],
        words=speech.words,
        skipped_rows=speech.dropped,
        left_out=list(speech.unreadable),
        decoded=True,
        **_counted(labelled),
    )


def _of_folder(
    source: FolderSpeech, data: Data, *, check: bool, progress: Progress | None
) -> Survey:
    problems: list[UserError] = []
    entries = source.entries(data.text_column, problems.append)
    every = spoken(entries)
    with_words = {entry.id for entry, _ in every}
    silent = [entry for entry in entries if entry.id not in with_words]
    texts = {entry.id: len(text.split()) for entry, text in every[: data.utterances]}
    corpus = "manifest" if source.corpus is None else source.corpus.name
    found = Survey(
        format="builtin" if data.source == "builtin" else corpus,
        path=str(source.root),
        indexes=len(source.indexes),
        rows=len(entries) + len(problems),
        utterances=len(texts),
        words=sum(texts.values()),
        not_taken=len(every) - len(texts),
        skipped_rows=len(silent),
        skipped=[f"{entry.where}: {_short(entry.text)}" for entry in silent],
        untold=source.untold(entries) if data.source == "folder" else Untold(),
        decoded=check,
        **_counted(_labelled(entries, texts)),
    )
    files = [
        within
        for within in by_audio(entries).values()
        if any(entry.id in texts for entry in within)
    ]
    what = "decoding audio" if check else "reading headers"

    def look(within: Sequence[Entry]) -> _Looked:
        return _look(source, within, texts, check=check)

    # Decoders leave the interpreter free for each other; the reading of headers does not.
    looking = _in_threads(look, files) if check else map(look, files)
    for done, looked in enumerate(looking, start=1):
        if looked.header is not None:
            kind = (looked.header.rate, looked.header.channels)
            found.audio[kind] = found.audio.get(kind, 0) + 1
        found.seconds += looked.seconds
        problems += looked.problems
        if progress is not None and done % _AT_ONCE in (0, len(files)):
            progress(what, done / len(files))
    for error in problems:
        # What is missing of asrprof's own speech is no row's fault.
        goes_on = isinstance(error, Unusable) and data.source == "folder"
        (found.left_out if goes_on else found.problems).append(str(error))
    return found


@dataclass(frozen=True, slots=True)
class _Labelled:
    recording: str | None
    speaker: str | None
    language: str | None


def _labelled(entries: Sequence[Entry], taken: Container[str]) -> Iterator[_Labelled]:
    """What the utterance of each row will be said to be, as when its audio is read."""
    segments = Counter(entry.audio for entry in entries if entry.offset_s is not None)
    for entry in entries:
        if entry.id in taken:
            of_file = entry.offset_s is not None and segments[entry.audio] > 1
            recording = entry.recording or (entry.audio[0] if of_file else None)
            yield _Labelled(recording, entry.speaker, entry.language)


def _counted(rows: Iterable[_Labelled]) -> dict[str, Any]:
    """The fields of a survey that count speakers, recordings and languages."""
    rows = tuple(rows)
    speakers = Counter(row.speaker for row in rows)
    recordings = Counter(row.recording for row in rows)
    languages = Counter(row.language for row in rows)
    return {
        "no_speaker": speakers.pop(None, 0),
        "speakers": len(speakers),
        "no_recording": recordings.pop(None, 0),
        "recordings": len(recordings),
        "languages": {str(name): count for name, count in languages.most_common() if name},
    }


@dataclass(frozen=True)
class _Looked:
    """What was found in one file."""

    header: Header | None = None
    seconds: Sequence[float] = ()
    """Of the utterances in it."""
    problems: Sequence[UserError] = ()


def _look(
    source: FolderSpeech, within: Sequence[Entry], taken: Container[str], *, check: bool
) -> _Looked:
    """Look at a file.

    Args:
        source: Where it is from.
        within: All rows of the file and channel.
        taken: Ids of the rows that become utterances.
        check: Decode it.
    """
    rows = [entry for entry in within if entry.id in taken]
    where = f"{rows[0].where}: {rows[0].file}"
    try:
        place = source.place(rows[0])
        header = read_header(place, where)
        channel = rows[0].channel
        if channel is not None and channel >= header.channels:
            raise UserError(
                f"{where} has {header.channels} channels, counted from 0: there is no channel "
                f"{channel}; correct it"
            )
        file = open_audio(rows[0], source.locate(rows[0])) if check else None
    except UserError as error:
        return _Looked(problems=[error])
    length = round(header.seconds * SAMPLE_RATE) if file is None else len(file.sound)
    seconds: list[float] = []
    problems: list[UserError] = []
    for entry in rows:
        alone = len(within) == 1
        try:
            if file is not None:
                file.part(entry, alone=alone)
            seconds.append(check_part(entry, length, alone=alone))
        except UserError as error:
            problems.append(error)
    return _Looked(header, seconds, problems)


def _in_threads(
    look: Callable[[Sequence[Entry]], _Looked], files: Sequence[Sequence[Entry]]
) -> Iterator[_Looked]:
    """What `look` gives for each of the files, in order."""
    parts = [files[start : start + _AT_ONCE] for start in range(0, len(files), _AT_ONCE)]
    pool = ThreadPoolExecutor(_THREADS)
    try:
        for found in pool.map(lambda part: [look(within) for within in part], parts):
            yield from found
    finally:
        pool.shutdown(cancel_futures=True)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_TEXT else f"{line[: _SHOWN_TEXT - 1]}…"
