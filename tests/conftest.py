"""Fixtures that several test files share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

# One thread a worker: the tests run side by side. Read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if not os.environ.get("ASRPROF_TEST_HUB"):
    # Nothing listens there: a test that would leave this machine fails at once instead. Set
    # before huggingface_hub is imported, which reads it once.
    os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"

from runner.clips.clip import SAMPLE_RATE, Waveform

ROOT = Path(__file__).parent.parent


@pytest.fixture
def speech_like() -> Callable[..., list[Waveform]]:
    """Waveforms with the level of speech, seeded: for engines whose text does not matter."""

    def make(seconds: float, count: int = 1, seed: int = 0) -> list[Waveform]:
        generator = np.random.default_rng(seed)
        size = (count, round(seconds * SAMPLE_RATE))
        noise = np.rint(generator.normal(0, 1500, size)).clip(-32768, 32767) / 32768
        return list(noise.astype(np.float32))

    return make


@pytest.fixture(scope="session")
def real_speech() -> Path:
    """Folder of real speech with a manifest, beside the checkout; skips where there is none."""
    folder = Path(os.environ.get("ASRPROF_TEST_SPEECH") or ROOT.parent / "shared" / "speech")
    if not (folder / "manifest.jsonl").is_file():
        pytest.skip(f"no real speech at {folder} (set ASRPROF_TEST_SPEECH)")
    return folder


@pytest.fixture
def run_asrprof(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``python -m runner`` or ``asrprof`` as a user would, in an empty folder."""

    def run(
        *arguments: str, module: str = "runner", timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=tmp_path,
            env=clean_environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


def clean_environment(folder: Path) -> dict[str, str]:
    """The environment of a run that reads and writes only below ``folder``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASRPROF_")}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "ASRPROF_CACHE": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
    }
