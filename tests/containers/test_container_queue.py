"""Containers, dispatchers and the host on one store: nothing is lost, doubled or run twice."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from store import FINAL
from tests.cli.records import result
from tests.containers.conftest import ContainerYard, turn_until
from tests.dispatch.conftest import wait_for

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[2]
ENGINE_SCRIPT = ROOT / ".ci" / "engine"


def test_four_containers_and_the_host_write_at_once(yard: ContainerYard) -> None:
    cases = 150
    jobs = [yard.add(cases=cases) for _ in range(4)]
    mine = yard.add(cases=cases, target="local")
    assert yard.store.attempts.claim("here:1:1", 600, targets=("local",)) is not None
    yard.store.attempts.begin(mine, 1, "here:1:1", 600)
    yard.flag("slow-start")
    dispatcher = yard.spawn(parallel=5)
    wait_for(lambda: len(yard.lines("ran.txt")) == 4, 60)
    yard.flag("slow-start", on=False)
    for case in range(cases):
        yard.store.write_result(mine, replace(result(), case_key=f"case-{case}"))
    yard.store.finish_job(mine, "done", owner="here:1:1")
    output, _ = dispatcher.communicate(timeout=120)
    assert dispatcher.returncode == 0, output
    with sqlite3.connect(yard.path) as connection:
        found = dict(connection.execute("SELECT job_id, count(*) FROM results GROUP BY job_id"))
        keys = connection.execute("SELECT count(DISTINCT job_id || case_key) FROM results")
        assert keys.fetchone() == (5 * cases,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert found == dict.fromkeys((*jobs, mine), cases)
    assert all(yard.store.job(job).state == "done" for job in (*jobs, mine))


def test_two_dispatchers_run_each_job_once(yard: ContainerYard) -> None:
    jobs = [yard.add(cases=1) for _ in range(12)]
    dispatchers = [yard.spawn(), yard.spawn()]
    for dispatcher in dispatchers:
        output, _ = dispatcher.communicate(timeout=120)
        assert dispatcher.returncode == 0, output
    ran = Counter(int(line.split()[0]) for line in yard.lines("ran.txt"))
    assert ran == dict.fromkeys(jobs, 1)
    assert {yard.store.job(job).state for job in jobs} == {"done"}
    assert yard.containers() == []


def test_a_killed_dispatcher_is_followed_by_another(yard: ContainerYard) -> None:
    yard.flag("hold")
    job = yard.add(cases=3)
    first = yard.spawn()
    wait_for(lambda: yard.store.job(job).cases_done == 1, 60)
    first.kill()
    first.wait()
    container = yard.container(job)
    assert container.status == "running"
    second = yard.dispatcher()
    turn_until(second, lambda: second.in_hand == (job,))
    yard.flag("hold", on=False)
    turn_until(second, lambda: second.ended == [job])
    row = yard.store.job(job)
    assert (row.state, row.attempt, row.cases_done) == ("done", 1, 3)
    assert len(yard.lines("ran.txt")) == 1
    cases = yard.lines("cases.txt")
    assert len(cases) == len(set(cases)) == 3, "no case ran twice"
    assert any(f"job {job} runs on, adopted" in words for words in yard.said)


def test_what_ended_unseen_is_taken_in_later(yard: ContainerYard) -> None:
    yard.flag("hold")
    yard.flag("no-end")
    job = yard.add(cases=1)
    first = yard.spawn()
    wait_for(lambda: yard.store.job(job).cases_done == 1, 60)
    first.kill()
    first.wait()
    yard.flag("hold", on=False)
    wait_for(lambda: yard.container(job).status == "exited")
    second = yard.dispatcher()
    turn_until(second, lambda: second.ended == [job])
    row = yard.store.job(job)
    assert (row.state, row.reason) == ("failed", "its runner ended with exit code 0")
    assert yard.containers() == []


def test_a_container_of_an_attempt_that_is_over_is_removed(yard: ContainerYard) -> None:
    yard.flag("hold")
    job = yard.add(cases=1)
    first = yard.spawn()
    wait_for(lambda: yard.store.job(job).cases_done == 1, 60)
    first.kill()
    first.wait()
    assert yard.store.attempts.settle(job, 1, "lost", "given up by hand")
    yard.store.queue.retry(job)
    yard.flag("hold", on=False)
    assert len(yard.containers()) == 1
    second = yard.dispatcher()
    second.run(drain=True)
    assert (yard.store.job(job).state, yard.store.job(job).attempt) == ("done", 2)
    assert yard.containers() == []


@pytest.mark.skipif(
    not os.environ.get("ASRPROF_TEST_ENGINE"),
    reason="it would stop this machine's engine (ASRPROF_TEST_ENGINE=1 if .ci/engine started it)",
)
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_stopped_engine(yard: ContainerYard, how: str) -> None:
    yard.flag("hold")
    job, beside = yard.add(), yard.add(target="local")
    dispatcher = yard.dispatcher()
    turn_until(dispatcher, lambda: yard.store.job(job).cases_done == 1)
    subprocess.run([ENGINE_SCRIPT, how], check=True)
    try:
        # A container that the engine's crash has left goes on writing for a while.
        if how == "kill":
            os.kill(_init_of(yard), 9)
        assert turn_until(dispatcher, lambda: yard.store.job(job).state in FINAL) < 15
        row = yard.store.job(job)
        if how == "stop":
            assert (row.state, row.reason) == ("failed", "interrupted by SIGTERM")
        else:
            assert row.state == "lost"
            assert "start Docker" in (row.reason or "")
        assert row.cases_done == 1
        yard.flag("hold", on=False)
        turn_until(dispatcher, lambda: yard.store.job(beside).state == "done")
    finally:
        subprocess.run([ENGINE_SCRIPT, "start"], check=True)
    yard.store.queue.retry(job)
    again = yard.dispatcher()
    again.run(drain=True)
    assert yard.store.job(job).state == "done"
    assert yard.containers() == []


def _init_of(yard: ContainerYard) -> int:
    """The container's first process, which only the engine knows: found by its command."""
    import psutil

    for process in psutil.process_iter(["name", "cmdline"]):
        command = " ".join(process.info["cmdline"] or ())
        if "docker-init" in command and str(yard.path) in command:
            return int(process.pid)
    raise AssertionError("there is no container")
