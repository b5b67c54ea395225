"""Ctrl-C in a run: what is kept, and how to go on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from store import Store, StoreError


def begun(path: Path) -> bool:
    try:
        with Store.open(path, readonly=True) as store:
            return any(store.events(job.id) for job in store.jobs())
    except StoreError:
        return False


@pytest.mark.e2e
def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    config, path = tmp_path / "b.json", tmp_path / "a.db"
    config.write_text(
        '{"name": "b", "models": ["pocketsphinx"], "audio_seconds": [2],'
        ' "measures": ["latency"], "limits": {"threads": 1, "min_seconds": 300}}'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "runner.cli", "run", str(config), "--store", str(path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not begun(path) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: 0 cases of this run stored; --resume goes on" in said
