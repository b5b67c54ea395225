"""The speech of the measurement with real weights: a folder's utterances, whole and by themselves.

A row of a JSONL manifest may list the utterances that its file joins, as ``segments`` (``id``,
``start``, ``end``, ``text``): then each of them is an utterance, and the file is their recording.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.clips.clip import SAMPLE_RATE, Clip, Utterance
from runner.clips.folder import find_speech, read_folder
from runner.clips.text import clean_transcript
from runner.errors import UserError

SHORTEST_S = 1.0
"""Shorter ones are single words, which say nothing of running speech."""

WINDOW_S = 30.0
"""Longer ones would be cut at the end of Whisper's window."""


@dataclass(frozen=True)
class Spoken:
    """The utterances that are measured, and how many are not."""

    utterances: tuple[Utterance, ...]
    too_short: int
    too_long: int

    @property
    def seconds(self) -> float:
        """Of all audio."""
        return sum(one.seconds for one in self.utterances)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Those that the manifest names, in order of appearance."""
        return tuple(dict.fromkeys(one.speaker for one in self.utterances if one.speaker))

    @property
    def unnamed(self) -> int:
        """Utterances whose speaker the manifest does not name."""
        return sum(one.speaker is None for one in self.utterances)


def read_speech(folder: Path) -> Spoken:
    """The utterances of a folder that a Whisper takes in one window.

    Raises:
        UserError: the folder or its manifest cannot be used, or holds no such utterance.
    """
    segments = _segments(find_speech(folder).indexes[0])
    everything = tuple(
        part
        for one in read_folder(folder).utterances
        for part in (_cut(one, segments[one.id]) if one.id in segments else (one,))
    )
    kept = tuple(one for one in everything if SHORTEST_S <= one.seconds <= WINDOW_S)
    if not kept:
        raise UserError(f"{folder} holds no utterance of {SHORTEST_S:g} to {WINDOW_S:g} s")
    return Spoken(
        utterances=kept,
        too_short=sum(one.seconds < SHORTEST_S for one in everything),
        too_long=sum(one.seconds > WINDOW_S for one in everything),
    )


def alone(utterances: Sequence[Utterance]) -> tuple[Clip, ...]:
    """Each utterance by itself, at its natural length."""
    return tuple(one.alone() for one in utterances)


@dataclass(frozen=True)
class _Segment:
    """A part of a file."""

    id: str
    start_s: float
    end_s: float
    text: str


def _segments(manifest: Path) -> dict[str, list[_Segment]]:
    """Those that a JSONL manifest lists, by the id of their row."""
    if manifest.suffix != ".jsonl":
        return {}
    found: dict[str, list[_Segment]] = {}
    for line in manifest.read_text(encoding="utf-8-sig").split("\n"):
        row = json.loads(line) if line.strip() else {}
        if isinstance(row, dict) and row.get("segments") and "id" in row:
            found[str(row["id"])] = [
                _Segment(str(part["id"]), part["start"], part["end"], part["text"])
                for part in row["segments"]
            ]
    return found


def _cut(whole: Utterance, segments: Sequence[_Segment]) -> Iterator[Utterance]:
    """The utterances that were joined to a whole one, with what lies between them."""
    before = None
    for segment in segments:
        start, end = (round(s * SAMPLE_RATE) for s in (segment.start_s, segment.end_s))
        text = clean_transcript(segment.text)
        if text is not None:
            yield Utterance(
                id=segment.id,
                sound=whole.sound.part(start, end),
                text=text,
                recording=whole.recording or whole.id,
                speaker=whole.speaker,
                start_s=segment.start_s,
                pause=None if before is None else whole.sound.part(before, start),
            )
        before = end
