"""Fixtures that several test files share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
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


def pytest_configure() -> None:
    """Gives each of the test workers that run side by side its share of the cores.

    What a worker starts inherits them, so that no program under test makes more threads than
    there are cores for it: threads that wait for each other on one core cost minutes.

    Ctrl-C works in what the tests start, also where a shell put them in the background and had
    them ignore it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if not worker.startswith("gw") or not hasattr(os, "sched_setaffinity"):
        return
    share = sorted(os.sched_getaffinity(0))[int(worker.removeprefix("gw")) :: workers]
    if share:
        os.sched_setaffinity(0, share)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tries anew what another program's work may have spoiled.

    What asserts on real time has three tries; a whole run, with its processes, terminals and
    servers, has two. What is wrong fails in each, and pytest tells of each try.
    What takes longest comes first: else one of the workers begins it when the other is done.
    """
    items.sort(key=lambda item: not item.path.is_relative_to(ROOT / "tests" / "weights"))
    for item in items:
        if item.get_closest_marker("timed"):
            item.add_marker(pytest.mark.flaky(reruns=2, only_rerun="AssertionError"))
        elif item.get_closest_marker("e2e") or item.get_closest_marker("docker"):
            item.add_marker(pytest.mark.flaky(reruns=1))


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


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """Folder with whisper-tiny.en and whisper-base as `.ci/weights` makes it; skips without one."""
    folder = os.environ.get("ASRPROF_TEST_WEIGHTS")
    if not folder or not (Path(folder) / "whisper-base" / "model.safetensors").is_file():
        pytest.skip("no real weights (set ASRPROF_TEST_WEIGHTS to a folder from .ci/weights)")
    return Path(folder)


@pytest.fixture(scope="session")
def server_packages() -> Path:
    """Folder with faster-whisper-server as `.ci/server` makes it; skips without one."""
    folder = os.environ.get("ASRPROF_TEST_SERVER")
    if not folder or not (Path(folder) / "faster_whisper_server").is_dir():
        pytest.skip("no server (set ASRPROF_TEST_SERVER to a folder from .ci/server)")
    return Path(folder)


@pytest.fixture(scope="session")
def conversions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cache of converted models for tests that only use them: one for all files and workers.

    ``ASRPROF_TEST_CACHE`` names one that outlives the run.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = Path(os.environ.get("ASRPROF_TEST_CACHE") or shared / "conversions")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def kept_conversions(conversions: Path) -> Iterator[None]:
    """For the files whose engines convert: what one of them converted is there for the next."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASRPROF_CACHE", str(conversions))
        yield


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
