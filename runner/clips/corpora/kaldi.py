"""A Kaldi data folder: `wav.scp` and `text`, with `segments` and `utt2spk` where there are any.

An entry of `wav.scp` may be a command whose output is the audio. A benchmark runs no command that a
data folder names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from runner.clips.corpora.base import Asked, Format, gather, lines, whole_file
from runner.clips.entry import Entry
from runner.clips.segment import Segment, segment_of
from runner.errors import UserError

_TO_THE_END = ("-1", "-1.0")


def _indexes(path: Path) -> list[Path]:
    needed = [path / "wav.scp", path / "text"]
    if not all(index.is_file() for index in needed):
        return []
    optional = [path / "segments", path / "utt2spk"]
    return [*needed, *(index for index in optional if index.is_file())]


def _table(root: Path, name: str) -> dict[str, tuple[str, str]]:
    """The lines of a file by their first word: what errors call each, and its rest."""
    found: dict[str, tuple[str, str]] = {}
    index = root / name
    for where, line in lines(index) if index.is_file() else ():
        key, *rest = line.strip().split(maxsplit=1)
        if key in found:
            raise UserError(f"{where} has {key} of {found[key][0]} again; remove one of them")
        found[key] = (where, rest[0] if rest else "")
    return found


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    del indexes
    files = _table(root, "wav.scp")
    segments = _table(root, "segments")
    speakers = _table(root, "utt2spk")
    texts = _table(root, "text")

    def entry(name: str, text: str) -> Entry:
        where, _ = texts[name]
        place, line = segments.get(name, (where, name))
        recording, *bounds = line.split()
        if recording not in files:
            raise UserError(f"{place}: wav.scp has no {recording}; add it or remove the line")
        listed, file = files[recording]
        if file.endswith("|") or file.startswith("|"):
            raise UserError(
                f"{listed}: {recording} is the output of a command, and none is run; write the "
                "audio into a file and its path into wav.scp"
            )
        _, speaker = speakers.get(name, ("", ""))
        found = whole_file(place, name, file, text, speaker=speaker)
        if name in segments:
            segment = _segment(bounds, place)
            found = replace(
                found,
                offset_s=segment.offset_s,
                seconds=segment.seconds,
                start_s=segment.start_s,
                to_end=segment.seconds is None,
                channel=segment.channel,
                recording=recording,
            )
        return found

    return gather(((name, text) for name, (_, text) in texts.items()), entry, asked.problem)


def _segment(bounds: Sequence[str], where: str) -> Segment:
    """What follows the recording in a line of `segments`: start, end, and a channel if it has one.

    An end of -1 is that of the recording, as Kaldi's extract-segments takes it.
    """
    if len(bounds) not in (2, 3):
        raise UserError(f"{where} is no recording, start and end; correct the line")
    fields = dict(zip(("start", "end", "channel"), bounds, strict=False))
    if fields["end"] in _TO_THE_END:
        del fields["end"]
    return segment_of(fields, where)


KALDI = Format("kaldi", "wav.scp and text", _indexes, _entries)
