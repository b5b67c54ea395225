"""Taking the results of another store in: each once, with all that belongs to it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store import (
    Event,
    JobRequest,
    LeftOut,
    Metric,
    Result,
    Scalar,
    Store,
    StoreError,
    timestamp,
)
from tests.store.conftest import FakeClock
from tests.store.schema_9 import schema_9
from tests.store.test_store_processes import ROOT, integrity

AddJob = Callable[[Store], int]

TABLES_OF_RESULTS = (
    *("jobs", "results", "qualities", "transcripts", "environments", "benchmarks", "events"),
    *("samples", "stages", "energy_readings", "load_levels", "figures", "metrics"),
)


def counts(store: Store) -> dict[str, int]:
    return {
        table: store._database.number(f"SELECT count(*) FROM {table}")
        for table in TABLES_OF_RESULTS
    }


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return tmp_path / "other.db"


def fill(
    path: Path, add_job: AddJob, results: tuple[Result, ...], at_s: float = 0.0, end: str = "done"
) -> int:
    """Adds a job with these results to the store at ``path``."""
    clock = FakeClock()
    clock.forward(at_s)
    with Store.open(path, clock=clock) as store:
        job = add_job(store)
        for result in results:
            store.write_result(job, result)
        store.add_event(job, Event(kind="remark", at=timestamp(clock()), message="a loud fan"))
        if end:
            store.finish_job(job, end, "why")  # type: ignore[arg-type]
        return job


def test_a_job_comes_with_all_that_was_stored_with_it(
    store: Store, other: Path, add_job: AddJob, full: Result, failed: Result
) -> None:
    fill(store.path, add_job, (full,), at_s=5)
    shared = replace(full, case_key="case-9", device="cpu")
    number = fill(other, add_job, (full, failed, shared), at_s=9)
    merged = store.merge(other)
    assert (merged.jobs, merged.known_jobs, merged.results, merged.replaced) == (1, 0, 3, 0)
    own = store.job(2)
    with Store.open(other) as opened:
        theirs = opened.job(number)
        assert (own.state, own.reason, own.created_at) == ("done", "why", theirs.created_at)
        assert (own.cases_done, own.benchmark, own.lease_owner) == (3, "demo", None)
        for mine, one in zip((2, 3, 4), (1, 2, 3), strict=True):
            found, wanted = store.result(mine), opened.result(one)
            assert found.result == wanted.result
            assert (found.job_id, found.created_at) == (2, wanted.created_at)
        assert store.qualities(2) == opened.qualities(number)
        assert [e.message for e in store.events(2)] == [e.message for e in opened.events(number)]
    # One machine, one config; the record of words is shared by two results of each job.
    assert counts(store)["environments"] == counts(store)["benchmarks"] == 1
    assert counts(store)["qualities"] == 2
    assert store._database.rows("PRAGMA foreign_key_check") == []


def test_nothing_is_doubled_by_a_second_merge_nor_from_the_other_side(
    store: Store, other: Path, add_job: AddJob, full: Result, failed: Result
) -> None:
    fill(store.path, add_job, (full,), at_s=5)
    fill(other, add_job, (full, failed), at_s=9)
    store.merge(other)
    before = counts(store)
    again = store.merge(other)
    assert (again.jobs, again.known_jobs, again.results, again.replaced) == (0, 1, 0, 0)
    assert counts(store) == before
    with Store.open(other) as opened:
        back = opened.merge(store.path)
        assert (back.jobs, back.known_jobs, back.results) == (1, 1, 1)
        assert counts(opened) == before
    assert store.merge(other).results == 0
    assert counts(store) == before


def test_jobs_of_one_microsecond_stay_two(
    store: Store, other: Path, add_job: AddJob, full: Result
) -> None:
    fill(other, add_job, (full,))
    fill(other, add_job, (replace(full, wall_s=1.0),))
    assert store.merge(other).jobs == 2
    assert store.merge(other).jobs == 0
    assert [store.result(one).result.wall_s for one in (1, 2)] == [61.25, 1.0]


def test_what_went_on_in_the_other_store_is_taken_over(
    store: Store, other: Path, add_job: AddJob, full: Result, failed: Result
) -> None:
    job = fill(other, add_job, (full, failed), end="failed")
    store.merge(other)
    mended = replace(full, case_key=failed.case_key, quality_key="case-2 alone")
    clock = FakeClock()
    clock.forward(3600)
    with Store.open(other, clock=clock) as opened:
        opened.reopen_job(job, "elsewhere:1:1", 60.0)
        opened.write_result(job, mended, replace=True)
        opened.write_result(job, replace(full, case_key="case-3"))
        opened.finish_job(job, "done")
    merged = store.merge(other)
    assert (merged.jobs, merged.known_jobs, merged.results, merged.replaced) == (0, 1, 1, 1)
    own = store.job(1)
    assert (own.state, own.attempt, own.cases_done) == ("done", 2, 3)
    found = {row.case_key: row for row in map(_of(store), _ids(store))}
    assert found["case-2"] == mended
    assert set(found) == {"case-1", "case-2", "case-3"}


def test_the_good_row_here_stays(
    store: Store, other: Path, add_job: AddJob, full: Result, failed: Result
) -> None:
    fill(store.path, add_job, (full,))
    fill(other, add_job, (replace(failed, case_key=full.case_key),))
    merged = store.merge(other)
    assert (merged.known_jobs, merged.results, merged.replaced) == (1, 0, 0)
    assert store.result(1).result == full


def test_error_rates_that_were_scored_anew_here_count(
    store: Store, other: Path, add_job: AddJob, full: Result
) -> None:
    fill(other, add_job, (full,))
    store.merge(other)
    assert full.quality is not None
    store.replace_quality(1, replace(full.quality, wer=0.5), full.transcripts)
    job = 1
    with Store.open(other) as opened:
        opened.write_result(job, replace(full, case_key="case-7"))
    assert store.merge(other).results == 1
    assert [_of(store)(one).quality.wer for one in _ids(store)] == [0.5, 0.5]  # type: ignore[union-attr]


def test_jobs_that_wait_or_run_are_left_out_with_the_reason(
    store: Store, other: Path, add_job: AddJob, full: Result
) -> None:
    with Store.open(other) as opened:
        running = add_job(opened)
        opened.write_result(running, full)
        waits = opened.queue.add(1, JobRequest(target="local"), cases_total=2)
        merged = store.merge(other)
        assert merged.left_out == (
            LeftOut(job_id=running, reason="it is running: merge again when it has ended"),
            LeftOut(job_id=waits, reason="it waits in the queue"),
        )
        assert counts(store)["jobs"] == counts(store)["results"] == 0
        opened.finish_job(running, "done")
    assert store.merge(other).results == 1


def test_a_job_whose_runner_is_long_gone_comes_as_lost(
    store: Store, other: Path, add_job: AddJob, clock: FakeClock, full: Result
) -> None:
    fill(other, add_job, (full,), end="")
    clock.forward(3600)
    assert store.merge(other).results == 1
    own = store.job(1)
    assert own.state == "lost"
    assert "no heartbeat" in (own.reason or "")


def test_a_job_that_runs_here_is_not_touched(
    store: Store, other: Path, add_job: AddJob, full: Result
) -> None:
    fill(store.path, add_job, (), end="")
    fill(other, add_job, (full,))
    (left_out,) = store.merge(other).left_out
    assert left_out.reason == "it is job 1 here, which is running: merge again when it has ended"
    assert counts(store)["results"] == 0


def test_a_scalar_that_is_new_here_has_its_column(
    store: Store, other: Path, add_job: AddJob, full: Result
) -> None:
    silence = Metric(name="hum", heading="hum", unit="dB", about="of the fan", better="lower")
    humming = replace(full, figures=(Scalar(name="hum", value=31.5),), metrics=(silence,))
    fill(other, add_job, (humming,))
    store.merge(other)
    (row,) = store._database.rows("SELECT hum FROM leaderboard")
    assert row["hum"] == 31.5
    assert store._database.rows("SELECT unit FROM metrics WHERE name = 'hum'")[0]["unit"] == "dB"


def test_a_store_of_an_older_asrprof_is_brought_up_to_date_in_a_copy(
    store: Store, tmp_path: Path
) -> None:
    old = tmp_path / "old.db"
    schema_9(old).close()
    merged = store.merge(old)
    assert (merged.jobs, merged.results) == (1, 2)
    assert store._database.number("SELECT count(*) FROM samples") > 0
    with sqlite3.connect(old) as connection:
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    assert version == 9


def test_what_is_no_other_store_is_refused_in_a_line(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the store itself: name another one"):
        store.merge(store.path)
    with pytest.raises(StoreError, match="no such store"):
        store.merge(tmp_path / "typo.db")
    text = tmp_path / "text.db"
    text.write_text("not a database, but longer than the header of one" * 10)
    with pytest.raises(StoreError, match="not a SQLite database"):
        store.merge(text)
    newer = tmp_path / "newer.db"
    Store.open(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="written by a newer asrprof"):
        store.merge(newer)
    # A refusal leaves nothing attached: the next merge goes on as ever.
    good = tmp_path / "good.db"
    Store.open(good).close()
    assert store.merge(good).jobs == 0


MERGE_AND_STOP = """
import sys, time
from store import Store
into, other = sys.argv[1:3]
def progress(done, total):
    if done == 1100:  # In the middle of the second job.
        print("halfway", flush=True)
        time.sleep(600)
with Store.open(into) as store:
    store.merge(other, progress=progress)
"""


def test_a_kill_in_the_middle_leaves_whole_jobs_and_merging_again_the_rest(
    store: Store, store_path: Path, other: Path, add_job: AddJob, failed: Result
) -> None:
    many = tuple(replace(failed, case_key=f"case-{number}") for number in range(600))
    fill(other, add_job, many)
    fill(other, add_job, many, at_s=9)
    process = subprocess.Popen(
        [sys.executable, "-c", MERGE_AND_STOP, str(store_path), str(other)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "halfway\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert integrity(store_path) == [("ok",)]
    assert (counts(store)["jobs"], counts(store)["results"]) == (1, 600)
    merged = store.merge(other)
    assert (merged.jobs, merged.known_jobs, merged.results) == (1, 1, 600)
    assert counts(store)["results"] == 1200


def _of(store: Store) -> Callable[[int], Result]:
    return lambda one: store.result(one).result


def _ids(store: Store) -> list[int]:
    return [row["id"] for row in store._database.rows("SELECT id FROM results ORDER BY id")]
