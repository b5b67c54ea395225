"""Lhotse: cuts, or recordings with supervisions, a JSON object a line, gzip or not.

Every supervision is an utterance, cut out of its recording. What is computed on the way (speed,
mixing, features) is not recorded speech, and a command whose output is the audio is never run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.clips.corpora.base import Asked, Format
from runner.clips.entry import Entry
from runner.clips.labels import labels, unicode_text
from runner.clips.manifest import Row, json_rows, read_index
from runner.clips.segment import LONGEST_S
from runner.errors import UserError

_ENDINGS = (".jsonl", ".jsonl.gz")
_WHOLE_S = 1e-3
"""By so little a part may differ from its recording and be all of it."""


def _indexes(path: Path) -> list[Path]:
    if path.is_file():
        if not path.name.endswith(_ENDINGS):
            return []
        if "recordings" in path.name:
            texts = path.with_name(path.name.replace("recordings", "supervisions"))
            return [path, texts] if texts.is_file() else []
        return [path] if _is_cuts(path) else []
    cuts = [file for file in _named(path, "cuts") if _is_cuts(file)]
    if cuts:
        return cuts
    pairs = (_indexes(file) for file in _named(path, "recordings"))
    return [file for pair in pairs for file in pair]


def _named(folder: Path, word: str) -> list[Path]:
    return sorted(file for end in _ENDINGS for file in folder.glob(f"*{word}*{end}"))


def _is_cuts(path: Path) -> bool:
    """Whether the first line is a cut; a manifest may be called so too."""
    try:
        _, first = next(json_rows(read_index(path), str(path)))
    except (StopIteration, UserError):
        return False
    return "supervisions" in first or str(first.get("type", "")).endswith("Cut")


def _entries(root: Path, indexes: Sequence[Path], asked: Asked) -> list[Entry]:
    del root
    if len(indexes) > (2 if "recordings" in indexes[0].name else 1):
        names = ", ".join(index.name for index in indexes)
        raise UserError(
            f"{indexes[0].parent} holds {names}; give the path of the one that is meant"
        )
    rows = [list(json_rows(read_index(index), str(index), asked.problem)) for index in indexes]
    parts = _supervisions(*rows) if len(rows) == 2 else _of_cuts(rows[0])
    found = []
    for where, cut, supervision in parts:
        try:
            found.append(_entry(where, cut, supervision))
        except UserError as error:
            asked.problem(error)
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            asked.problem(UserError(f"{where} is no cut of Lhotse ({error!r}); correct the line"))
    return found


_Part = tuple[str, Mapping[str, Any], Mapping[str, Any]]
"""What errors call it, a cut, and one of its supervisions."""


def _of_cuts(rows: Sequence[Row]) -> Iterator[_Part]:
    for where, cut in rows:
        supervisions = cut.get("supervisions")
        if isinstance(supervisions, list) and supervisions:
            yield from ((where, cut, one) for one in supervisions)
        else:
            yield where, cut, {"id": cut.get("id"), "start": 0, "duration": cut.get("duration")}


def _supervisions(recordings: Sequence[Row], supervisions: Sequence[Row]) -> Iterator[_Part]:
    by_id = {str(row.get("id")): row for _, row in recordings}
    for where, row in supervisions:
        name = str(row.get("recording_id"))
        yield where, {"recording": by_id.get(name, name), "start": 0}, row


def _entry(where: str, cut: Mapping[str, Any], supervision: Mapping[str, Any]) -> Entry:
    kind, recording = cut.get("type", "MonoCut"), cut.get("recording")
    if kind not in ("MonoCut", "MultiCut", "Cut"):
        raise UserError(f"{where} is a {kind}: no part of one recording; remove the line")
    if not isinstance(recording, Mapping):
        named = f" {recording}" if isinstance(recording, str) else ""
        raise UserError(f"{where} has no recording{named}; add it, or remove the line")
    if recording.get("transforms"):
        raise UserError(f"{where}: its recording is transformed; write it as audio of its own")
    file, channel = _file(where, recording, supervision.get("channel", cut.get("channel")))
    start_s = float(cut.get("start", 0)) + float(supervision["start"])
    seconds = float(supervision["duration"])
    whole_s = float(recording["duration"])
    if not (-_WHOLE_S <= start_s < LONGEST_S and 0 < seconds < LONGEST_S):
        raise UserError(f"{where}: it is from {start_s:g} s on and {seconds:g} s long; correct it")
    whole = abs(start_s) <= _WHOLE_S and abs(seconds - whole_s) <= _WHOLE_S
    name = unicode_text(str(supervision["id"]), "id", where)
    text = supervision.get("text") or ""
    if not isinstance(text, str):
        raise UserError(f'{where}: "text" must be text; correct the line')
    known = labels(supervision, (name, file), where)
    return Entry(
        where=where,
        id=name,
        file=file,
        text=unicode_text(text, "text", where),
        seconds=seconds,
        offset_s=None if whole else max(start_s, 0.0),
        channel=channel,
        start_s=None if whole else max(start_s, 0.0),
        # A recording of one utterance is its file.
        recording=labels({}, (name, file), where).recording if whole else str(recording["id"]),
        speaker=known.speaker,
        language=known.language,
    )


def _file(where: str, recording: Mapping[str, Any], channel: object) -> tuple[str, int | None]:
    """The file of a recording's channel and its number in there, None where all are meant."""
    if isinstance(channel, list) and len(channel) == 1:
        (channel,) = channel  # one of several channels, as a MultiCut writes it
    sources = recording["sources"]
    every = sorted(number for source in sources for number in source["channels"])
    if channel is None or (isinstance(channel, list) and sorted(channel) == every):
        wanted = sources if len(sources) == 1 else []
        index = None
    else:
        wanted = [source for source in sources if channel in source["channels"]]
        index = wanted[0]["channels"].index(channel) if wanted and len(every) > 1 else None
        if wanted and len(wanted[0]["channels"]) == 1:
            index = None  # its file holds nothing else
    if len(wanted) != 1:
        raise UserError(
            f"{where}: channel {channel} of recording {recording['id']} is in no one file; name "
            "one of its channels"
        )
    kind, file = wanted[0]["type"], wanted[0]["source"]
    if kind == "command":
        raise UserError(
            f"{where}: {recording['id']} is the output of a command, and none is run; write the "
            "audio into a file, and its path into the recording"
        )
    if kind != "file" or not isinstance(file, str):
        raise UserError(f"{where}: {recording['id']} is of type {kind}; save it as a file")
    return unicode_text(file, "source", where), index


LHOTSE = Format(
    "lhotse", "*cuts*.jsonl or *recordings*.jsonl with *supervisions*.jsonl", _indexes, _entries
)
