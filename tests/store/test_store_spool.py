"""Spools: what is taken in equals what is written at once, in whatever portions and how often."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import (
    Begun,
    Ended,
    Event,
    JobRequest,
    LeaseLostError,
    Measured,
    Noted,
    Result,
    SpoolError,
    SpoolRecord,
    Store,
)

AT = "2026-01-01T00:00:00.000000+00:00"
OWNER = "elsewhere/1:2:3"
CHILDREN = ("samples", "stages", "energy_readings", "power_samples", "flops", "operators")


def claimed(store: Store, cases: int = 3, target: str = "docker-cpu") -> int:
    """A job that a dispatcher has just started."""
    benchmark = store.add_benchmark("b", '{"name": "b"}')
    job = store.queue.add(benchmark, JobRequest(target=target), cases_total=cases)
    assert store.attempts.claim("here:1:1", 60, targets=(target,)) is not None
    return job


def spool(full: Result, failed: Result) -> list[SpoolRecord]:
    """What a runner writes that runs three cases, the last one a second time."""
    again = replace(failed, state="ok", reason=None)
    return [
        Begun(seq=1, owner=OWNER),
        Noted(seq=2, event=Event(kind="job-started", at=AT, message="3 cases")),
        Measured(seq=3, at=AT, result=full),
        Measured(seq=4, at=AT, result=replace(full, case_key="another")),
        Measured(seq=5, at=AT, result=failed),
        Measured(seq=6, at=AT, result=again),
        Noted(seq=7, event=Event(kind="job-finished", at=AT)),
        Ended(seq=8, state="done", reason=None),
    ]


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of results and what belongs to them, without ids and without times of writing."""
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        found = {}
        tables = ("results", "events", "qualities", "transcripts", "environments", *CHILDREN)
        for table in tables:
            rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
            for row in rows:
                for column in ("id", "result_id", "created_at"):
                    row.pop(column, None)
            found[table] = [tuple(row.values()) for row in rows]
    connection.close()
    return found


def test_the_rows_are_those_of_a_store_that_was_written_at_once(
    tmp_path: Path, full: Result, failed: Result
) -> None:
    direct, taken = tmp_path / "direct.db", tmp_path / "taken.db"
    records = spool(full, failed)
    with Store.open(direct) as store:
        job = claimed(store)
        store.attempts.begin(job, 1, OWNER, 60)
        for record in records:
            if isinstance(record, Noted):
                store.add_event(job, record.event)
            elif isinstance(record, Measured):
                store.write_result(job, record.result, replace=True)
        store.finish_job(job, "done", owner=OWNER)
    with Store.open(taken) as store:
        job = claimed(store)
        assert store.ingest(job, 1, records, lease_s=60) == 8
        row = store.job(job)
        assert (row.state, row.cases_done) == ("done", 3)
    assert content(taken) == content(direct)
    assert len(content(taken)["samples"]) > 0


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(portions=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=6))
def test_any_portions_again_and_again_change_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    full: Result,
    failed: Result,
    portions: list[tuple[int, int]],
) -> None:
    records = spool(full, failed)
    path = tmp_path_factory.mktemp("spool") / "store.db"
    with Store.open(path) as store:
        job = claimed(store)
        known = 0
        for first, last in portions:
            part = records[min(first, known) : last]
            known = max(known, store.ingest(job, 1, part, lease_s=60))
            assert store.spooled(job, 1) == known
        store.ingest(job, 1, records, lease_s=60)
        once = content(path)
        store.ingest(job, 1, records, lease_s=60)
    assert content(path) == once
    assert [len(once[table]) for table in ("results", "events")] == [3, 2]


def test_a_missing_record_is_refused(store: Store, full: Result, failed: Result) -> None:
    job = claimed(store)
    records = spool(full, failed)
    store.ingest(job, 1, records[:3], lease_s=60)
    with pytest.raises(SpoolError, match=f"the spool of job {job} lacks its record 4"):
        store.ingest(job, 1, records[4:], lease_s=60)
    assert store.spooled(job, 1) == 3


def test_an_attempt_that_is_over_changes_nothing(
    store: Store, full: Result, failed: Result
) -> None:
    job = claimed(store)
    records = spool(full, failed)
    store.ingest(job, 1, records[:4], lease_s=60)
    store.attempts.settle(job, 1, "lost", "gone")
    # Rows that were on their way when the job was given up are rows none the less.
    assert store.ingest(job, 1, records, lease_s=60) == 8
    assert (store.job(job).state, store.job(job).cases_done) == ("lost", 3)
    store.queue.retry(job)
    with pytest.raises(LeaseLostError, match="attempt 1 of job 1 is over"):
        store.ingest(job, 1, [Noted(seq=9, event=Event(kind="remark", at=AT))], lease_s=60)


def test_a_second_runner_of_an_attempt_cannot_begin(store: Store) -> None:
    job = claimed(store)
    store.attempts.begin(job, 1, "someone:1:1", 60)
    with pytest.raises(LeaseLostError, match="is being run by someone:1:1"):
        store.ingest(job, 1, [Begun(seq=1, owner=OWNER)], lease_s=60)
    assert store.spooled(job, 1) == 0


@pytest.mark.parametrize(
    ("cancel", "state", "reason"),
    [(True, "cancelled", "cancelled on request"), (False, "failed", "interrupted by SIGTERM")],
)
def test_why_it_was_told_to_end_is_in_the_store(
    store: Store, cancel: bool, state: str, reason: str
) -> None:
    job = claimed(store)
    store.ingest(job, 1, [Begun(seq=1, owner=OWNER)], lease_s=60)
    if cancel:
        store.queue.cancel(job)
    ended = Ended(seq=2, state="failed", reason="interrupted by SIGTERM")
    store.ingest(job, 1, [ended], lease_s=60)
    assert (store.job(job).state, store.job(job).reason) == (state, reason)


def test_a_store_has_an_identity_of_its_own(store_path: Path) -> None:
    with Store.open(store_path) as one, Store.open(store_path.with_name("two.db")) as two:
        assert len(one.id) == 32
        assert one.id != two.id
        found = one.id
    with Store.open(store_path) as again:
        assert again.id == found
