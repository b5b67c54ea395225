"""Preparing speech takes the memory of a file and of a clip, however much speech there is."""

from __future__ import annotations

import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

FILES, SECONDS = 80, 30
SPEECH_BYTES = FILES * SECONDS * 16_000 * 4
"""Of all speech as float32: 150 MB."""

PREPARED = """
import sys
from pathlib import Path
from runner.clips import load_clips, prepare, prepare_utterances
from runner.config import Data

few, many, cache, way = sys.argv[1:]

def peak():
    # Not ru_maxrss, which begins with what the parent's process had.
    (line,) = (line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

def prepared(path):
    if way == "hub":
        data = Data(source="hub", dataset=path, split="train", utterances=1_000, cache=cache)
    else:
        data = Data(source="folder", path=path, cache=cache, clips=way)
    clips = prepare(data, audio_seconds=60, seed=1)
    utterances = prepare_utterances(data, seed=1, limit=None)
    return load_clips(clips.path), load_clips(utterances.path)

prepared(few)
before = peak()
clips, utterances = prepared(many)
print(peak() - before, clips.utterances, utterances.utterances, utterances.words)
print(sum(clip.speech_seconds for clip in utterances.clips))
"""


def corpus(folder: Path, files: int, parts: int = 1) -> Path:
    """Files of noise, each other; every one of so many parts."""
    folder.mkdir()
    drawn = np.random.default_rng(files)
    rows: list[dict[str, object]] = []
    for number in range(files):
        name = f"{number}.wav"
        with wave.open(str(folder / name), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            noise = drawn.integers(-3_000, 3_000, SECONDS * 16_000, dtype=np.int16)
            file.writeframes(noise.tobytes())
        row = {"file_name": name, "text": "some words", "speaker": f"s{number % 7}"}
        long = SECONDS / parts
        cuts = [{"start": part * long, "end": (part + 1) * long} for part in range(parts)]
        rows += [row | cut for cut in cuts] if parts > 1 else [row]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def prepared(tmp_path: Path, way: str, parts: int) -> list[float]:
    few, many = corpus(tmp_path / "few", 2, parts), corpus(tmp_path / "many", FILES, parts)
    done = subprocess.run(
        [sys.executable, "-c", PREPARED, few, many, tmp_path / "cache", way],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [float(number) for number in done.stdout.split()]


@pytest.mark.parametrize(
    ("way", "parts"), [("continuous", 1), ("continuous", 5), ("packed", 1), ("hub", 1)]
)
def test_speech_is_not_all_in_memory(way: str, parts: int, tmp_path: Path) -> None:
    grown, *counts = prepared(tmp_path, way, parts)
    rows = FILES * parts
    assert counts == [rows, rows, 2 * rows, FILES * SECONDS]
    assert grown < SPEECH_BYTES / 3
    # Nor does anything of it stay in the cache but what clips are made of.
    cache = tmp_path / "cache"
    assert not list(cache.glob("decoded/*")) and not list(cache.glob("clips/.*"))
