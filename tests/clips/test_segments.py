"""Rows of a manifest that are segments of a longer file."""

import hashlib
import json
from unittest.mock import patch

import numpy as np
import pytest
import soundfile

from runner.clips import reading
from runner.clips.clip import SAMPLE_RATE
from runner.clips.folder import read_folder
from runner.errors import UserError

TALK_S = 20


@pytest.fixture
def talk(tmp_path, noise):
    """A folder with one recording of 20 s; the function writes its manifest and reads it."""
    audio = noise(TALK_S * SAMPLE_RATE, 7)
    soundfile.write(tmp_path / "talk.flac", audio, SAMPLE_RATE)

    def read(*rows, limit=None):
        lines = [json.dumps({"file": "talk.flac", "text": "said"} | row) for row in rows]
        (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
        return read_folder(tmp_path, limit).utterances

    read.audio = audio
    read.folder = tmp_path
    return read


def samples(first: float, last: float) -> slice:
    return slice(round(first * SAMPLE_RATE), round(last * SAMPLE_RATE))


def test_segments_are_cut_at_exact_samples(talk):
    one, two, three = talk(
        {"offset": 0.5, "duration": 2.25, "text": "one"},
        {"start": 3.7501, "end": 5.0, "text": "two"},
        {"begin_time": "8", "end_time": "9.5", "text": "three", "speaker": "eve"},
    )
    assert np.array_equal(one.audio, talk.audio[samples(0.5, 2.75)])
    assert np.array_equal(two.audio, talk.audio[60_002:80_000])
    assert np.array_equal(three.audio, talk.audio[samples(8, 9.5)])
    assert [u.text for u in (one, two, three)] == ["one", "two", "three"]
    assert [u.start_s for u in (one, two, three)] == [0.5, 3.7501, 8.0]
    assert [u.recording for u in (one, two, three)] == ["talk.flac"] * 3
    assert [u.speaker for u in (one, two, three)] == [None, None, "eve"]
    assert [u.id for u in (one, two, three)] == ["talk@0.500", "talk@3.750", "talk@8.000"]


def test_the_pause_is_the_true_audio_between_two_segments(talk):
    first, near, far, touching, overlapping, inside_gap = talk(
        {"offset": 0, "duration": 2},
        {"offset": 4, "duration": 1},  # 2.0 s later: the longest pause
        {"offset": 7.001, "duration": 1},  # 2.001 s later
        {"offset": 8.001, "duration": 3},
        {"offset": 9, "duration": 1},
        {"offset": 10.5, "duration": 2},  # after the one before it, inside the one before that
    )
    assert first.pause is None
    assert np.array_equal(near.pause.waveform(), talk.audio[samples(2, 4)])
    assert far.pause is None
    assert len(touching.pause) == 0
    assert overlapping.pause is None
    assert inside_gap.pause is None


def test_a_pause_needs_the_same_recording_and_no_other_speech(talk):
    rows = [
        {"offset": 6, "duration": 1, "recording": "b"},
        {"offset": 0, "duration": 1, "recording": "a"},
        {"offset": 2.5, "duration": 1, "recording": "a"},
        {"offset": 4, "duration": 1, "recording": "b"},
    ]
    b2, a1, a2, b1 = talk(*rows)
    assert (a1.pause, b1.pause) == (None, None)
    assert np.array_equal(a2.pause.waveform(), talk.audio[samples(1, 2.5)])
    assert np.array_equal(b2.pause.waveform(), talk.audio[samples(5, 6)])
    # The third row is not taken, and what it says is not in the pause of the one after it.
    rows = [{"offset": start, "duration": 0.5} for start in (0, 1.5, 0.8)]
    assert [u.pause for u in talk(*rows, limit=2)] == [None, None]
    music = {"offset": 0.8, "duration": 0.5, "text": "<MUSIC>"}
    assert [u.pause for u in talk(*rows[:2], music)] == [None, None]


def test_a_file_is_decoded_once_wherever_its_rows_stand(talk, noise):
    soundfile.write(talk.folder / "other.flac", noise(32_000, 1), SAMPLE_RATE)
    rows = [{"offset": n, "duration": 1} for n in range(5)]
    rows.insert(2, {"file": "other.flac"})
    rows[4]["file"] = "./talk.flac"
    with patch.object(reading, "read_audio", wraps=reading.read_audio) as decode:
        found = talk(*rows)
    assert decode.call_count == 2
    assert [u.id for u in found] == [
        "talk",
        "talk@1.000",
        "other",
        "talk@2.000",
        "talk@3.000",
        "talk@4.000",
    ]
    assert np.array_equal(found[5].audio, talk.audio[samples(4, 5)])
    # Nothing keeps the whole file in memory.
    assert all(u.audio.base is None for u in found)


def test_a_lone_segment_may_reach_to_the_end(talk):
    (rest,) = talk({"offset": 18.5})
    assert np.array_equal(rest.audio, talk.audio[samples(18.5, TALK_S)])
    assert (rest.recording, rest.start_s) == (None, 18.5)
    # A start of 0 that is given makes a segment; one that is not leaves the check as it was.
    (head,) = talk({"offset": 0, "duration": 3})
    assert head.seconds == 3.0
    with pytest.raises(UserError, match=r"is 20\.00 s long but the line says 3\.00 s"):
        talk({"duration": 3})
    for nothing in (None, "", " "):
        (whole,) = talk({"offset": nothing, "duration": 20})
        assert (whole.seconds, whole.start_s) == (20.0, None)


def test_an_end_a_little_behind_the_files_is_the_files(talk):
    (rest,) = talk({"offset": 19, "duration": 1.5})
    assert np.array_equal(rest.audio, talk.audio[samples(19, 20)])
    with pytest.raises(UserError, match=r"segment is from 19\.00 to 20\.51 s"):
        talk({"offset": 19, "duration": 1.51})


def test_a_start_in_the_recording_cuts_nothing(talk):
    (whole,) = talk({"start_s": 100.5, "recording": "long"})
    assert (whole.seconds, whole.start_s, whole.recording) == (20.0, 100.5, "long")
    (part,) = talk({"start_s": 101.5, "offset": 1, "duration": 2})
    assert (part.seconds, part.start_s) == (2.0, 101.5)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"offset": -1, "duration": 1}, '"offset" must be a number of seconds, 0 or more'),
        ({"offset": "nan", "duration": 1}, '"offset" must be a number of seconds'),
        ({"offset": 10**400, "duration": 1}, '"offset" must be a number of seconds'),
        ({"offset": "soon", "duration": 1}, '"offset" must be a number of seconds'),
        ({"start": True, "duration": 1}, '"start" must be a number of seconds'),
        ({"start": [1], "duration": 1}, '"start" must be a number of seconds'),
        ({"offset": 1, "duration": "inf"}, '"duration" must be a number of seconds'),
        ({"offset": 1, "duration": 0}, "its segment is 0 s long"),
        ({"offset": 1, "end": 0.5}, "its segment is -0.5 s long"),
        ({"offset": 1, "duration": 2, "end": 5}, "1 s and 2 s more do not end at 5 s"),
        ({"offset": 1, "duration": 0.05}, "holds less than 0.1 s of audio"),
        ({"offset": 19.95, "duration": 0.5}, "holds less than 0.1 s of audio"),
        ({"offset": 20, "duration": 0.2}, 'call the start "start_s" where the file holds'),
        ({"offset": 159, "end": 163}, "is 20.00 s long but its segment is from 159.00 to 163.00"),
        ({"offset": 1}, 'add "duration" or "end"'),
        ({"start_s": -2}, '"start_s" must be a number of seconds'),
        ({"offset": 1, "duration": 1, "recording": ["x"]}, '"recording" must be text or a number'),
        ({"offset": 1, "duration": 1, "sha256": "0" * 64}, "does not match the sha256"),
        ({"offset": 5, "duration": 1}, "means the same audio as"),
        ({"start": 7, "end": 8, "channel": 0}, "one is of a channel of talk.flac"),
        ({"end": 3}, "has an end, 3 s, and no start"),
        ({"start_ms": 5000, "end_ms": 6000}, '"start_ms" means a part of the file in a unit'),
        ({"frame_offset": 80000}, '"frame_offset" means a part of the file in a unit'),
        ({"offset": 5, "duration": 2, "channel": "left"}, '"channel" must be the number'),
        ({"offset": 6, "end": "0:00:07"}, '"end" must be a number of seconds'),
    ],
)
def test_a_wrong_segment_is_one_line(talk, row, words):
    with pytest.raises(UserError) as caught:
        talk({"offset": 5, "duration": 1}, row)
    assert "manifest.jsonl line 2" in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_hash_of_a_segment_is_its_files(talk):
    sha256 = hashlib.sha256((talk.folder / "talk.flac").read_bytes()).hexdigest()
    rows = [{"offset": n, "duration": 1, "sha256": sha256} for n in range(3)]
    assert len(talk(*rows)) == 3


def test_segments_of_another_rate_are_of_the_resampled_file(tmp_path, noise):
    soundfile.write(tmp_path / "a.wav", noise(44_100 * 4, 3), 44_100)
    rows = ["audio_filepath,text,offset,duration,speaker_id,id", "a.wav,one,1.5,1.25,anonymous,x"]
    (tmp_path / "metadata.csv").write_text("\n".join([*rows, "a.wav,two,,,3,y"]))
    part, whole = read_folder(tmp_path).utterances
    assert np.array_equal(part.audio, whole.audio[24_000:44_000])
    assert (part.speaker, whole.speaker) == (None, "3")
    assert (part.start_s, whole.start_s) == (1.5, None)
