"""Every utterance by itself, and a very long one among short ones."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runner.clips import load_clips, prepare, prepare_utterances
from runner.clips.folder import read_folder
from runner.config import Data
from runner.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data(folder, tmp_path) -> Data:
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    for number, row in enumerate(rows):
        row |= {"speaker": f"voice {number % 2}", "recording": f"tape {number // 3}"}
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return Data(source="folder", path=str(folder), cache=str(tmp_path / "cache"))


def test_each_utterance_is_a_clip_of_its_own_length(data):
    found = prepare_utterances(data, seed=1, limit=None)
    assert (found.kind, found.utterances, found.omitted.too_long) == ("utterances", 6, 0)
    assert [clip.id for clip in found.clips] == [f"a{n}" for n in range(6)]
    assert [clip.seconds for clip in found.clips] == [1 + n / 2 for n in range(6)]
    assert [clip.speech_seconds for clip in found.clips] == [1 + n / 2 for n in range(6)]
    assert found.audio_seconds == 3.5
    assert found.clips[4].reference == "Word number 4."
    assert found.clips[4].utterance_ids == ("a4",)
    assert (found.clips[4].speaker, found.clips[4].recording) == ("voice 0", "tape 1")
    assert {clip.origin for clip in found.clips} == {"utterance"}
    for clip, utterance in zip(found.clips, read_folder(Path(data.path)).utterances, strict=True):
        assert np.array_equal(clip.audio, utterance.audio)
    assert load_clips(found.path).fingerprint == found.fingerprint


def test_a_limit_takes_by_the_seed_and_keeps_the_order(data):
    taken = {
        tuple(clip.id for clip in prepare_utterances(data, seed=seed, limit=3).clips)
        for seed in range(12)
    }
    assert len(taken) > 4
    assert all(list(ids) == sorted(ids) and len(ids) == 3 for ids in taken)
    # Pinned: other utterances on any machine or version would make results incomparable.
    assert [clip.id for clip in prepare_utterances(data, seed=42, limit=2).clips] == PINNED
    # Those of a smaller limit are among those of a larger one.
    four = {clip.id for clip in prepare_utterances(data, seed=42, limit=4).clips}
    assert set(PINNED) < four
    for limit in (None, 6, 100):
        assert prepare_utterances(data, seed=42, limit=limit).utterances == 6


PINNED = ["a2", "a5"]


def test_clips_and_utterances_are_made_of_one_reading(data):
    told: list[str] = []

    def progress(what: str, share: float) -> None:
        told.append(what)

    packed = data.model_copy(update={"clips": "packed"})
    kinds = [
        prepare(data, audio_seconds=4.0, seed=1, progress=progress).kind,
        prepare(packed, audio_seconds=4.0, seed=1, progress=progress).kind,
        prepare_utterances(packed, seed=1, limit=None, progress=progress).kind,
    ]
    assert kinds == ["continuous", "packed", "utterances"]
    assert told.count("reading speech") == 6
    origins = {clip.origin for clip in prepare(packed, audio_seconds=4.0, seed=1).clips}
    assert origins == {"any", "utterance"}


def test_who_speaks_changes_the_clips_and_their_entry(data):
    before = prepare(data, audio_seconds=6.0, seed=1)
    manifest = Path(data.path) / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace("voice 1", "voice 0 "))
    after = prepare(data, audio_seconds=6.0, seed=1)
    assert before.path != after.path
    assert before.fingerprint != after.fingerprint
    assert {clip.speaker for clip in after.clips} == {"voice 0"}


HOUR = """
import resource, sys
from runner.clips import prepare, prepare_utterances
from runner.config import Data
data = Data(source="folder", path=sys.argv[1], cache=sys.argv[2])
found = prepare_utterances(data, seed=1, limit=None)
print(found.utterances, max(clip.seconds for clip in found.clips), found.audio_seconds)
clips = prepare(data, audio_seconds=5.0, seed=1)
print(clips.utterances, clips.omitted.too_long)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_an_hour_beside_short_utterances_costs_its_own_memory(folder, tmp_path):
    rows = (folder / "manifest.jsonl").read_text()
    for number in range(60):
        (folder / f"b{number}.flac").write_bytes((folder / "a0.flac").read_bytes())
        rows += json.dumps({"file": f"b{number}.flac", "text": "again"}) + "\n"
    soundfile.write(folder / "hour.flac", np.tile(np.int16([-9, 9]), 1800 * 16_000), 16_000)
    rows += json.dumps({"file": "hour.flac", "text": "nothing at all"}) + "\n"
    (folder / "manifest.jsonl").write_text(rows)
    done = subprocess.run(
        [sys.executable, "-c", HOUR, str(folder), str(tmp_path / "cache")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    utterances, clips, megabytes = done.stdout.splitlines()
    assert utterances == "67 3600.0 3600.0"
    assert clips == "66 1"
    # As rows of one length, 16-bit samples alone would be 7.7 GB; decoding the hour takes 1.1 GB.
    assert int(megabytes) < 1_800
    entries = sum(path.stat().st_size for path in (tmp_path / "cache" / "clips").iterdir())
    assert entries < 130e6


def test_segments_are_scored_one_by_one(tmp_path, noise):
    soundfile.write(tmp_path / "talk.flac", noise(160_000, 1), 16_000)
    rows = [
        {"file": "talk.flac", "text": f"said {n}", "offset": 2 * n, "duration": 1.5, "id": f"s{n}"}
        for n in range(5)
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    data = Data(source="folder", path=str(tmp_path), cache=str(tmp_path / "cache"))
    found = prepare_utterances(data, seed=1, limit=None)
    assert [(c.id, c.seconds, c.recording) for c in found.clips] == [
        (f"s{n}", 1.5, "talk.flac") for n in range(5)
    ]
    clips = prepare(data, audio_seconds=10.0, seed=1)
    (clip,) = clips.clips
    assert (clip.origin, clip.speech_seconds) == ("recording", 9.5)
    assert np.array_equal(clip.audio[:152_000], noise(160_000, 1)[:152_000])


def test_nothing_that_fits_is_one_line(data):
    with pytest.raises(UserError, match=r"no utterance fits into clips of 0\.5 s"):
        prepare(data, audio_seconds=0.5, seed=1)


def test_recordings_too_long_for_an_error_rate_are_left_out_and_counted(data):
    found = prepare_utterances(data, seed=1, limit=None, longest_s=2.5)
    assert [clip.seconds for clip in found.clips] == [1.0, 1.5, 2.0, 2.5]
    assert (found.omitted.too_long, found.utterances) == (2, 4)
    assert prepare_utterances(data, seed=1, limit=None).omitted.too_long == 0
    assert prepare_utterances(data, seed=1, limit=2, longest_s=2.5).utterances == 2
    with pytest.raises(UserError, match=r"raise limits\.quality_longest_seconds"):
        prepare_utterances(data, seed=1, limit=None, longest_s=0.9)
