"""`asrprof data`: what a folder of speech holds."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.cells import cell_len

from tests.cli.conftest import Ran

Run = Callable[..., Ran]

SPEECH = Path(str(files("runner.clips"))) / "speech"


def sound(path: Path, seconds: float, rate: int = 16_000, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).normal(0, 0.1, (round(seconds * rate), channels))
    soundfile.write(path, samples, rate)


def manifest(folder: Path, *rows: dict[str, object]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Four usable utterances, of 1, 4, 12 and 40 s, one row without words and four bad ones."""
    folder = tmp_path / "speech"
    sound(folder / "1.wav", 1.0)
    sound(folder / "4.flac", 4.0, 8_000)
    sound(folder / "12.wav", 12.0, 44_100, 2)
    sound(folder / "40.wav", 41.0)
    (folder / "bad.wav").write_bytes(b"no audio")
    return manifest(
        folder,
        {"file": "1.wav", "text": "one word", "speaker": "a", "language": "de"},
        {"file": "4.flac", "text": "two", "speaker": "a", "language": "de"},
        {"file": "12.wav", "text": "three", "speaker": "b", "language": "fr", "channel": 1},
        {"file": "40.wav", "text": "four", "start": 0.5, "end": 40.5, "recording": "r"},
        {"file": "none.wav", "text": "five"},
        {"file": "1.wav", "text": "six"},
        {"file": "bad.wav", "text": "seven"},
        {"file": "8.wav"},
        {"file": "9.wav", "text": "<unk>"},
    )


def test_everything_that_a_folder_holds_is_counted(asrprof: Run, mixed: Path) -> None:
    ran = asrprof("data", str(mixed), "--json", "--seconds", "4", "--seconds", "12.5")
    assert (ran.code, ran.err) == (1, "")
    found = json.loads(ran.out)
    assert (found["format"], found["rows"], found["utterances"]) == ("manifest", 9, 6)
    assert found["words"] == 7
    assert found["seconds"] == pytest.approx(57.0)
    assert (found["speakers"], found["no_speaker"]) == (2, 3)
    assert (found["recordings"], found["no_recording"]) == (1, 5)
    assert found["languages"] == {"de": 2, "fr": 1}
    assert found["audio"] == [
        {"rate_hz": 8_000, "channels": 1, "files": 1},
        {"rate_hz": 16_000, "channels": 1, "files": 2},
        {"rate_hz": 44_100, "channels": 2, "files": 1},
    ]
    counts = {row["from_s"]: row["utterances"] for row in found["lengths"] if row["utterances"]}
    assert counts == {1: 1, 3: 1, 10: 1, 30: 1}
    four, twelve = found["clips"]
    assert (four["utterances"], four["utterances_share"]) == (2, 0.5)
    assert four["speech_share"] == pytest.approx(5 / 57)
    assert twelve["speech_share"] == pytest.approx(17 / 57)
    assert found["skipped_rows"] == 1
    assert found["skipped"][0].endswith("line 9: <unk>")
    for line, words in ((8, "has no transcript"), (7, "decoded"), (5, "there is no file")):
        assert any(f"line {line}" in text and words in text for text in found["left_out"])
    assert len(found["left_out"]) == 3
    [problem] = found["problems"]
    assert "line 6 means the same audio as" in problem
    assert found["untold"] == {"count": 0, "names": []}


def test_a_person_sees_it_at_80_columns(asrprof: Run, mixed: Path) -> None:
    ran = asrprof("data", str(mixed))
    assert ran.code == 1
    for words in (
        "found       manifest in",
        "6 of 9 rows, 7 words",
        "57.0 s; from 1.00 to 40.00 s, median 8.00 s",
        "2; of 3 utterances not known",
        "de 2, fr 1",
        "16 kHz mono 2, 8 kHz mono 1, 44.1 kHz stereo 1",
        "30 to 60 s",
        "skipped, nothing to score: 1",
        "left out by a run: 3",
        "problems: 1",
        "a run would end at the first problem",
        "--check decodes all audio",
    ):
        assert words in ran.out
    lines = [line for line in ran.out.splitlines() if "line " not in line]
    assert max(map(cell_len, lines)) <= 80


def test_clips_that_hold_nearly_all_do_not_hold_all(asrprof: Run, tmp_path: Path) -> None:
    rows = []
    for number in range(300):
        sound(tmp_path / "s" / f"{number}.wav", 6.0 if number == 0 else 0.2)
        rows.append({"file": f"{number}.wav", "text": "word"})
    out = asrprof("data", str(manifest(tmp_path / "s", *rows))).out
    (five,) = (line.split() for line in out.splitlines() if line.strip().startswith("5 s "))
    assert five == ["5", "s", ">99", "%", "91", "%"]
    (ten,) = (line.split() for line in out.splitlines() if line.strip().startswith("10 s "))
    assert ten == ["10", "s", "100", "%", "100", "%"]


def test_the_built_in_speech_is_a_presets_data(asrprof: Run) -> None:
    rows = (SPEECH / "manifest.jsonl").read_text().splitlines()
    ran = asrprof("data", "--config", "demo", "--json", "--check")
    found = json.loads(ran.out)
    assert ran.code == 0
    assert (found["format"], found["utterances"]) == ("builtin", len(rows))
    expected = sum(soundfile.info(SPEECH / json.loads(row)["file"]).duration for row in rows)
    assert math.isclose(found["seconds"], expected, abs_tol=0.1)
    ran = asrprof("data", "--config", "demo", "--json", "--set", "data.utterances=5")
    assert json.loads(ran.out)["not_taken"] == len(rows) - 5


def test_a_config_has_its_own_lengths(asrprof: Run, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    data = {"source": "folder", "path": str(SPEECH), "language": "en"}
    path.write_text(
        json.dumps({"name": "b", "models": ["pocketsphinx"], "audio_seconds": [7.5], "data": data})
    )
    ran = asrprof("data", "--config", str(path), "--json")
    found = json.loads(ran.out)
    assert [row["seconds"] for row in found["clips"]] == [5, 7.5, 10, 15, 30, 60]
    assert found["language"] == "en"


def test_what_headers_do_not_show_is_found_by_decoding(asrprof: Run, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    sound(folder / "good.flac", 1.0)
    sound(folder / "cut.flac", 3.0)
    data = (folder / "cut.flac").read_bytes()
    (folder / "cut.flac").write_bytes(data[: len(data) // 2])
    soundfile.write(folder / "silent.wav", np.zeros(16_000), 16_000)
    shutil.copy(folder / "good.flac", folder / "other.flac")
    manifest(
        folder,
        {"file": "good.flac", "text": "one"},
        {"file": "cut.flac", "text": "two"},
        {"file": "silent.wav", "text": "three"},
        {"file": "other.flac", "text": "four", "sha256": "0" * 64},
    )
    assert asrprof("data", str(folder), "--json").code == 0
    ran = asrprof("data", str(folder), "--json", "--check")
    found = json.loads(ran.out)
    assert ran.code == 1
    for words in ("line 2: cut.flac cannot be decoded", "silent.wav is digital silence"):
        assert any(words in text for text in found["left_out"])
    assert len(found["left_out"]) == 2
    [problem] = found["problems"]
    assert "sha256" in problem


def test_audio_without_a_text_is_counted_and_named(asrprof: Run, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    for number in range(9):
        sound(folder / "in" / f"{number}.wav", 1.0)
    for number in range(2):
        (folder / "in" / f"{number}.txt").write_text("said")
    ran = asrprof("data", str(folder), columns=200)
    assert ran.code == 0
    assert (
        "7 audio files have no text: in/2.wav; in/3.wav; in/4.wav; in/5.wav; in/6.wav; and 2 more"
    ) in ran.out


def test_a_folder_of_which_no_row_can_be_used_says_so(asrprof: Run, tmp_path: Path) -> None:
    folder = manifest(tmp_path / "s", {"file": "gone.wav", "text": "word"})
    ran = asrprof("data", str(folder), columns=200)
    assert ran.code == 1
    assert "a run would end: no row can be used" in ran.out


def test_many_problems_are_told_in_ten_lines(asrprof: Run, tmp_path: Path) -> None:
    rows = [{"file": f"{number}.wav", "text": "word"} for number in range(30)]
    folder = manifest(tmp_path / "s", *rows)
    out = asrprof("data", str(folder)).out
    assert out.count("there is no file") == 10
    assert "and 20 more: --all" in out
    assert asrprof("data", str(folder), "--all").out.count("there is no file") == 30


def test_text_of_others_does_nothing_to_the_terminal(asrprof: Run, tmp_path: Path) -> None:
    folder = manifest(tmp_path / "s", {"file": "\x1b[31m[b]x.wav", "text": "word"})
    out = asrprof("data", str(folder)).out
    assert "\x1b" not in out
    assert r"\x1b[31m[b]x.wav" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name a folder of speech, or a config or preset with --config"),
        (["x", "--config", "demo"], "name a folder of speech, or a config"),
        (["none"], "there is no folder none"),
        (["."], "holds no texts: write manifest.jsonl"),
        ([".", "--format", "librispech"], 'did you mean "librispeech"?'),
        ([".", "--set", "a=1"], "--set belongs to --config"),
        (["--config", "demo", "--split", "test"], "--format and --split belong to a path"),
        ([".", "--seconds", "nan"], "--seconds"),
        ([".", "--seconds", "0"], "--seconds"),
    ],
)
def test_what_cannot_be_looked_at_is_one_line(
    asrprof: Run, arguments: list[str], words: str
) -> None:
    ran = asrprof("data", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert ran.err.count("\n") == 1
