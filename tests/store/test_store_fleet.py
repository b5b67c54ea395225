"""What a fleet asks of the queue: pools of equal needs, and jobs that are tried again."""

from __future__ import annotations

import pytest

from store import JobRequest, Pool, Store, process_owner

ME = process_owner()
ARM, H100 = '{"arch": "arm64"}', '{"accelerator": "H100"}'


def add(store: Store, needs: str | None = None, *, target: str = "ray", **more: int) -> int:
    benchmark = store.add_benchmark("demo", '{"name": "demo"}')
    return store.queue.add(benchmark, JobRequest(target=target, needs=needs, **more), cases_total=2)


def claim(store: Store, pool: Pool) -> int | None:
    job = store.attempts.claim(ME, 30, pool=pool)
    return None if job is None else job.id


def test_each_pool_has_its_own_slots_and_order(store: Store) -> None:
    first, second = add(store, ARM), add(store, ARM)
    urgent = add(store, ARM, priority=5)
    other, any_node = add(store, H100), add(store)
    arm, h100, anywhere = (Pool("ray", ("ray",), 2, needs) for needs in (ARM, H100, None))
    assert sorted(map(str, store.queue.needs("ray"))) == sorted([ARM, H100, "None"])
    assert [claim(store, arm) for _ in range(3)] == [urgent, first, None]
    assert claim(store, h100) == other
    assert [claim(store, anywhere) for _ in range(2)] == [any_node, None]
    store.attempts.settle(first, 1, "failed", "x")
    assert claim(store, arm) == second
    assert store.queue.count("ray") == 0


def test_a_fleet_does_not_take_this_machine(store: Store) -> None:
    here, there = add(store, target="local"), add(store)
    assert claim(store, Pool("ray", ("ray",), 1, None)) == there
    job = store.attempts.claim(ME, 30, targets=("local",))
    assert job is not None and job.id == here
    assert store.queue.is_waited_for(["local", "ray"]) is False
    assert store.queue.targets() == ["local", "ray"]


def test_a_lost_job_keeps_its_place_and_avoids_the_node(store: Store) -> None:
    job, later = add(store, retries=2), add(store)
    pool = Pool("ray", ("ray",), 9, None)
    for attempt, node in ((1, "pi/aa"), (2, "xeon/bb")):
        assert claim(store, pool) == job
        store.attempts.placed(job, attempt, node)
        assert store.attempts.settle(job, attempt, "lost", "its node has died")
    row = store.job(job)
    assert (row.state, row.attempt, row.retries) == ("queued", 3, 0)
    assert (row.node, row.avoid) == (None, "aa,bb")
    said = [event.message for event in store.events(job) if event.kind == "job-retried"]
    assert said[0] == "attempt 1 lost: its node has died; queued again"
    # An attempt that is over cannot lose it again.
    assert store.attempts.settle(job, 2, "lost", "late") is False
    assert claim(store, pool) == job
    assert store.attempts.settle(job, 3, "lost", "once more")
    assert (store.job(job).state, store.job(job).reason) == ("lost", "once more")
    assert claim(store, pool) == later


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_only_lost_jobs_are_tried_again(store: Store, state: str) -> None:
    job = add(store, retries=1)
    claim(store, Pool("ray", ("ray",), 1, None))
    store.attempts.settle(job, 1, state, "x")  # type: ignore[arg-type]
    assert store.job(job).state == state


def test_a_lost_job_that_was_to_end_is_not_tried_again(store: Store) -> None:
    job = add(store, retries=1)
    claim(store, Pool("ray", ("ray",), 1, None))
    store.queue.cancel(job)
    store.attempts.settle(job, 1, "lost", "gone")
    assert store.job(job).state == "lost"
