"""A corpus of very many utterances is listed quickly, and its preparation can be interrupted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

MANY = 10_000
FEW = 1_000
UTTERANCES = 300

LISTED = """
import sys, time
from pathlib import Path
from runner.clips.survey import survey
from runner.config import Data

opened = []
sys.addaudithook(lambda event, details: event == "open" and opened.append(str(details[0])))

def listed(path):
    before = time.process_time()
    found = survey(Data(source="folder", path=path))
    return time.process_time() - before, found

def read(files):
    before = time.process_time()
    for file in files:
        with open(file, "rb") as audio:
            audio.read(4096)
    return time.process_time() - before

def peak():
    # Not ru_maxrss, which begins with what the parent's process had.
    (line,) = (line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

few, many = sys.argv[1:]
listed(few)
before = peak()
opened.clear()
_, found = listed(many)
grown = peak() - before
audio = [file for file in opened if file.endswith((".flac", ".wav"))]
listing = min(listed(many)[0] for _ in range(2))
reading = min(read(audio) for _ in range(2))
assert not found.problems, found.problems[:3]
print(found.utterances, round(sum(found.seconds)), len(audio), len(set(audio)))
print(grown, listing / reading)
"""

PREPARED = """
import json, os, signal, sys
from runner.clips import prepare, reading
from runner.config import Data

folder, cache, until = sys.argv[1], sys.argv[2], float(sys.argv[3])
decode, decoded, shares = reading.read_audio, [], []

def counted(data, name, **options):
    decoded.append(name)
    return decode(data, name, **options)

def progress(what, share):
    if what == "reading speech":
        shares.append(share)
        if share >= until:
            os.kill(os.getpid(), signal.SIGINT)

reading.read_audio = counted
fingerprint = None
try:
    data = Data(source="folder", path=folder, cache=cache)
    fingerprint = prepare(data, audio_seconds=5.0, seed=1, progress=progress).fingerprint
except KeyboardInterrupt:
    pass
print(json.dumps([len(decoded), shares == sorted(shares), len(shares), shares[-1], fingerprint]))
"""

Make = Callable[[Path, int], None]


def _sounds(folder: Path, ending: str) -> list[Path]:
    """Ten files of 1 to 1.45 s."""
    folder.mkdir(parents=True)
    drawn = np.random.default_rng(0)
    files = [folder / f"{number}{ending}" for number in range(10)]
    for number, file in enumerate(files):
        soundfile.write(file, drawn.normal(0, 0.1, 16_000 + 720 * number), 16_000)
    return files


def manifest(folder: Path, count: int) -> None:
    sounds = _sounds(folder / "of", ".flac")
    rows = []
    for number in range(count):
        os.link(sounds[number % 10], folder / f"{number}.flac")
        row = {"file": f"{number}.flac", "text": f"sentence number {number}", "duration": 1.2}
        rows.append(json.dumps(row | {"speaker": f"s{number % 50}", "language": "en"}))
    (folder / "manifest.jsonl").write_text("\n".join(rows))


def ljspeech(folder: Path, count: int) -> None:
    sounds = _sounds(folder / "of", ".wav")
    (folder / "wavs").mkdir()
    rows = []
    for number in range(count):
        os.link(sounds[number % 10], folder / "wavs" / f"LJ-{number}.wav")
        rows.append(f"LJ-{number}|No. {number}|sentence number {number}")
    (folder / "metadata.csv").write_text("\n".join(rows))


def librispeech(folder: Path, count: int) -> None:
    sounds = _sounds(folder / "of", ".flac")
    for chapter in range(count // 50):
        name = f"{100 + chapter // 8}-{1000 + chapter}"
        place = folder / name.replace("-", "/")
        place.mkdir(parents=True)
        rows = []
        for number in range(50):
            os.link(sounds[number % 10], place / f"{name}-{number:04d}.flac")
            rows.append(f"{name}-{number:04d} SENTENCE NUMBER {number}")
        (place / f"{name}.trans.txt").write_text("\n".join(rows))


def _run(code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("make", [manifest, ljspeech, librispeech])
def test_a_large_corpus_is_listed_by_one_look_into_each_file(make: Make, tmp_path: Path) -> None:
    make(tmp_path / "few", FEW)
    make(tmp_path / "many", MANY)
    counts, costs = _run(LISTED, tmp_path / "few", tmp_path / "many").splitlines()
    seconds = MANY // 10 * sum(1 + 0.045 * number for number in range(10))
    assert counts == f"{MANY} {seconds:.0f} {MANY} {MANY}"
    grown, ratio = map(float, costs.split())
    # A hundred thousand may take 500 MB, with the programs' own.
    assert grown < (MANY - FEW) * 3_000
    # Of the CPU time of a loop that does nothing but open and read each file once.
    assert ratio < 25


def test_a_long_preparation_is_taken_up_where_it_was_interrupted(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    drawn, rows = np.random.default_rng(0), []
    for number in range(UTTERANCES):
        soundfile.write(folder / f"{number}.wav", drawn.normal(0, 0.1, 2_400), 16_000)
        rows.append(json.dumps({"file": f"{number}.wav", "text": f"sentence number {number}"}))
    (folder / "manifest.jsonl").write_text("\n".join(rows))

    def prepared(cache: str, until: float) -> list[object]:
        found = json.loads(_run(PREPARED, folder, tmp_path / cache, until))
        assert isinstance(found, list)
        return found

    *whole, fingerprint = prepared("other", 2.0)
    assert whole == [UTTERANCES, True, UTTERANCES, 1.0]
    third, half = UTTERANCES // 3, UTTERANCES // 2
    assert prepared("cache", 1 / 3) == [third, True, third, pytest.approx(1 / 3), None]
    assert prepared("cache", 1 / 2) == [half - third, True, half, 0.5, None]
    assert prepared("cache", 2.0) == [UTTERANCES - half, True, UTTERANCES, 1.0, fingerprint]
