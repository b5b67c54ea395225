"""Jobs: leases, heartbeats, and which job can be resumed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from store import (
    JobBusyError,
    JobState,
    LeaseLostError,
    Result,
    Store,
    StoreError,
    owner_is_dead,
    process_owner,
)

AddJob = Callable[..., int]
ELSEWHERE = "other-host/4026531836:17:4711"


class Clock(Protocol):
    def forward(self, seconds: float) -> None: ...


@pytest.fixture
def dead_owner() -> str:
    """A process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = process_owner(process.pid)
    process.communicate()
    return owner


def test_equal_configs_are_one_benchmark(store: Store) -> None:
    first = store.add_benchmark("a", '{"models": ["x"], "seed": 1}')
    assert store.add_benchmark("renamed", '{"seed":1,\n"models":["x"]}') == first
    assert store.add_benchmark("a", '{"models": ["x"], "seed": 2}') != first
    assert [row.name for row in store.benchmarks()] == ["a", "a"]
    assert store.benchmarks()[0].config == '{"models":["x"],"seed":1}'


@pytest.mark.parametrize("config", ["{", '{"a": NaN}', '{"a": Infinity}'])
def test_config_that_is_not_json(store: Store, config: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|JSON"):
        store.add_benchmark("a", config)
    assert store.benchmarks() == []


def test_a_started_job_runs_and_is_held(store: Store, job_id: int) -> None:
    job = store.job(job_id)
    assert (job.state, job.attempt, job.cases_total, job.cases_done) == ("running", 1, 2, 0)
    assert job.benchmark == "demo"
    assert job.lease_owner == process_owner()
    assert job.started_at == job.heartbeat_at == "2026-01-31T12:00:00.000000+00:00"
    assert job.lease_expires_at == "2026-01-31T12:01:00.000000+00:00"
    assert store.jobs() == [job]
    assert store.jobs(states=["queued", "done"]) == []


def test_job_of_no_benchmark(store: Store) -> None:
    with pytest.raises(StoreError, match="no benchmark 5"):
        store.start_job(5, target="local", cases_total=1, owner="x", lease_s=1)
    with pytest.raises(StoreError, match="no job 5"):
        store.job(5)


def test_heartbeat_moves_the_lease(store: Store, job_id: int, clock: Clock) -> None:
    clock.forward(30)
    store.heartbeat(job_id, 60, owner=process_owner())
    assert store.job(job_id).heartbeat_at == "2026-01-31T12:00:30.000000+00:00"
    assert store.job(job_id).lease_expires_at == "2026-01-31T12:01:30.000000+00:00"


def test_finishing_frees_the_lease(store: Store, job_id: int, clock: Clock) -> None:
    clock.forward(5)
    store.finish_job(job_id, "failed", "disk gone")
    job = store.job(job_id)
    assert (job.state, job.reason) == ("failed", "disk gone")
    assert job.finished_at == "2026-01-31T12:00:05.000000+00:00"
    assert (job.lease_owner, job.lease_expires_at) == (None, None)
    with pytest.raises(LeaseLostError, match="job 1 is failed: disk gone"):
        store.heartbeat(job_id, 60)


def test_a_job_does_not_end_as_running(store: Store, job_id: int) -> None:
    with pytest.raises(ValueError, match="'running'"):
        store.finish_job(job_id, "running")


@pytest.mark.parametrize("state", ["failed", "cancelled", "lost"])
def test_ended_job_is_resumable(store: Store, job_id: int, state: JobState) -> None:
    store.finish_job(job_id, state, "why")
    job = store.resumable_job(store.job(job_id).benchmark_id)
    assert job is not None
    assert job.id == job_id


def test_wholly_done_job_is_not_resumable(
    store: Store, job_id: int, full: Result, failed: Result
) -> None:
    benchmark_id = store.job(job_id).benchmark_id
    store.write_result(job_id, full)
    store.finish_job(job_id, "done")
    found = store.resumable_job(benchmark_id)
    assert found is not None, "one case has no row"
    store.write_result(job_id, failed)
    found = store.resumable_job(benchmark_id)
    assert found is not None, "one case failed"
    store.write_result(job_id, replace(failed, state="refused"), replace=True)
    assert store.resumable_job(benchmark_id) is not None, "the network may be back"
    store.write_result(job_id, replace(failed, state="oom"), replace=True)
    assert store.resumable_job(benchmark_id) is None


def test_only_the_latest_job_counts(store: Store, add_job: AddJob) -> None:
    old = add_job(store, cases_total=0)
    benchmark_id = store.job(old).benchmark_id
    store.finish_job(old, "lost", "gone")
    store.finish_job(add_job(store, cases_total=0), "done")
    assert store.resumable_job(benchmark_id) is None


def test_target_narrows_the_search(store: Store, add_job: AddJob) -> None:
    local = add_job(store, cases_total=0)
    benchmark_id = store.job(local).benchmark_id
    store.finish_job(local, "cancelled")
    add_job(store, target="docker-cpu")
    found = store.resumable_job(benchmark_id, target="local")
    assert found is not None
    assert found.id == local
    assert store.resumable_job(benchmark_id, target="docker-cuda") is None
    with pytest.raises(JobBusyError):
        store.resumable_job(benchmark_id)


def test_no_job_no_resume(store: Store) -> None:
    assert store.resumable_job(store.add_benchmark("a", "{}")) is None


@pytest.mark.parametrize(
    "owner", [process_owner(), ELSEWHERE, "no-owner-of-ours"], ids=["us", "elsewhere", "unknown"]
)
def test_live_job_is_refused_until_its_lease_ends(
    store: Store, add_job: AddJob, clock: Clock, owner: str
) -> None:
    job_id = add_job(store, owner=owner, lease_s=60)
    benchmark_id = store.job(job_id).benchmark_id
    clock.forward(59)
    with pytest.raises(JobBusyError, match=f"job {job_id} is being run by {owner}"):
        store.resumable_job(benchmark_id)
    with pytest.raises(JobBusyError):
        store.reopen_job(job_id, "me", 60)
    clock.forward(1)
    found = store.resumable_job(benchmark_id)
    assert found is not None
    assert found.id == job_id


def test_dead_owner_need_not_be_waited_for(store: Store, add_job: AddJob, dead_owner: str) -> None:
    job_id = add_job(store, owner=dead_owner, lease_s=1e6)
    found = store.resumable_job(store.job(job_id).benchmark_id)
    assert found is not None
    assert found.id == job_id


def test_reopened_job_belongs_to_its_new_owner(store: Store, add_job: AddJob, clock: Clock) -> None:
    job_id = add_job(store, owner="old", lease_s=60)
    clock.forward(100)
    store.reopen_job(job_id, "new", 60)
    job = store.job(job_id)
    assert (job.state, job.attempt, job.lease_owner) == ("running", 2, "new")
    assert job.started_at == "2026-01-31T12:00:00.000000+00:00"
    assert (job.reason, job.finished_at) == (None, None)
    with pytest.raises(LeaseLostError, match="taken over by new"):
        store.heartbeat(job_id, 60, owner="old")
    with pytest.raises(LeaseLostError, match="taken over by new"):
        store.finish_job(job_id, "failed", owner="old")
    assert store.job(job_id).state == "running"
    store.heartbeat(job_id, 60, owner="new")
    store.finish_job(job_id, "done", owner="new")


def test_vanished_runners_are_marked_lost(
    store: Store, add_job: AddJob, clock: Clock, dead_owner: str
) -> None:
    silent = add_job(store, owner=ELSEWHERE, lease_s=10)
    clock.forward(20)
    dead = add_job(store, owner=dead_owner)
    live = add_job(store)
    assert store.mark_lost_jobs() == [silent, dead]
    assert [store.job(job).state for job in (silent, dead, live)] == ["lost", "lost", "running"]
    assert "no heartbeat" in (store.job(silent).reason or "")
    assert f"{dead_owner} is gone" in (store.job(dead).reason or "")
    assert store.mark_lost_jobs() == []


def test_owner_of_this_process_lives() -> None:
    assert not owner_is_dead(process_owner())


def test_same_pid_with_another_start_is_another_process() -> None:
    host, pid, started = process_owner().split(":")
    assert int(pid) == os.getpid()
    assert owner_is_dead(f"{host}:{pid}:{int(started) + 1}")


def test_zombie_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = process_owner(process.pid)
    assert not owner_is_dead(owner)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert owner_is_dead(owner)
    process.communicate()


@pytest.mark.parametrize("owner", [ELSEWHERE, "", "x", "x:y:z"])
def test_what_cannot_be_known_is_not_dead(owner: str) -> None:
    assert not owner_is_dead(owner)


def test_without_proc_nothing_is_known_dead(tmp_path: Path) -> None:
    owner = process_owner(proc=tmp_path)
    assert owner.endswith(f":{os.getpid()}:0")
    assert not owner_is_dead(owner, proc=tmp_path)


def test_process_with_a_strange_name(tmp_path: Path) -> None:
    fields: list[Any] = ["S", *range(4, 22), 777, 23]
    (tmp_path / "12").mkdir()
    (tmp_path / "12" / "stat").write_text(f"12 (a) b (c)) {' '.join(map(str, fields))}\n")
    assert process_owner(12, proc=tmp_path).endswith(":12:777")
