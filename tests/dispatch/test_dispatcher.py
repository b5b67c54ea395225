"""The dispatcher and the local launcher, with a stand-in for the runner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from runner.dispatch.catalogue import check_target, launcher_of, launchers
from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.launcher import Handle, LaunchError, UnreachableError
from runner.dispatch.process import ProcessLauncher
from runner.errors import UserError
from store import JobRequest, JobRow, Store, process_owner
from tests.dispatch.conftest import Yard, wait_for


def in_background(yard: Yard, **options: object) -> tuple[threading.Thread, list[str]]:
    """A dispatcher that drains the queue in a thread, with a store of its own; and what it says."""
    said: list[str] = []

    def drain() -> None:
        with Store.open(yard.path) as store:
            given = {"poll_s": 0.02, "grace_s": 2.0, **options}
            Dispatcher(store, {"local": yard.launcher}, say=said.append, **given).run(drain=True)  # type: ignore[arg-type]

    thread = threading.Thread(target=drain)
    thread.start()
    return thread, said


@pytest.mark.e2e
def test_two_dispatchers_run_fifty_jobs_once_each_one_at_a_time(yard: Yard) -> None:
    jobs = [yard.add(cases=1) for _ in range(50)]
    dispatchers = [yard.spawn_dispatcher(wait=True) for _ in range(2)]
    for process in dispatchers:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in dispatchers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=120)[0].split() for process in dispatchers]
    assert sorted(int(job) for share in ended for job in share) == jobs
    assert sorted(int(line.split()[0]) for line in yard.lines("ran.txt")) == jobs
    assert len(yard.lines("cases.txt")) == 50
    rows = yard.store.jobs()
    assert {(row.state, row.attempt, row.cases_done) for row in rows} == {("done", 1, 1)}
    spans = sorted((row.started_at or "", row.finished_at or "") for row in rows)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_kill_9_of_the_dispatcher_and_the_next_adopts_its_runner(yard: Yard) -> None:
    first, second = yard.add(), yard.add(cases=1)
    yard.flag("hold")
    dispatcher = yard.spawn_dispatcher()
    wait_for(lambda: yard.store.job(first).cases_done == 1)
    dispatcher.kill()
    dispatcher.wait()
    pid = yard.runner_pid(first)
    os.kill(pid, 0)
    thread, said = in_background(yard)
    wait_for(lambda: any("adopted" in line for line in said))
    assert yard.store.job(second).state == "queued"
    yard.flag("hold", False)
    thread.join(90)
    assert [yard.store.job(job).state for job in (first, second)] == ["done", "done"]
    assert yard.store.job(first).attempt == 1
    assert yard.lines("ran.txt")[0] == f"{first} 1 {pid}"
    assert len(yard.lines("ran.txt")) == 2
    assert yard.lines("cases.txt") == [f"{first} case-0", f"{first} case-1", f"{second} case-0"]


@pytest.mark.timed
@pytest.mark.parametrize("adopted", [False, True], ids=["child", "adopted"])
def test_kill_9_of_the_runner_ends_its_job_and_the_queue_goes_on(yard: Yard, adopted: bool) -> None:
    first, second = yard.add(), yard.add(cases=1)
    yard.flag("hold")
    if adopted:
        dispatcher = yard.spawn_dispatcher()
        wait_for(lambda: yard.store.job(first).cases_done == 1)
        dispatcher.kill()
        dispatcher.wait()
    thread, said = in_background(yard)
    wait_for(lambda: yard.store.job(first).cases_done == 1 and bool(said))
    began = time.monotonic()
    yard.flag("hold", False)
    os.kill(yard.runner_pid(first), signal.SIGSTOP)
    os.kill(yard.runner_pid(first), signal.SIGKILL)
    thread.join(90)
    assert time.monotonic() - began < 15
    job = yard.store.job(first)
    if adopted:
        assert job.state == "lost"
        assert f"its process {job.handle} is gone" in str(job.reason)
    else:
        assert (job.state, job.reason) == ("failed", "its runner was killed by SIGKILL")
    assert job.cases_done == 1
    assert yard.store.job(second).state == "done"


def test_runner_and_dispatcher_both_killed(yard: Yard) -> None:
    first, second = yard.add(), yard.add(cases=1)
    yard.flag("hold")
    dispatcher = yard.spawn_dispatcher()
    wait_for(lambda: yard.store.job(first).cases_done == 1)
    dispatcher.kill()
    dispatcher.wait()
    os.kill(yard.runner_pid(first), signal.SIGKILL)
    yard.flag("hold", False)
    yard.dispatcher().run(drain=True)
    job = yard.store.job(first)
    assert job.state == "lost"
    assert "is gone" in str(job.reason)
    assert yard.store.job(second).state == "done"
    yard.store.queue.retry(first)
    yard.dispatcher().run(drain=True)
    assert (yard.store.job(first).state, yard.store.job(first).attempt) == ("done", 2)
    assert yard.lines("cases.txt").count(f"{first} case-0") == 1


def test_a_dispatcher_killed_before_its_runner_began(yard: Yard) -> None:
    """The runner of the attempt that was put back finds itself refused."""
    job = yard.add()
    yard.flag("slow-start")
    dispatcher = yard.spawn_dispatcher()
    wait_for(lambda: len(yard.lines("ran.txt")) == 1)
    dispatcher.kill()
    dispatcher.wait()
    # As if it had died between the start and the note of it.
    yard.store.attempts.launched(job, 1, "", None)
    yard.store._database._connection.execute("UPDATE jobs SET handle = NULL")
    thread, said = in_background(yard)
    wait_for(lambda: len(yard.lines("ran.txt")) == 2)
    yard.flag("slow-start", False)
    thread.join(90)
    assert said[0] == f"job {job} had not begun when its dispatcher went: put back"
    assert (yard.store.job(job).state, yard.store.job(job).attempt) == ("done", 2)
    assert len(yard.lines("cases.txt")) == 2


def test_cancel_ends_the_runner_and_keeps_its_rows(yard: Yard) -> None:
    job = yard.add(cases=3)
    yard.flag("hold")
    thread, _ = in_background(yard)
    wait_for(lambda: yard.store.job(job).cases_done == 1)
    assert yard.store.queue.cancel(job) == "running"
    thread.join(90)
    row = yard.store.job(job)
    assert (row.state, row.reason) == ("cancelled", "cancelled on request")
    assert yard.store.counts(job).ok == 1
    yard.flag("hold", False)
    yard.store.queue.retry(job)
    yard.dispatcher().run(drain=True)
    assert (yard.store.job(job).state, yard.store.job(job).attempt) == ("done", 2)
    assert len(yard.lines("cases.txt")) == 3


@pytest.mark.parametrize("adopted", [False, True], ids=["child", "adopted"])
def test_a_runner_that_will_not_end_is_ended(yard: Yard, adopted: bool) -> None:
    job = yard.add()
    yard.flag("hold")
    yard.flag("stubborn")
    if adopted:
        dispatcher = yard.spawn_dispatcher()
        wait_for(lambda: yard.store.job(job).cases_done == 1)
        dispatcher.kill()
        dispatcher.wait()
    thread, _ = in_background(yard, grace_s=0.3)
    wait_for(lambda: yard.store.job(job).cases_done == 1)
    yard.store.queue.cancel(job)
    thread.join(90)
    row = yard.store.job(job)
    assert (row.state, row.reason, row.cases_done) == ("cancelled", "cancelled on request", 1)


def test_cancel_while_the_runner_starts(yard: Yard) -> None:
    job = yard.add()
    yard.flag("slow-start")
    thread, _ = in_background(yard)
    wait_for(lambda: yard.store.job(job).state == "starting")
    assert yard.store.queue.cancel(job) == "starting"
    thread.join(90)
    assert yard.store.job(job).state == "cancelled"
    assert yard.lines("cases.txt") == []


def test_time_limit(yard: Yard) -> None:
    job, other = yard.add(time_limit_s=0.5), yard.add(time_limit_s=60)
    yard.flag("hold")
    thread, _ = in_background(yard)
    wait_for(lambda: yard.store.job(other).state == "running")
    yard.flag("hold", False)
    thread.join(90)
    row = yard.store.job(job)
    assert (row.state, row.reason) == ("failed", "stopped after 0.5 s (its time limit)")
    assert (row.cases_done, yard.store.job(other).state) == (1, "done")


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        ("no-start", "its runner ended with exit code 1: error: no speech here"),
        ("no-end", "its runner ended with exit code 0"),
    ],
)
def test_a_runner_that_ends_without_a_word(yard: Yard, flag: str, reason: str) -> None:
    job = yard.add()
    yard.flag(flag)
    dispatcher = yard.dispatcher()
    dispatcher.run(drain=True)
    assert (yard.store.job(job).state, yard.store.job(job).reason) == ("failed", reason)
    assert dispatcher.ended == [job]
    assert Path(str(yard.store.job(job).log_path)).is_file()


def test_a_runner_that_never_begins(yard: Yard) -> None:
    job = yard.add()
    yard.flag("slow-start")
    yard.dispatcher(start_s=0.3).run(drain=True)
    assert yard.store.job(job).reason == "its runner did not begin within 0.3 s"


def test_a_folder_that_is_gone(yard: Yard) -> None:
    benchmark = yard.store.add_benchmark("quick", "{}")
    gone = yard.store.queue.add(
        benchmark, JobRequest(target="local", folder="/no/such"), cases_total=1
    )
    good = yard.add()
    yard.dispatcher().run(drain=True)
    row = yard.store.job(gone)
    assert row.state == "failed"
    assert row.reason == "cannot start a runner: No such file or directory: /no/such"
    assert yard.store.job(good).state == "done"


def test_priority_decides_and_once_takes_one(yard: Yard) -> None:
    low, high = yard.add(cases=1), yard.add(cases=1, priority=5)
    yard.dispatcher().run(jobs=1)
    assert [yard.store.job(job).state for job in (low, high)] == ["queued", "done"]
    yard.dispatcher().run(jobs=1)
    yard.dispatcher().run(jobs=1)  # Nothing waits: it returns at once.
    assert yard.store.job(low).state == "done"


def test_parallel_jobs_run_at_once(yard: Yard) -> None:
    jobs = [yard.add(cases=1) for _ in range(3)]
    yard.flag("hold")
    thread, _ = in_background(yard, parallel=2)
    wait_for(lambda: len(yard.store.attempts.held()) == 2)
    time.sleep(0.2)
    assert len(yard.store.attempts.held()) == 2
    yard.flag("hold", False)
    thread.join(90)
    assert all(yard.store.job(job).state == "done" for job in jobs)


def test_a_run_by_hand_is_waited_for_and_not_touched(yard: Yard, dead_owner: str) -> None:
    benchmark = yard.store.add_benchmark("quick", "{}")
    start: Callable[[str], int] = lambda owner: yard.store.start_job(  # noqa: E731
        benchmark, target="local", cases_total=1, owner=owner, lease_s=0.0
    )
    # Its lease has run out, as after a sleep of the machine, but its process lives.
    by_hand, vanished = start(process_owner()), start(dead_owner)
    job = yard.add()
    thread, said = in_background(yard)
    wait_for(lambda: any("waiting until" in line for line in said))
    assert yard.store.job(by_hand).state == "running"
    assert (yard.store.job(vanished).state, yard.store.job(job).state) == ("lost", "queued")
    yard.store.finish_job(by_hand, "done")
    thread.join(90)
    assert said[1] == f"waiting until job {by_hand} has ended, so that neither disturbs the other"
    assert yard.store.job(job).state == "done"


@pytest.fixture
def dead_owner() -> str:
    """A process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    owner = process_owner(process.pid)
    process.communicate()
    return owner


def test_a_process_of_another_machine_is_not_looked_for_here(yard: Yard) -> None:
    job = yard.store.job(yard.add())
    ours = replace(job, handle=f"elsewhere/1:{os.getpid()}:0")
    assert yard.launcher.find(ours) is None
    assert yard.launcher.find(job) is None
    assert yard.launcher.find(replace(job, handle="nonsense")) is None


def test_a_target_that_this_dispatcher_does_not_know(yard: Yard, dead_owner: str) -> None:
    """Its runner may live: only its lease can tell."""
    benchmark = yard.store.add_benchmark("quick", "{}")
    job = yard.store.queue.add(benchmark, JobRequest(target="moon"), cases_total=1)
    yard.store.attempts.claim(dead_owner, 60, targets={"moon"})
    yard.store.attempts.begin(job, 1, "moon/1:1:1", 60)
    yard.dispatcher().reconcile()
    assert yard.store.job(job).state == "running"
    yard.store.heartbeat(job, -1)
    yard.dispatcher().reconcile()
    assert yard.store.job(job).state == "lost"
    assert "no heartbeat of moon/1:1:1" in str(yard.store.job(job).reason)


def test_targets(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='unknown target "locl"; did you mean "local"'):
        check_target("locl")
    with pytest.raises(UserError, match='unknown target "moon"; known: local, docker-cpu'):
        launcher_of("moon", tmp_path)
    assert set(launchers(tmp_path / "x.db")) == {*("local", "docker-cpu", "docker-cuda", "ray")}
    assert issubclass(LaunchError, UserError)


class Silent(ProcessLauncher):
    """A launcher whose place does not answer."""

    answers = False

    def find(self, job: JobRow) -> Handle | None:
        if not self.answers:
            raise UnreachableError("the engine does not answer")
        return super().find(job)


def test_a_job_that_may_run_where_nobody_answers_is_not_started_again(
    yard: Yard, dead_owner: str
) -> None:
    job = yard.add()
    yard.store.attempts.claim(dead_owner, 60, targets={"local"})
    silent = Silent(yard.path, command=("false",))
    Dispatcher(yard.store, {"local": silent}).reconcile()
    row = yard.store.job(job)
    assert (row.state, row.attempt) == ("lost", 1)
    assert yard.lines("ran.txt") == []
    yard.store.queue.retry(job)
    yard.store.attempts.claim(dead_owner, 60, targets={"local"})
    silent.answers = True
    Dispatcher(yard.store, {"local": silent}).reconcile()
    assert (yard.store.job(job).state, yard.store.job(job).attempt) == ("queued", 3)
