"""kill -9 of a node, of the dispatcher and of the head, in the middle of a job."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from store import Store
from tests.conftest import clean_environment
from tests.fleet.conftest import SETTINGS, ClusterProcess, Fleet, wait_for

pytestmark = pytest.mark.e2e
DISPATCHER = """
import sys
from pathlib import Path
from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.fleet.launcher import RayLauncher
from runner.dispatch.fleet.link import Link
from store import Store

path, address, command = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
with Store.open(path) as store:
    launcher = RayLauncher(path, link=Link(address), command=command)
    Dispatcher(store, {"ray": launcher}, poll_s=0.05, grace_s=2).run(drain=True)
"""


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet whose cluster a test may kill."""
    cluster = ClusterProcess(2)
    made = Fleet(tmp_path, cluster)
    yield made
    made.close()
    made.cluster.close()


def serve(fleet: Fleet, stop: threading.Event) -> threading.Thread:
    def run() -> None:
        with Store.open(fleet.path) as store:
            dispatcher = fleet.dispatcher(say=lambda words: print(words, file=sys.stderr))
            dispatcher.store = store
            dispatcher.run(stop.is_set, drain=True)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def node_of(fleet: Fleet, job: int) -> str:
    """The test's name of the node that a job is on."""
    node = fleet.store.job(job).node
    assert node is not None
    return next(one.name for one in fleet.launcher.nodes() if one.id == node.rpartition("/")[2])


def sleepers(fleet: Fleet) -> list[psutil.Process]:
    """The runners that live."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(fleet.folder / "sleeper.py") in (process.info["cmdline"] or [])
    ]


def each_case_once(fleet: Fleet, jobs: list[int]) -> None:
    """Rows are whole: each case of each job is in the store just once."""
    for job in jobs:
        rows = fleet.store.leaderboard(job_id=job)
        assert len(rows) == 2
        assert fleet.store.case_keys(job) == {"case-0", "case-1"}


def test_kill_9_of_a_node_and_the_job_is_retried_on_another(mortal: Fleet) -> None:
    mortal.hold()
    job = mortal.add(retries=1)
    other = mortal.add(retries=0)
    thread = serve(mortal, threading.Event())
    wait_for(lambda: mortal.store.job(job).cases_done == 1)
    wait_for(lambda: mortal.store.job(other).cases_done == 1)
    lost, kept = node_of(mortal, job), node_of(mortal, other)
    mortal.cluster.tell(f"kill {lost}")
    # The other node is taken, and goes on; the runner of the dead one does not.
    wait_for(lambda: mortal.store.job(job).attempt == 2)
    assert len(sleepers(mortal)) == 1
    mortal.hold(False)
    thread.join(90)
    assert [mortal.store.job(one).state for one in (job, other)] == ["done", "done"]
    assert node_of(mortal, job) == kept
    assert mortal.store.job(job).retries == 0
    kinds = [event.kind for event in mortal.store.events(job)]
    assert kinds.count("job-retried") == 1
    each_case_once(mortal, [job, other])
    # The case that had its row was not run again.
    assert mortal.lines("cases.txt").count(f"{job} case-0") == 1


def test_a_job_without_retries_is_lost_with_its_node(mortal: Fleet) -> None:
    mortal.hold()
    job = mortal.add()
    thread = serve(mortal, threading.Event())
    wait_for(lambda: mortal.store.job(job).cases_done == 1)
    mortal.cluster.tell(f"kill {node_of(mortal, job)}")
    thread.join(90)
    ended = mortal.store.job(job)
    assert ended.state == "lost"
    assert ended.reason is not None and "its node has died" in ended.reason
    assert ended.cases_done == 1


def test_kill_9_of_the_dispatcher_and_the_next_adopts_its_runners(mortal: Fleet) -> None:
    mortal.hold()
    jobs = [mortal.add() for _ in range(4)]
    first = subprocess.Popen(
        [
            *(sys.executable, "-c", DISPATCHER, str(mortal.path)),
            *(mortal.cluster.address, *mortal.command),
        ],
        env={**clean_environment(mortal.folder), **SETTINGS},
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: sum(mortal.store.job(job).cases_done for job in jobs) == 2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    before = {process.pid for process in sleepers(mortal)}
    assert len(before) == 2
    thread = serve(mortal, threading.Event())
    wait_for(lambda: any(event.kind == "job-adopted" for event in mortal.store.events(jobs[0])), 90)
    assert {process.pid for process in sleepers(mortal)} == before
    mortal.hold(False)
    thread.join(90)
    assert [mortal.store.job(job).state for job in jobs] == ["done"] * 4
    each_case_once(mortal, jobs)
    assert sorted(mortal.lines("cases.txt")) == sorted(
        f"{j} case-{c}" for j in jobs for c in (0, 1)
    )


def test_kill_9_of_the_head_and_a_new_cluster_finishes_the_queue(mortal: Fleet) -> None:
    mortal.hold()
    jobs = [mortal.add(retries=1) for _ in range(3)]
    thread = serve(mortal, threading.Event())
    wait_for(lambda: sum(mortal.store.job(job).cases_done for job in jobs) == 2)
    mortal.cluster.tell("kill-head")
    # Nodes without a head end after a while, and their runners with them.
    wait_for(lambda: not sleepers(mortal), 90)
    mortal.cluster.close()
    time.sleep(1)
    mortal.hold(False)
    mortal.cluster = ClusterProcess(2, mortal.cluster.port)
    thread.join(120)
    assert [mortal.store.job(job).state for job in jobs] == ["done"] * 3
    each_case_once(mortal, jobs)
    assert sum(mortal.store.job(job).attempt == 2 for job in jobs) == 2
