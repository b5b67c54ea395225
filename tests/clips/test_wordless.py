"""Rows in which nobody says a word."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runner.clips.text import clean_transcript, says_no_word
from runner.clips.wordless import prepare_wordless
from runner.config import Data


@pytest.mark.parametrize(
    "text",
    [
        "<noise>",
        "[Music]",
        "(laughter) <SIL>",
        "{breath}",
        "*cough*.",
        "[background noise]",
        "<MUSIC>",
    ],
)
def test_sounds_alone_are_no_word(text: str) -> None:
    assert says_no_word(text)
    assert clean_transcript(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("<unk>", "[inaudible]", "(unintelligible)", "ignore_time_segment_in_scoring", "..."),
        *(
            "<OTHER>",
            "[noise] yes",
            "[crosstalk] [noise]",
            "(he laughs at it)",
            "inter_segment_gap",
        ),
    ],
)
def test_where_somebody_may_speak_nothing_is_called_invented(text: str) -> None:
    assert not says_no_word(text)


def written(folder: Path, rows: list[dict[str, object]]) -> Data:
    draw = np.random.default_rng(1)
    for number, row in enumerate(rows):
        name = str(row.setdefault("file", f"{number}.flac"))
        if not (folder / name).exists():
            soundfile.write(folder / name, draw.normal(0, 0.05, 32_000), 16_000)
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return Data(source="folder", path=str(folder), cache=str(folder / "cache"))


def test_they_are_read_with_their_speakers_and_an_empty_reference(tmp_path: Path) -> None:
    data = written(
        tmp_path,
        [
            {"text": "words", "id": "said"},
            {"text": "[noise]", "id": "door", "speaker": "s1"},
            {"text": "<unk>", "id": "mumbled"},
            {"text": "<MUSIC>", "id": "song"},
        ],
    )
    found = prepare_wordless(data, seed=1, longest_s=60)
    assert found is not None
    assert [(one.id, one.reference, one.speaker) for one in found.clips] == [
        ("door", "", "s1"),
        ("song", "", None),
    ]
    audio, _ = soundfile.read(tmp_path / "1.flac", dtype="float32")
    assert np.array_equal(found.clips[0].audio, audio)
    again = prepare_wordless(data, seed=1, longest_s=60)
    assert again is not None and again.fingerprint == found.fingerprint


def test_segments_are_cut_and_what_is_long_silent_or_damaged_is_left_out(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "still.flac", np.zeros(16_000), 16_000)
    (tmp_path / "broken.flac").write_bytes(b"no audio at all")
    data = written(
        tmp_path,
        [
            {"file": "tape.flac", "text": "words", "offset": 0.0, "duration": 0.5},
            {"file": "tape.flac", "text": "[noise]", "offset": 0.5, "duration": 0.75},
            {"text": "[music]", "id": "long"},
            {"file": "still.flac", "text": "[silence]"},
            {"file": "broken.flac", "text": "[noise]"},
        ],
    )
    found = prepare_wordless(data, seed=1, longest_s=1)
    assert found is not None
    (one,) = found.clips
    assert one.seconds == 0.75
    tape, _ = soundfile.read(tmp_path / "tape.flac", dtype="float32")
    assert np.array_equal(one.audio, tape[8_000:20_000])


def test_there_are_none(tmp_path: Path) -> None:
    assert prepare_wordless(written(tmp_path, [{"text": "words"}]), seed=1, longest_s=60) is None
    assert prepare_wordless(Data(), seed=1, longest_s=60) is None
