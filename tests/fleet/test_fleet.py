"""Jobs on the nodes of a real Ray cluster: where they go, what comes home, what is refused."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from runner.dispatch.fleet.launcher import RayLauncher
from runner.dispatch.fleet.link import Link
from runner.dispatch.fleet.messages import Names
from runner.dispatch.fleet.needs import parse_needs
from runner.dispatch.fleet.overview import overview
from runner.dispatch.launcher import LaunchError
from store import Store
from tests.fleet.conftest import ClusterProcess, Fleet, wait_for


def serve(fleet: Fleet, said: list[str] | None = None, **options: object) -> threading.Thread:
    """A dispatcher in a thread, which drains the queue."""

    def drain() -> None:
        with Store.open(fleet.path) as store:
            dispatcher = fleet.dispatcher(say=(said if said is not None else []).append, **options)
            dispatcher.store = store
            dispatcher.run(drain=True)

    thread = threading.Thread(target=drain)
    thread.start()
    return thread


def state(fleet: Fleet, job: int) -> str:
    return fleet.store.job(job).state


@pytest.mark.e2e
def test_jobs_run_on_nodes_and_their_rows_come_home(fleet: Fleet) -> None:
    jobs = [fleet.add() for _ in range(4)]
    fleet.dispatcher().run(drain=True)
    for job_id in jobs:
        job = fleet.store.job(job_id)
        assert (job.state, job.reason, job.cases_done) == ("done", None, 2)
        assert job.log_path is not None
        assert f"hello from job {job_id}" in Path(job.log_path).read_text()
        assert job.node is not None
    assert sorted(fleet.lines("cases.txt")) == sorted(f"{j} case-{c}" for j in jobs for c in (0, 1))
    wait_for(lambda: fleet.link.ask(Names("asrprof-"), list) == [])


@pytest.mark.e2e
def test_a_node_measures_one_job_at_a_time(fleet: Fleet) -> None:
    fleet.hold()
    jobs = [fleet.add() for _ in range(3)]
    thread = serve(fleet)
    wait_for(lambda: sum(state(fleet, job) == "running" for job in jobs) == 2)
    time.sleep(1)
    assert [state(fleet, job) for job in jobs] == ["running", "running", "queued"]
    nodes = {fleet.store.job(job).node for job in jobs[:2]}
    assert len(nodes) == 2 and None not in nodes
    seen = overview(fleet.launcher, fleet.store)
    assert [view.node.name for view in seen.nodes if view.node.slots] == ["node-0", "node-1"]
    assert [view.free for view in seen.nodes if view.node.slots] == [0, 0]
    assert seen.waiting == 1
    facts = seen.nodes[0].facts
    assert facts is not None and facts.threads > 0
    assert {check.name for check in facts.checks} >= {"CPU", "memory", "torch"}
    fleet.hold(False)
    thread.join(60)
    assert [state(fleet, job) for job in jobs] == ["done"] * 3


def test_a_job_goes_where_its_needs_are_met(fleet: Fleet) -> None:
    there = fleet.add(parse_needs(["host=node-1"]))
    nowhere = fleet.add(parse_needs(["arch=arm64"]))
    said: list[str] = []
    thread = serve(fleet, said)
    wait_for(lambda: state(fleet, there) == "done")
    node = fleet.store.job(there).node
    ids = {view.node.name: view.node.id for view in overview(fleet.launcher, fleet.store).nodes}
    assert node == f"node-1/{ids['node-1']}"
    wait_for(lambda: any("no node has arch=arm64" in words for words in said))
    assert state(fleet, nowhere) == "queued"
    with pytest.raises(LaunchError, match="no node of the fleet has arch=arm64"):
        fleet.launcher.check(parse_needs(["arch=aarch64"]))
    fleet.launcher.check(parse_needs(["arch=amd64"]))
    fleet.store.queue.cancel(nowhere)
    thread.join(60)
    assert not thread.is_alive()


def test_cancel_ends_the_runner_and_keeps_its_rows(fleet: Fleet) -> None:
    fleet.hold()
    job = fleet.add()
    thread = serve(fleet)
    wait_for(lambda: fleet.store.job(job).cases_done == 1)
    fleet.store.queue.cancel(job)
    thread.join(60)
    ended = fleet.store.job(job)
    assert (ended.state, ended.reason) == ("cancelled", "cancelled on request")
    assert ended.cases_done == 1
    wait_for(lambda: fleet.link.ask(Names("asrprof-"), list) == [])


def test_a_copy_of_a_store_leaves_the_agents_of_the_other_alone(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.hold()
    job = fleet.add()
    thread = serve(fleet)
    wait_for(lambda: state(fleet, job) == "running")
    copy = tmp_path / "copy.db"
    with Store.open(fleet.path) as original:
        original._database._connection.execute("VACUUM INTO ?", (str(copy),))
    with Store.open(copy) as other:
        other.attempts.settle(job, 1, "failed", "in the copy")
        RayLauncher(copy, link=fleet.link).tidy(other, ())
    time.sleep(1)
    assert state(fleet, job) == "running"
    fleet.hold(False)
    thread.join(60)
    assert state(fleet, job) == "done"


@pytest.mark.e2e
def test_a_slot_that_another_store_uses_is_not_free(fleet: Fleet, tmp_path: Path) -> None:
    fleet.hold()
    job = fleet.add()
    thread = serve(fleet)
    wait_for(lambda: state(fleet, job) == "running")
    with Store.open(tmp_path / "other.db") as other:
        seen = overview(RayLauncher(other.path, link=Link(fleet.cluster.address)), other)
    slots = [(view.free, view.others) for view in seen.nodes if view.node.slots]
    assert sorted(slots) == [(0, 1), (1, 0)]
    fleet.hold(False)
    thread.join(60)
    assert state(fleet, job) == "done"


def test_an_order_of_another_asrprof_is_refused(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.dispatch.fleet.launcher.__version__", "99.0")
    job = fleet.add()
    fleet.dispatcher().run(drain=True)
    ended = fleet.store.job(job)
    assert ended.state == "failed"
    assert ended.reason is not None and "install the same on both" in ended.reason


def test_no_cluster_is_one_line(tmp_path: Path, cluster: ClusterProcess) -> None:
    Store.open(tmp_path / "s.db").close()
    nobody = RayLauncher(tmp_path / "s.db", link=Link("127.0.0.1:1"))
    with pytest.raises(LaunchError, match=r"^target ray: no Ray cluster at 127\.0\.0\.1:1 "):
        nobody.check()
    wrong = RayLauncher(tmp_path / "s.db", link=Link("moon"))
    with pytest.raises(LaunchError, match="write HOST:PORT"):
        wrong.check()
