"""The rows of a manifest or a corpus: which audio, or which part of it, and what is said there."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from runner.clips.unusable import Unusable
from runner.errors import UserError

Problem = Callable[[UserError], None]
"""Told of a row that cannot be used, which is then left out, unless it raises the error."""


def refuse(error: UserError) -> None:
    """One row that cannot be used ends the reading.

    Raises:
        UserError: the error itself.
    """
    raise error


class LeftOut:
    """Takes the rows that cost a run nothing but themselves; any other ends the reading."""

    def __init__(self) -> None:
        self.errors: list[Unusable] = []

    def __call__(self, error: UserError) -> None:
        """Takes one.

        Raises:
            UserError: the error itself, where the row says wrongly what its audio is.
        """
        if not isinstance(error, Unusable):
            raise error
        self.errors.append(error)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: which file, and what is said in it."""

    where: str
    """File and line, for errors."""
    id: str
    file: str
    text: str
    seconds: float | None
    """Stated duration; of a segment the part of the file to take."""
    sha256: str | None = None
    """Of the file, or of its 16-bit samples at 16 kHz; checked where given."""
    offset_s: float | None = None
    """Where its segment begins in the file; None where the utterance is the whole file."""
    to_end: bool = False
    """Whether its row says that the segment goes on to the file's end."""
    channel: int | None = None
    """The channel that it is in, counted from 0; None where it is the mean of all."""
    start_s: float | None = None
    """Where it begins in its recording."""
    recording: str | None = None
    speaker: str | None = None
    language: str | None = None
    """As the source writes it."""

    @property
    def audio(self) -> tuple[str, int | None]:
        """The file and its channel: what is decoded once for all rows that lie in it."""
        return posixpath.normpath(self.file), self.channel


def distinct(entries: Sequence[Entry], problem: Problem = refuse) -> tuple[Entry, ...]:
    """Rows of different audio, under different ids.

    An id that several rows have names none of them (FLEURS has one for each sentence, whoever
    reads it): they get the path of their file in its place, with the channel and the start.

    Args:
        entries: The rows.
        problem: Told of a row that means the same audio as one before it, or all of a file of which
            another means a channel.

    Raises:
        UserError: whatever `problem` raises.
    """
    entries = list(_of_other_audio(entries, problem))
    counts = Counter(entry.id for entry in entries)
    used = {identifier for identifier, count in counts.items() if count == 1}
    found = []
    for entry in entries:
        identifier = entry.id
        if counts[identifier] > 1:
            identifier = _free(_place(entry), used)
            used.add(identifier)
            found.append(replace(entry, id=identifier))
        else:
            found.append(entry)
    return tuple(found)


def _of_other_audio(entries: Iterable[Entry], problem: Problem) -> Iterator[Entry]:
    """One file and two texts: at most one of them is what is said in it."""
    seen: dict[tuple[object, ...], Entry] = {}
    channels: dict[str, Entry] = {}
    for entry in entries:
        name, channel = entry.audio
        part = (name, channel, entry.offset_s, entry.seconds if entry.offset_s is not None else 0)
        before = seen.setdefault(part, entry)
        if before is not entry:
            problem(
                UserError(
                    f"{entry.where} means the same audio as {before.where}, {_what(entry)}; remove "
                    'one of them, or give each its part of the file ("start" and "end" in seconds, '
                    'or "channel")'
                )
            )
            continue
        other = channels.setdefault(name, entry)
        if (other.channel is None) != (channel is None):
            problem(
                UserError(
                    f"{entry.where} and {other.where}: one is of a channel of {entry.file}, the "
                    'other of all of it; give both a "channel", or neither'
                )
            )
            continue
        yield entry


def _what(entry: Entry) -> str:
    channel = "" if entry.channel is None else f"channel {entry.channel} of "
    start = "" if entry.offset_s is None else f" from {entry.offset_s:g} s"
    return f"{channel}{entry.file}{start}"


def _place(entry: Entry) -> str:
    channel = "" if entry.channel is None else f":{entry.channel}"
    start = "" if entry.offset_s is None else f"@{entry.offset_s:.3f}"
    return f"{posixpath.normpath(entry.file)}{channel}{start}"


def _free(name: str, used: set[str]) -> str:
    number, free = 1, name
    while free in used:
        number += 1
        free = f"{name}#{number}"
    return free
