"""Speech for the tests: generated noise, and folders of it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runner.clips.clip import Utterance
from runner.clips.sound import Held


@pytest.fixture(scope="session")
def noise() -> Callable[[int, int], np.ndarray]:
    """Noise on the 16-bit grid without a zero in it, of so many samples under a seed."""

    def make(samples: int, seed: int) -> np.ndarray:
        values = np.random.default_rng(seed).integers(1, 8000, samples)
        return (values / 32768).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def speak(noise) -> Callable[..., list[Utterance]]:
    """Utterances of the given numbers of samples."""

    def make(*lengths: int) -> list[Utterance]:
        return [
            Utterance(f"u{number}", Held(noise(length, number)), f"text {number}")
            for number, length in enumerate(lengths)
        ]

    return make


@pytest.fixture
def folder(tmp_path, noise) -> Path:
    """A folder with six utterances of 1.0 to 3.5 s and a manifest."""
    path = tmp_path / "speech"
    path.mkdir()
    rows = []
    for number in range(6):
        file = f"a{number}.flac"
        soundfile.write(path / file, noise(16_000 + 8_000 * number, number), 16_000)
        rows.append({"id": f"a{number}", "file": file, "text": f"Word number {number}."})
    (path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
