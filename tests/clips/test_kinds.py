"""Rows that say which audio they mean: parts, channels, ids, markers, damaged lines."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runner.clips.clip import SAMPLE_RATE
from runner.clips.folder import read_folder
from runner.clips.text import clean_transcript
from runner.errors import UserError


@pytest.fixture
def call(tmp_path, noise):
    """A folder with a call of two channels, 6 s; the function writes a manifest and reads it."""
    channels = np.stack([noise(6 * SAMPLE_RATE, 1), noise(6 * SAMPLE_RATE, 2)], axis=1)
    soundfile.write(tmp_path / "call.flac", channels, SAMPLE_RATE)
    for number in range(3):
        soundfile.write(tmp_path / f"{number}.flac", noise(16_000, number), SAMPLE_RATE)

    def read(*rows, limit=None, name="manifest.jsonl"):
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        return read_folder(tmp_path, limit)

    read.channels = channels
    read.folder = tmp_path
    return read


def refusal(read, *rows, **options) -> str:
    with pytest.raises(UserError) as caught:
        read(*rows, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("first", [0, "0", [0], 0.0])
@pytest.mark.parametrize("key", ["channel", "channel_id"])
def test_a_channel_is_picked(call, key, first):
    rows = [{"file": "call.flac", key: which, "text": "said"} for which in (first, 1)]
    one, two = call(*rows).utterances
    assert np.array_equal(one.audio, call.channels[:, 0])
    assert np.array_equal(two.audio, call.channels[:, 1])
    assert (one.id, two.id) == ("call:0", "call:1")


def test_a_part_of_a_channel_is_cut(call):
    rows = [
        {"file": "call.flac", "channel": 1, "start": 1.5, "end": 3.0, "text": "a"},
        {"file": "call.flac", "channel": 0, "start": 1.5, "end": 3.0, "text": "b"},
        {"file": "call.flac", "channel": 1, "start": 3.5, "end": 4.0, "text": "c"},
    ]
    found = call(*rows).utterances
    assert np.array_equal(found[0].audio, call.channels[24_000:48_000, 1])
    assert np.array_equal(found[1].audio, call.channels[24_000:48_000, 0])
    assert np.array_equal(found[2].pause.waveform(), call.channels[48_000:56_000, 1])
    assert [u.id for u in found] == ["call:1@1.500", "call:0@1.500", "call:1@3.500"]


@pytest.mark.parametrize("start", ["offset", "start", "begin", "begin_time", "segment_start"])
@pytest.mark.parametrize("end", ["end", "end_time", "stop", "segment_end"])
def test_every_name_of_a_start_and_an_end(call, start, end):
    (found,) = call({"file": "call.flac", start: 2, end: 2.5, "text": "said"}).utterances
    assert np.array_equal(found.audio[:2], call.channels[32_000:32_002].mean(axis=1))
    assert found.seconds == 0.5


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"channel": 2}, "has 2 channels, counted from 0: there is no channel 2"),
        ({"channel": "left"}, '"channel" must be the number of one channel'),
        ({"channel": [0, 1]}, '"channel" must be the number of one channel'),
        ({"channel": -1}, '"channel" must be the number of one channel'),
        ({"end": 2}, "has an end, 2 s, and no start"),
        ({"start_ms": 100}, '"start_ms" means a part of the file in a unit that is not known'),
        ({"segment_start_sample": 16000}, "in a unit that is not known"),
        ({"end_frame": 3}, "in a unit that is not known"),
        ({"duration": "0:00:06"}, '"duration" must be a number of seconds'),
        ({"duration": "4,755"}, '"duration" must be a number of seconds'),
        ({"seconds": "six"}, '"seconds" must be a number of seconds'),
        ({"duration": True}, '"duration" must be a number of seconds'),
    ],
)
def test_what_cannot_be_told_is_refused(call, row, words):
    message = refusal(call, {"file": "call.flac", "text": "said"} | row)
    assert words in message
    assert "manifest.jsonl line 1" in message


@pytest.mark.parametrize(
    "again",
    [
        {"file": "0.flac", "text": "other"},
        {"id": "b", "file": "./0.flac", "text": "other"},
        {"file": "0.flac", "text": "other", "channel": 0},
    ],
)
def test_one_file_has_one_text(call, again):
    message = refusal(call, {"id": "a", "file": "0.flac", "text": "said"}, again)
    assert "line 1" in message
    assert "line 2" in message
    assert '"channel"' in message


def test_ids_that_several_rows_have_give_way_to_the_path(call):
    rows = ["id,file_name,transcription", "1904,0.flac,said", "1904,1.flac,said", "7,2.flac,so"]
    assert [u.id for u in call(*rows, name="metadata.csv").utterances] == [
        "0.flac",
        "1.flac",
        "7",
    ]


def test_files_of_one_stem_are_different(call):
    for name in ("utt.1", "utt.2", "call.wav"):
        soundfile.write(call.folder / name, call.channels[:16_000], SAMPLE_RATE, format="WAV")
    rows = [{"file": name, "text": "said"} for name in ("utt.1", "utt.2", "call.wav", "call.flac")]
    names = [u.id for u in call(*rows).utterances]
    assert names == ["utt.1", "utt.2", "call.wav", "call.flac"]


def test_only_the_files_that_are_taken_are_looked_for(call):
    rows = [{"file": f"{name}.flac", "text": "said"} for name in (0, "gone", 1)]
    assert [u.id for u in call(*rows, limit=1).utterances] == ["0"]
    speech = call(*rows, limit=2)
    assert [u.id for u in speech.utterances] == ["0"]
    assert [text.partition(": ")[2][:26] for text in speech.unreadable] == [
        "there is no file gone.flac"
    ]
    assert "there is no file gone.flac" in refusal(call, rows[1], limit=2)
    # Nor what is behind a row without words.
    tag = {"file": "gone.flac", "text": "[noise]"}
    assert len(call(rows[0], tag, rows[2], limit=2).utterances) == 2


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        (["a.flac,one", "a.flac,two", "a.flac,three", 'a.flac,"yes" he said'], "line 5"),
        (["a.flac,one", 'a.flac,"never closed', "a.flac,three", "a.flac,four"], "line 3"),
        (["", 'a.flac,"two\nlines"', "a.flac"], "line 5"),
        (['a.flac,"two\nlines" and more', "a.flac,x"], "line 2"),
    ],
)
def test_a_mistake_in_csv_is_where_its_row_begins(call, lines, where):
    message = refusal(call, "file_name,transcription", *lines, name="metadata.csv")
    assert f"metadata.csv {where} " in message


@pytest.mark.parametrize(
    "text",
    [
        "ignore_time_segment_in_scoring",
        "IGNORE_TIME_SEGMENT_IN_SCORING",
        "<o,f0,male> ignore_time_segment_in_scoring",
        "<unk>",
        "[noise] [laughter]",
        "{breath}",
        "(laughter)",
        "(loud music)",
        "*cough*",
        "<unk> …",
        "inter_segment_gap",
    ],
)
def test_markers_of_what_is_not_scored(text):
    assert clean_transcript(text) is None


@pytest.mark.parametrize(
    "text", ["hello [noise]", "<unk> you", "(no)", "we (laughter) did", "2 < 3"]
)
def test_words_beside_a_tag_are_words(text):
    assert clean_transcript(text) == text


def test_relative_paths_say_where_they_were_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"no folder d in {tmp_path}, where asrprof was started"):
        read_folder(Path("d"))


FILES = ("0.flac", "1.flac", "2.flac", "call.flac")
KEYS = {
    "file": (*FILES, *FILES, "gone.flac", "../x.flac", "", None, 3, {"path": "0.flac"}, "0\0.flac"),
    "text": ("one", "two words", "<unk>", "[noise] ", "", None, 7, "\ud800", "ignore_me", "हैं"),
    "id": ("a", "b", 1, 1.5, True, "", None, ["a"]),
    "start": (0, 0.2, "0.25", -1, "0:01", None, "", 1e9, "nan", [1], True),
    "end": (0.5, 1, "0.9", 0, -3, "later", None),
    "duration": (1.0, 0.4, "1", "0:00:55", "4,755", None, float("inf"), 55),
    "channel": (0, 1, "0", "left", -1, [0], [0, 1], None, "", 9),
    "start_ms": (0, 100, None),
    "speaker": ("ann", 3, "n/a", True, ["x"]),
    "sha256": ("0" * 64, None, 5),
}


def odd_line(random_: random.Random) -> str:
    row = {"file": random_.choice(FILES), "text": random_.choice(("one", "two words"))}
    for key in random_.sample(sorted(KEYS), random_.randint(0, 3)):
        row[key] = random_.choice(KEYS[key])
    line = json.dumps(row)
    damage = random_.random()
    if damage < 0.1:
        return line[: random_.randrange(len(line))]
    if damage < 0.15:
        place = random_.randrange(len(line))
        return line[:place] + random_.choice('"{}[],\x00é') + line[place + 1 :]
    return line


def test_any_manifest_is_read_right_or_refused_in_one_line(call):
    waves = {name: soundfile.read(call.folder / name, always_2d=True)[0] for name in FILES}
    read = 0
    for seed in range(300):
        random_ = random.Random(seed)
        lines = [odd_line(random_) for _ in range(random_.randint(1, 3))]
        try:
            speech = call(*lines, limit=random_.choice((None, 1)))
        except UserError as error:
            assert "\n" not in str(error)
            assert "manifest.jsonl" in str(error) or "no utterance with words" in str(error)
            continue
        left_out = {int(re.search(r" line (\d+)", text)[1]) for text in speech.unreadable}
        rows = [
            json.loads(line)
            for number, line in enumerate(lines, start=1)
            if line.strip() and number not in left_out
        ]
        rows = [row for row in rows if clean_transcript(row["text"]) is not None]
        for row, utterance in zip(rows, speech.utterances, strict=False):
            meant = meant_by(row, waves[row["file"]])
            assert len(utterance.audio) == len(meant), lines
            assert np.abs(utterance.audio - meant).max() <= 1 / 32768, lines
            assert utterance.text == " ".join(row["text"].split())
        read += 1
    # Enough of either kind, or the test would be of one alone.
    assert 40 < read < 260


def meant_by(row, samples):
    """The audio of a row that is in order, by rules written down a second time."""
    channel = row.get("channel")
    channel = channel[0] if isinstance(channel, list) else channel
    wave = samples.mean(axis=1) if channel in (None, "") else samples[:, int(channel)]
    start = row.get("start")
    if start in (None, ""):
        return wave
    length = row.get("duration")
    if length is None and row.get("end") is not None:
        length = float(row["end"]) - float(start)
    first = round(float(start) * SAMPLE_RATE)
    last = len(wave) if length is None else round((float(start) + float(length)) * SAMPLE_RATE)
    return wave[first : min(last, len(wave))]
