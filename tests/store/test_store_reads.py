"""Reads that want few rows: their answers, and that they cost the same in a store of any size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store import FINAL, Event, Result, Store, StoreError, process_owner
from tests.store.reads import Reads, reads_of

AT = "2026-01-31T12:00:00+00:00"


def fill(path: Path, full: Result, failed: Result, others: int) -> Store:
    """A store of three jobs, of which the first has two results, among many others.

    Args:
        path: Where it shall be.
        full: A result with figures.
        failed: One without.
        others: How many benchmarks, ended jobs, results of the first job and notes of its progress
            are there besides.
    """
    store = Store.open(path)
    wanted = store.add_benchmark("wanted", '{"seed": 0}')
    for _ in range(3):
        store.start_job(wanted, target="local", cases_total=2, owner=process_owner(), lease_s=60)
    store.write_result(1, full)
    store.write_result(1, failed)
    store.add_event(1, Event(kind="job-started", at=AT))
    store.add_event(1, Event(kind="case-started", at=AT))
    store.finish_job(2, "failed")
    for number in range(others):
        store.add_benchmark("other", f'{{"seed": {number + 1}}}')
        job = store.start_job(
            wanted, target="elsewhere", cases_total=1, owner=process_owner(), lease_s=60
        )
        store.finish_job(job, "done")
        store.write_result(1, replace(full, case_key=f"other-{number}", state="oom"))
    for _ in range(others):
        store.add_event(1, Event(kind="case-progress", at=AT))
    return store


READS: dict[str, tuple[Callable[[Store], object], object]] = {
    "benchmark": (lambda store: store.benchmark(1).name, "wanted"),
    "jobs by state": (lambda store: [job.id for job in store.jobs(states=["running"])], [1, 3]),
    "jobs by id": (lambda store: [job.id for job in store.jobs(ids=[3, 1, 999])], [1, 3]),
    "jobs by both": (
        lambda store: [job.id for job in store.jobs(ids=(1, 2), states=("failed",))],
        [2],
    ),
    "no jobs": (lambda store: store.jobs(ids=()), []),
    "case keys": (lambda store: store.case_keys(1, ("ok", "failed")), {"case-1", "case-2"}),
    "no case keys": (lambda store: store.case_keys(1, ()), set()),
    "figures of results": (
        lambda store: [row.case_key for row in store.study.rows(result_ids=[2, 1, 999])],
        ["case-1", "case-2"],
    ),
    "last events": (
        lambda store: [event.kind for event in store.events(1, last=2, progress=False)],
        ["job-started", "case-started"],
    ),
}


@pytest.mark.parametrize("name", READS)
def test_answer_and_cost(tmp_path: Path, full: Result, failed: Result, name: str) -> None:
    read, answer = READS[name]
    costs: list[Reads] = []
    for others in (1, 20):
        with fill(tmp_path / f"{others}.db", full, failed, others) as store:
            with reads_of(store) as reads:
                found = read(store)
            assert found == answer
            costs.append(reads)
    assert costs[0] == costs[1]
    assert costs[0].statements >= 1


def test_the_last_jobs_and_how_many_there_are(tmp_path: Path, full: Result, failed: Result) -> None:
    with fill(tmp_path / "store.db", full, failed, 20) as store:
        with reads_of(store) as reads:
            assert [job.id for job in store.jobs(states=FINAL, last=3)] == [21, 22, 23]
            assert store.queue.count_ended() == 21
        assert (reads.statements, reads.rows) == (2, 4)
        assert [job.id for job in store.jobs()] == list(range(1, 24))
        assert [job.id for job in store.jobs(last=2)] == [22, 23]


def test_of_the_jobs_of_a_benchmark_the_latest_alone_is_read(
    tmp_path: Path, full: Result, failed: Result
) -> None:
    with fill(tmp_path / "store.db", full, failed, 20) as store:
        with reads_of(store) as reads:
            found = store.resumable_job(1)
        assert found is not None and found.id == 23
        assert reads.rows == 2  # The job, and how many of its cases failed.
        with pytest.raises(StoreError, match="no benchmark 99 in this store"):
            store.benchmark(99)


def test_rows_of_a_table_by_a_condition(tmp_path: Path, full: Result, failed: Result) -> None:
    fill(tmp_path / "store.db", full, failed, 3).close()
    with Store.open(tmp_path / "store.db", readonly=True) as store:
        for table, ids in (("results", [1]), ("stages", [1, 1]), ("transcripts", [1, 1])):
            found = store.study.table(table, where="state = 'ok'")
            assert [row[0] for row in found.rows] == ids
        assert len(store.study.table("results", where="state = 'oom'").rows) == 3
        assert store.study.table("qualities", where="state = 'failed'").rows == []
