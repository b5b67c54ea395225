"""codecarbon in a process of its own: asked from any case, and gone with its session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from runner.measure.energy.source import SourceError
from runner.measure.energy.tracker_process import RemoteTracker, TrackerProcess

pytest.importorskip("codecarbon")


@pytest.fixture
def process() -> Iterator[TrackerProcess]:
    """One that runs."""
    process = TrackerProcess()
    process.start()
    yield process
    process.close()


def opened(process: TrackerProcess) -> RemoteTracker:
    address = process.address
    assert address is not None
    tracker = RemoteTracker(address)
    assert "ram: model" in tracker.open().modes
    return tracker


def test_one_case_after_the_other_has_tasks_of_its_own_and_imports_nothing(
    process: TrackerProcess,
) -> None:
    imported = "codecarbon" in sys.modules
    for _ in range(2):
        tracker = opened(process)
        tracker.begin()
        time.sleep(0.3)
        data = tracker.end()
        assert data["duration"] == pytest.approx(0.3, abs=0.25)
        assert data["cpu_energy"] > 0 and data["ram_energy"] > 0
        tracker.close()
    assert ("codecarbon" in sys.modules) == imported


def test_a_case_that_dies_in_its_task_leaves_the_next_one_a_tracker(
    process: TrackerProcess,
) -> None:
    first = opened(process)
    first.begin()
    first.close()  # Nobody ends the task.
    second = opened(process)
    second.begin()
    assert second.end()["duration"] < 5


def test_what_the_tracker_refuses_is_told_and_it_goes_on(process: TrackerProcess) -> None:
    tracker = opened(process)
    tracker.begin()
    tracker.end()
    with pytest.raises(SourceError):
        tracker.end()
    tracker.begin()
    tracker.end()


def test_a_process_that_is_killed_is_a_reason_and_has_no_address(process: TrackerProcess) -> None:
    tracker, address = opened(process), process.address
    assert address is not None
    tracker.begin()
    running = process._process
    assert running is not None
    running.kill()
    running.wait()
    with pytest.raises(SourceError, match="the process of codecarbon has ended"):
        tracker.end()
    assert process.address is None
    with pytest.raises(SourceError, match="the process of codecarbon is gone"):
        RemoteTracker(address).open()


def test_closing_takes_the_process_and_its_socket_along(process: TrackerProcess) -> None:
    address, running = process.address, process._process
    assert address is not None and running is not None
    process.close()
    process.close()
    assert running.poll() is not None
    assert not address.parent.exists()


def test_what_was_never_opened_is_a_reason(tmp_path: Path) -> None:
    tracker = RemoteTracker(tmp_path / "socket")
    with pytest.raises(SourceError, match="was not opened"):
        tracker.begin()
    tracker.close()


def test_where_it_cannot_be_started_there_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError("read-only file system")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    process = TrackerProcess()
    process.start()
    assert process.address is None
    process.close()


SESSION = """
import sys
from runner.measure.energy.tracker_process import TrackerProcess

process = TrackerProcess()
process.start()
print(process._process.pid, flush=True)
sys.stdin.read()
"""


def test_the_process_ends_with_a_session_that_is_killed() -> None:
    session = subprocess.Popen(
        [sys.executable, "-c", SESSION],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        text=True,
    )
    assert session.stdout is not None and session.stdin is not None
    number = int(session.stdout.readline())
    os.kill(session.pid, signal.SIGKILL)
    session.wait()
    session.stdin.close()
    session.stdout.close()
    deadline = time.monotonic() + 20
    while psutil.pid_exists(number) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(number)
