"""Where there is no meter, the timed loop is the window of the estimate."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.estimate import has_cpu_meter
from tests.checkpoints import save_ctc
from tests.conftest import clean_environment
from tests.test_session import rows

LIMITS = {
    "warmup_seconds": 0.2,
    "min_seconds": 0,
    "min_iterations": 4,
    "cycle_batches": 2,
    "threads": 1,
}

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(has_cpu_meter(), reason="a meter has windows of its own"),
]


def connected(session: int) -> psutil.Process | None:
    """The process of codecarbon of a session, once a case has connected to it."""
    for child in psutil.Process(session).children():
        with suppress(psutil.Error):
            named = any("tracker_process" in part for part in child.cmdline())
            if named and len(child.net_connections("unix")) > 1:
                return child
    return None


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a config for a small local checkpoint."""
    save_ctc(tmp_path / "model")

    def make(measures: list[str], lengths: list[int], **limits: Any) -> Path:
        document = {
            "name": "loop",
            "models": [str(tmp_path / "model")],
            "audio_seconds": lengths,
            "measures": measures,
            "limits": {**LIMITS, **limits},
        }
        path = tmp_path / "config.json"
        path.write_text(json.dumps(document))
        return path

    return make


READINGS = (
    "select results.id, batches, window_s, gross_j, mean_w, energy_readings.reason,"
    " (select count(*) from samples where result_id = results.id and kind = 'latency'),"
    " (select sum(seconds) from samples where result_id = results.id and kind = 'latency')"
    " from results join energy_readings on result_id = results.id and source = 'codecarbon'"
    " order by results.id"
)


def test_its_batches_are_those_that_were_timed(write, tmp_path, run_asrprof) -> None:
    pytest.importorskip("codecarbon")
    done = run_asrprof("--quiet", str(write(["latency", "memory", "energy"], [5, 10])))
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path, READINGS)
    assert len(found) == 2
    for _, batches, window_s, joules, watts, reason, timed, timed_s in found:
        # The config asks for four iterations; the window has two seconds all the same.
        assert reason is None and batches == timed > 4
        assert window_s >= 2 and window_s == pytest.approx(timed_s, rel=0.2)
        assert joules == pytest.approx(watts * window_s / batches, rel=0.01)


def test_what_codecarbon_imports_is_in_no_cases_memory(write, tmp_path, run_asrprof) -> None:
    pytest.importorskip("codecarbon")
    peaks = []
    for measures in (["latency", "memory"], ["latency", "memory", "energy"]):
        done = run_asrprof("--quiet", str(write(measures, [5])))
        assert done.returncode == 0, done.stderr
        peaks.append(rows(tmp_path, "select rss_bytes from results order by id")[-1][0])
    assert peaks[1] < peaks[0] + 25e6


def test_a_case_without_a_loop_has_a_window_of_its_own(write, tmp_path, run_asrprof) -> None:
    pytest.importorskip("codecarbon")
    done = run_asrprof("--quiet", str(write(["energy"], [5])))
    assert done.returncode == 0, done.stderr
    ((_, batches, window_s, joules, *_),) = rows(tmp_path, READINGS)
    assert batches > 4 and window_s >= 2 and joules > 0


def test_a_tracker_that_is_killed_costs_the_joules_of_one_case(write, tmp_path) -> None:
    pytest.importorskip("codecarbon")
    config = write(["latency", "energy"], [5, 10], min_seconds=4)
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", "--config", str(config), "--quiet"],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 120
        # Connected: the loop of the first case runs.
        while not (tracker := connected(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert tracker is not None
        tracker.kill()
        _, errors = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    first, second = rows(
        tmp_path, "select state, latency_s > 0, energy_j, energy_reason from results order by id"
    )
    assert first[:3] == ("ok", 1, None)
    assert "the process of codecarbon has ended" in first[3]
    # The next one runs codecarbon itself.
    assert second[:2] == ("ok", 1) and second[2] > 0
