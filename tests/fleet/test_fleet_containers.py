"""On a node with a Docker engine the runner is a container, and none outlives its agent."""

from __future__ import annotations

from typing import Any

import pytest

from runner.config import Benchmark
from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.enqueue import enqueue
from runner.dispatch.fleet.launcher import RayLauncher
from runner.docker_engine import Engine, EngineError
from store import JobRequest
from tests.checkpoints import save_ctc
from tests.fleet.conftest import Fleet, wait_for
from tests.fleet.test_fleet_runs import CONFIG

pytestmark = pytest.mark.docker


@pytest.fixture
def boxed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A fleet whose nodes, which are this machine, must use containers."""
    try:
        with Engine().asked() as client:
            client.images.get("asrprof-runner:cpu")
    except EngineError as error:
        pytest.skip(f"no engine with the image: {error}")
    monkeypatch.setenv("ASRPROF_FLEET_RUNNER", "container")
    work = fleet.folder / "work"
    work.mkdir()
    save_ctc(work / "model")
    monkeypatch.chdir(work)
    return fleet


def containers() -> list[Any]:
    with Engine().asked() as client:
        found: list[Any] = client.api.containers(all=True, filters={"label": ["io.asrprof.agent"]})
    return found


def dispatcher(fleet: Fleet) -> Dispatcher:
    return Dispatcher(fleet.store, {"ray": RayLauncher(fleet.path, link=fleet.link)}, poll_s=0.2)


def test_rows_come_home_from_a_container_on_a_node(boxed: Fleet) -> None:
    job = enqueue(boxed.store, Benchmark.model_validate(CONFIG), JobRequest(target="ray"))
    dispatcher(boxed).run(drain=True)
    ended = boxed.store.job(job)
    assert ended.state == "done", ended.reason
    rows = boxed.store.leaderboard(job_id=job)
    assert [row.state for row in rows] == ["ok", "ok"]
    environment = boxed.store.result(rows[0].result_id).result.environment
    assert environment is not None
    assert (environment.container_image or "").startswith("asrprof-runner:cpu@")
    assert containers() == []


def test_a_container_whose_agent_died_gives_way(boxed: Fleet) -> None:
    limits = {**CONFIG["limits"], "min_seconds": 600}
    long = Benchmark.model_validate({**CONFIG, "limits": limits})
    job = enqueue(boxed.store, long, JobRequest(target="ray", retries=0))
    follower = dispatcher(boxed)
    follower.claim(follower.launchers["ray"].pools(boxed.store)[0])
    wait_for(lambda: [follower.follow()] and boxed.store.job(job).state == "running", 90)
    agents = [one for one in boxed.cluster.processes() if "PlacedAgent" in " ".join(one.cmdline())]
    assert len(agents) == 1
    agents[0].kill()
    wait_for(lambda: [follower.follow()] and boxed.store.job(job).state == "lost", 90)
    assert len(containers()) == 1
    after = enqueue(boxed.store, Benchmark.model_validate(CONFIG), JobRequest(target="ray"))
    dispatcher(boxed).run(drain=True)
    assert boxed.store.job(after).state == "done"
    assert containers() == []
