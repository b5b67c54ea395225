"""The queue: order, claims, attempts, and every way out of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from store import (
    JobRequest,
    LeaseLostError,
    Place,
    Result,
    Store,
    StoreError,
    machine_of,
    process_owner,
    stop_of,
)

ME = process_owner()
HERE = machine_of(ME)
ELSEWHERE = "other/4026531836:17:4711"
LOCAL = {"local"}

AddJob = Callable[..., int]


class Clock(Protocol):
    def __call__(self) -> object: ...
    def forward(self, seconds: float) -> None: ...


@pytest.fixture
def queue_job(store: Store) -> Callable[..., int]:
    """Adds a queued job."""

    def add(priority: int = 0, target: str = "local", time_limit_s: float | None = None) -> int:
        benchmark = store.add_benchmark("demo", '{"name": "demo"}')
        return store.queue.add(
            benchmark,
            JobRequest(target=target, priority=priority, time_limit_s=time_limit_s, folder="/tmp"),
            cases_total=2,
        )

    return add


@pytest.fixture
def dead() -> Iterator[str]:
    """A process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    owner = process_owner(process.pid)
    process.communicate()
    yield owner


def order(store: Store) -> list[int]:
    return [job.id for job in store.queue.waiting()]


def claim(store: Store, owner: str = ME, parallel: int = 1) -> int | None:
    job = store.attempts.claim(owner, 30, targets=LOCAL, parallel=parallel)
    return None if job is None else job.id


def test_priority_then_arrival(store: Store, queue_job: AddJob) -> None:
    assert [queue_job(p) for p in (0, 5, 0, 5, -1)] == [1, 2, 3, 4, 5]
    assert order(store) == [2, 4, 1, 3, 5]
    assert [claim(store, parallel=9) for _ in range(6)] == [2, 4, 1, 3, 5, None]


@pytest.mark.parametrize(
    ("job", "place", "other", "expected"),
    [
        (5, "top", None, [5, 2, 4, 1, 3]),
        (2, "bottom", None, [4, 1, 3, 5, 2]),
        (5, "before", 4, [2, 5, 4, 1, 3]),
        (2, "after", 1, [4, 1, 2, 3, 5]),
        (2, "before", 4, [2, 4, 1, 3, 5]),
        (3, "after", 5, [2, 4, 1, 5, 3]),
    ],
)
def test_move(
    store: Store, queue_job: AddJob, job: int, place: Place, other: int | None, expected: list[int]
) -> None:
    for priority in (0, 5, 0, 5, -1):
        queue_job(priority)
    store.queue.move(job, place, other)
    assert order(store) == expected
    priorities = [row.priority for row in store.queue.waiting()]
    assert priorities == sorted(priorities, reverse=True)
    queue_job(0)
    assert [claim(store, parallel=9) for _ in range(6)] == order_with_new(expected, priorities)


def order_with_new(expected: list[int], priorities: list[int]) -> list[int]:
    """A new job of priority 0 comes after all others of it."""
    place = sum(priority >= 0 for priority in priorities)
    return [*expected[:place], 6, *expected[place:]]


def test_only_waiting_jobs_move(store: Store, queue_job: AddJob) -> None:
    queue_job()
    queue_job()
    claim(store)
    for job, other in ((1, 2), (2, 1)):
        with pytest.raises(StoreError, match="job 1 is starting: only a queued job"):
            store.queue.move(job, "before", other)
    with pytest.raises(StoreError, match="itself"):
        store.queue.move(2, "after", 2)
    with pytest.raises(StoreError, match="no job 9"):
        store.queue.move(9, "top")


def test_one_job_at_a_time_on_a_machine(store: Store, queue_job: AddJob, add_job: AddJob) -> None:
    queue_job()
    queue_job()
    by_hand = add_job(store)
    assert claim(store) is None, "a run by hand keeps the machine too"
    store.finish_job(by_hand, "done")
    assert claim(store) == 1
    assert claim(store) is None
    assert claim(store, parallel=2) == 2
    store.attempts.settle(1, 1, "failed", "x")
    queue_job()
    assert claim(store) is None
    assert claim(store, ELSEWHERE) == 4


def test_only_what_the_dispatcher_can_start(store: Store, queue_job: AddJob) -> None:
    queue_job(target="docker-cpu", priority=9)
    queue_job()
    assert claim(store) == 2


def test_claim_launch_begin(store: Store, queue_job: AddJob, clock: Clock) -> None:
    queue_job()
    job = store.attempts.claim(ME, 30, targets=LOCAL)
    assert job is not None
    assert (job.state, job.lease_owner, job.dispatcher, job.machine) == ("starting", ME, ME, HERE)
    store.attempts.launched(1, 1, "a-process", "/x.log")
    clock.forward(5)
    begun = store.attempts.begin(1, 1, "runner", 30)
    assert (begun.state, begun.lease_owner, begun.handle) == ("running", "runner", "a-process")
    assert begun.attempt_started_at == begun.started_at == "2026-01-31T12:00:05.000000+00:00"
    with pytest.raises(LeaseLostError, match="job 1 is being run by runner"):
        store.attempts.begin(1, 1, "second", 30)
    with pytest.raises(LeaseLostError, match="attempt 2 of job 1 is over"):
        store.attempts.begin(1, 2, "second", 30)
    assert store.heartbeat(1, 30, owner="runner") is None
    store.finish_job(1, "done", owner="runner")
    with pytest.raises(LeaseLostError, match="job 1 is done"):
        store.attempts.begin(1, 1, "second", 30)
    assert not store.attempts.settle(1, 1, "lost", "too late")
    assert store.job(1).state == "done"


def test_cancel(store: Store, queue_job: AddJob) -> None:
    assert [queue_job() for _ in range(2)] == [1, 2]
    assert store.queue.cancel(2) == "cancelled"
    assert store.job(2).reason == "cancelled before it started"
    assert claim(store) == 1
    store.attempts.begin(1, 1, "runner", 30)
    assert store.queue.cancel(1) == store.queue.cancel(1) == "running"
    stop = store.heartbeat(1, 30)
    assert stop is not None
    assert (stop.state, stop.reason) == ("cancelled", "cancelled on request")
    store.finish_job(1, "cancelled", "x")
    with pytest.raises(StoreError, match="job 1 is cancelled already"):
        store.queue.cancel(1)


def test_time_limit_counts_from_the_attempt(store: Store, queue_job: AddJob, clock: Clock) -> None:
    queue_job(time_limit_s=60)
    for _ in range(2):
        clock.forward(1000)
        assert claim(store) == 1
        clock.forward(100)
        attempt = store.job(1).attempt
        assert stop_of(store.job(1), clock()) is None, "it has not begun"
        store.attempts.begin(1, attempt, "runner", 30)
        clock.forward(59)
        assert store.heartbeat(1, 30) is None
        clock.forward(1)
        stop = store.heartbeat(1, 30)
        assert stop is not None
        assert (stop.state, stop.reason) == ("failed", "stopped after 60 s (its time limit)")
        store.attempts.settle(1, attempt, stop.state, stop.reason)
        store.queue.retry(1)


def test_retry_is_the_next_attempt_at_the_end(
    store: Store, queue_job: AddJob, full: Result
) -> None:
    for _ in range(3):
        queue_job()
    assert claim(store) == 1
    with pytest.raises(StoreError, match="job 1 is starting: only a job that has ended"):
        store.queue.retry(1)
    store.attempts.begin(1, 1, "runner", 30)
    store.write_result(1, full)
    store.queue.cancel(1)
    store.attempts.settle(1, 1, "cancelled", "on request")
    store.queue.retry(1)
    assert order(store) == [2, 3, 1]
    job = store.job(1)
    assert (job.state, job.attempt, job.reason, job.cases_done) == ("queued", 2, None, 1)
    assert (job.cancel_requested_at, job.finished_at, job.dispatcher) == (None, None, None)
    with pytest.raises(LeaseLostError, match="is queued"):
        store.heartbeat(1, 30, owner="runner")


def test_retry_of_a_job_with_nothing_left(
    store: Store, queue_job: AddJob, full: Result, failed: Result
) -> None:
    queue_job()
    store.write_result(1, full)
    store.write_result(1, failed)
    store.finish_job(1, "done")
    store.queue.retry(1)
    store.write_result(1, replace(failed, state="refused"), replace=True)
    store.finish_job(1, "done")
    store.queue.retry(1)
    store.write_result(1, replace(failed, state="oom"), replace=True)
    store.finish_job(1, "done")
    with pytest.raises(StoreError, match="nothing left"):
        store.queue.retry(1)


def test_remove(store: Store, queue_job: AddJob, full: Result, dead: str) -> None:
    queue_job()
    assert claim(store) == 1
    with pytest.raises(StoreError, match="job 1 is starting: cancel it first"):
        store.queue.remove(1)
    store.attempts.begin(1, 1, dead, 30)
    with pytest.raises(StoreError, match="job 1 is running: cancel it first"):
        store.queue.remove(1)  # Its dispatcher will say what became of the runner.
    store.write_result(1, full)
    store.attempts.settle(1, 1, "lost", "gone")
    with pytest.raises(StoreError, match="has 1 results"):
        store.queue.remove(1)
    store.queue.remove(1, with_results=True)
    assert (store.jobs(), store.leaderboard()) == ([], [])


def test_a_job_whose_dispatcher_died_can_be_removed(
    store: Store, queue_job: AddJob, dead: str
) -> None:
    queue_job()
    assert claim(store, dead) == 1
    store.queue.remove(1)
    assert store.jobs() == []


def test_a_claim_whose_dispatcher_died_is_put_back(
    store: Store, queue_job: AddJob, dead: str
) -> None:
    for _ in range(2):
        queue_job()
    assert claim(store, dead) == 1
    assert store.attempts.give_back(1, 1)
    assert not store.attempts.give_back(1, 1)
    assert order(store) == [1, 2]
    with pytest.raises(LeaseLostError, match="is queued"):
        store.attempts.begin(1, 1, "late runner", 30)
    assert claim(store) == 1
    with pytest.raises(LeaseLostError, match="attempt 1 of job 1 is over"):
        store.attempts.begin(1, 1, "late runner", 30)
    assert not store.attempts.give_back(1, 2), "its dispatcher lives"
    store.attempts.begin(1, 2, "runner", 30)


def test_a_claim_to_be_cancelled_is_not_put_back(
    store: Store, queue_job: AddJob, dead: str
) -> None:
    queue_job()
    claim(store, dead)
    assert store.queue.cancel(1) == "starting"
    assert store.attempts.give_back(1, 1)
    assert store.job(1).state == "cancelled"


def test_adoption(store: Store, queue_job: AddJob, clock: Clock, dead: str) -> None:
    queue_job()
    claim(store, dead)
    store.attempts.begin(1, 1, "runner", 30)
    assert store.attempts.adopt(1, 1, ME, 30)
    assert not store.attempts.adopt(1, 1, "another", 30)
    assert (store.job(1).dispatcher, store.job(1).lease_owner) == (ME, "runner")
    clock.forward(40)
    assert store.attempts.adopt(1, 1, ELSEWHERE, 30), "nobody has renewed the lease"
    with pytest.raises(LeaseLostError, match=f"followed by {ELSEWHERE}"):
        store.attempts.renew(1, 1, ME, 30)
    assert store.attempts.renew(1, 1, ELSEWHERE, 30).id == 1
    assert not store.attempts.adopt(1, 2, ME, 30)


def test_runs_by_hand_are_not_adopted(store: Store, job_id: int, clock: Clock) -> None:
    clock.forward(1000)
    assert not store.attempts.adopt(job_id, 1, ME, 30)


def test_a_run_by_hand_takes_a_job_out_of_the_dispatchers_hands(
    store: Store, queue_job: AddJob
) -> None:
    queue_job()
    claim(store)
    store.queue.cancel(1)
    store.attempts.settle(1, 1, "cancelled", "x")
    store.reopen_job(1, "by-hand:1:1", 30)
    job = store.job(1)
    assert (job.dispatcher, job.handle, job.cancel_requested_at) == (None, None, None)
    assert (job.machine, job.attempt) == ("by-hand", 2)


def test_queue_of_no_benchmark(store: Store, store_path: Path) -> None:
    with pytest.raises(StoreError, match="no benchmark 7"):
        store.queue.add(7, JobRequest(target="local"), cases_total=1)
    with pytest.raises(StoreError, match="no benchmark 7"):
        store.benchmark(7)
