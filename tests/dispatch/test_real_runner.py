"""The queue with the true runner: a dispatcher killed in mid-run, and a cancelled job."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store import Store
from tests.checkpoints import save_ctc
from tests.conftest import clean_environment
from tests.dispatch.conftest import wait_for

Run = Callable[..., subprocess.CompletedProcess[str]]

CONFIG = {
    "name": "quick",
    "models": ["./model"],
    "audio_seconds": [5],
    "batch_sizes": [1, 2, 3, 4],
    "measures": ["latency"],
    "limits": {
        "warmup_seconds": 0.2,
        "min_seconds": 0.5,
        "min_iterations": 4,
        "cycle_batches": 2,
        "threads": 1,
    },
}


def asrprof(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner.cli", *arguments, "--store", str(folder / "store.db")],
        cwd=folder,
        env=clean_environment(folder),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def work(folder: Path) -> subprocess.Popen[bytes]:
    """A dispatcher in another folder than the job's: relative paths must not be its own."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "runner.cli", "work", "--drain", "--store", "../store.db"],
        cwd=elsewhere,
        env=clean_environment(folder),
        stdout=(folder / "work.txt").open("ab"),
        stderr=subprocess.STDOUT,
    )


@pytest.mark.e2e
def test_a_killed_dispatcher_and_a_cancelled_job(tmp_path: Path) -> None:
    save_ctc(tmp_path / "model")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    slow = "limits.min_seconds=60"
    for options in ((), ("--set", slow, "--set", "batch_sizes=[1]", "--time-limit", "600")):
        added = asrprof(tmp_path, "queue", "add", "config.json", *options)
        assert added.returncode == 0, added.stderr
    said = tmp_path / "work.txt"
    first = work(tmp_path)
    with Store.open(tmp_path / "store.db") as store:
        wait_for(lambda: store.job(1).cases_done >= 1, 60)
        first.kill()
        first.wait()
        assert store.job(1).state == "running"
        second = work(tmp_path)
        try:
            wait_for(lambda: store.job(2).state == "running", 60)
            one = store.job(1)
            assert (one.state, one.attempt, one.cases_done) == ("done", 1, 4), said.read_text()
            assert "job 1 runs on, adopted: " in said.read_text()
            started = [e.case_key for e in store.events(1) if e.kind == "case-started"]
            assert len(started) == len(set(started)) == 4, "no case ran twice"
            kinds = {event.kind for event in store.events(2)}
            wait_for(lambda: any(e.kind == "case-started" for e in store.events(2)), 60)
            assert "job-launched" in kinds
            wait_for(lambda: any(note["latencies_s"] for note in progress(store, 2)), 60)
            cancelled = asrprof(tmp_path, "queue", "cancel", "2")
            assert cancelled.stdout == "job 2 is running: asked to end\n"
            assert second.wait(timeout=60) == 1, "a job that did not end well"
        finally:
            second.kill()
            second.wait()
        two = store.job(2)
        assert (two.state, two.reason) == ("cancelled", "cancelled on request")
        assert progress(store, 1) == progress(store, 2) == []
        assert store.leaderboard(1)[0].model == "./model"
    log = asrprof(tmp_path, "logs", "1")
    assert log.stdout.count("ok      [") == 4


def progress(store: Store, job: int) -> list[dict[str, Any]]:
    found = [event for event in store.events(job) if event.kind == "case-progress"]
    return [json.loads(event.data or "") for event in found]


@pytest.mark.e2e
def test_a_run_by_hand_obeys_cancel(tmp_path: Path) -> None:
    save_ctc(tmp_path / "model")
    limits = {**CONFIG["limits"], "min_seconds": 60}  # type: ignore[dict-item]
    config = {**CONFIG, "batch_sizes": [1], "limits": limits}
    (tmp_path / "config.json").write_text(json.dumps(config))
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", "config.json", "--quiet", "--store", "store.db"],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
    )
    try:
        with Store.open(tmp_path / "store.db") as store:
            wait_for(lambda: bool(store.jobs()), 60)
            assert store.queue.cancel(1) == "running"
            assert process.wait(timeout=60) == 143
            assert store.job(1).reason == "cancelled on request"
    finally:
        process.kill()
        process.wait()
