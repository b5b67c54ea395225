"""Several processes at once, processes that are killed, and disks that are full."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from store import Result, Sample, Store, StoreError

ROOT = Path(__file__).parents[2]

PRELUDE = """
import os, sys
from dataclasses import replace
from store import *
path, number = sys.argv[1], int(sys.argv[2])
result = Result(
    case_key="", model="m", engine="e", weights="random", revision=None, device="cpu",
    variant="fp32", audio_seconds=5.0, batch_size=1, seed=0, state="ok", reason=None,
    started_at=timestamp(utc_now()), wall_s=1.0,
    samples=tuple(Sample(kind="latency", iteration=i, batch=0, seconds=0.1) for i in range(20)),
)
"""

WRITE_MANY = """
with Store.open(path) as store:
    job = 1
    for case in range(100):
        # Half of the keys belong to every process, half to this one only.
        owner = "all" if case % 2 else number
        store.write_result(job, replace(result, case_key=f"{owner}-{case}"))
        message = f"{number}-{case}"
        store.add_event(job, Event(kind="remark", at=timestamp(utc_now()), message=message))
"""

OPEN_AND_ADD = """
print("ready", flush=True)
sys.stdin.readline()
with Store.open(path) as store:
    store.add_benchmark("same", "{}")
"""

RESUME = """
print("ready", flush=True)
sys.stdin.readline()
with Store.open(path) as store:
    try:
        store.reopen_job(1, process_owner(), 60)
        print("mine", flush=True)
    except JobBusyError as error:
        print("busy", flush=True)
sys.stdin.readline()
"""

STOP_HALFWAY = """
from store import connection
run_many = connection.Transaction.run_many

def stop(self, sql, rows):
    if "samples" in sql:
        run_many(self, sql, list(rows)[:10])
        print("halfway", flush=True)
        sys.stdin.read()
    run_many(self, sql, rows)

connection.Transaction.run_many = stop
with Store.open(path) as store:
    store.write_result(1, replace(result, case_key="torn"))
"""


def spawn(script: str, path: Path, number: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, str(path), str(number)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def start_together(processes: list[subprocess.Popen[str]]) -> None:
    """Lets processes go on once all of them have imported what they need."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def integrity(path: Path) -> list[tuple[str]]:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return connection.execute("PRAGMA integrity_check").fetchall()
    finally:
        connection.close()


def test_four_writers_lose_and_double_nothing(store: Store, store_path: Path, job_id: int) -> None:
    processes = [spawn(WRITE_MANY, store_path, number) for number in range(4)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    expected = {f"{n}-{case}" for n in range(4) for case in range(0, 100, 2)}
    expected |= {f"all-{case}" for case in range(1, 100, 2)}
    rows = store.leaderboard(job_id)
    assert store.case_keys(job_id) == expected
    assert len(rows) == len(expected) == store.job(job_id).cases_done
    samples = store._database.number("SELECT count(*) FROM samples")
    assert samples == 20 * len(expected)
    messages = [event.message for event in store.events(job_id)]
    assert len(messages) == 400
    assert set(messages) == {f"{n}-{case}" for n in range(4) for case in range(100)}
    assert integrity(store_path) == [("ok",)]


def test_four_processes_create_one_store(store_path: Path) -> None:
    processes = [spawn(OPEN_AND_ADD, store_path) for _ in range(4)]
    start_together(processes)
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    with Store.open(store_path) as store:
        assert len(store.benchmarks()) == 1


def test_only_one_of_two_resumes_a_job(store: Store, store_path: Path, job_id: int) -> None:
    store.finish_job(job_id, "lost", "power cut")
    processes = [spawn(RESUME, store_path) for _ in range(2)]
    answers = []
    start_together(processes)
    for process in processes:
        assert process.stdout is not None
        answers.append(process.stdout.readline().strip())
    for process in processes:
        process.communicate("end\n")
    assert sorted(answers) == ["busy", "mine"]
    assert store.job(job_id).attempt == 2


@pytest.mark.timed
def test_kill_in_mid_transaction_leaves_no_torn_result(
    store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    process = spawn(STOP_HALFWAY, store_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "halfway\n"
    assert store.counts().results == 0, "readers do not wait for a writer"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    started = time.monotonic()
    result_id = store.write_result(job_id, full)
    assert time.monotonic() - started < 5
    assert store.case_keys(job_id) == {full.case_key}
    assert store.result(result_id).result == full
    assert store._database.number("SELECT count(*) FROM samples") == len(full.samples)
    assert integrity(store_path) == [("ok",)]


def big(full: Result, key: str) -> Result:
    samples = tuple(
        Sample(kind="latency", iteration=i, batch=0, seconds=0.5) for i in range(20_000)
    )
    return replace(full, case_key=key, samples=samples)


def fill(store: Store, job_id: int, full: Result, cases: int) -> list[str]:
    """Writes results until the disk is full; the keys of those that were stored."""
    stored: list[str] = []

    def write_all() -> None:
        for number in range(cases):
            store.write_result(job_id, big(full, f"case-{number}"))
            stored.append(f"case-{number}")

    with pytest.raises(StoreError, match="disk is full") as caught:
        write_all()
    assert "\n" not in str(caught.value)
    assert str(store.path) in str(caught.value)
    return stored


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_full_disk_keeps_what_was_finished(
    small_disk: Path, add_job: Callable[[Store], int], full: Result
) -> None:
    ballast = small_disk / "ballast"
    path = small_disk / "asrprof.db"
    with Store.open(path) as store:
        job_id = add_job(store)
        ballast.write_bytes(bytes(1_000_000))
        stored = fill(store, job_id, full, 20)
        assert stored
        assert store.case_keys(job_id) == set(stored)
        ballast.unlink()
        store.write_result(job_id, full)
    with Store.open(path) as store:
        assert store.case_keys(job_id) == {*stored, full.case_key}
    assert integrity(path) == [("ok",)]


def test_full_database_keeps_what_was_finished(
    store: Store, job_id: int, full: Result, store_path: Path
) -> None:
    pages = store._database.number("PRAGMA page_count")
    store._database.rows(f"PRAGMA max_page_count = {pages + 200}")
    stored = fill(store, job_id, full, 20)
    assert store.case_keys(job_id) == set(stored)
    assert store.job(job_id).cases_done == len(stored)
    store._database.rows("PRAGMA max_page_count = 1000000")
    store.write_result(job_id, full)
    assert integrity(store_path) == [("ok",)]


def test_full_disk_cannot_hold_a_new_store(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(4_000_000))
    with pytest.raises(OSError, match="No space"):
        (small_disk / "rest").write_bytes(bytes(1_000_000))
    with pytest.raises(StoreError, match=r"disk is full|could not be read or written") as caught:
        Store.open(small_disk / "asrprof.db")
    assert "\n" not in str(caught.value)
