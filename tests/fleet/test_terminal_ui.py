"""The terminal UI over a real cluster, and where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from store import Store
from tests.fleet.conftest import ClusterProcess, Fleet
from tests.tui.conftest import settle, shown, told, until
from tests.tui.data import CHECKS, StillSampler
from tui.app import AsrprofApp
from tui.options import Options

QUEUE_ON_RAY = ("2", "a", "right", "right", "right")
NEEDS = ("tab", "tab", "tab")


def app_over(store: Path) -> AsrprofApp:
    """The app as users have it, but that it starts no jobs."""
    app = AsrprofApp(
        Options(
            store=store,
            dispatch=False,
            configs=store.parent,
            examine=lambda _: CHECKS,
            sampler=StillSampler,
        )
    )
    app.animation_level = "none"
    return app


@pytest.mark.e2e
async def test_the_nodes_of_a_real_cluster_and_the_job_on_one(
    fleet: Fleet, cluster: ClusterProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    fleet.hold()
    job = fleet.add()
    dispatcher = fleet.dispatcher()
    dispatcher.run(lambda: fleet.store.job(job).state == "running")
    app = app_over(fleet.path)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("6")
        # The nodes come first, what they are a few seconds later.
        await until(lambda: "slots: 1 busy, 1 free" in shown(app), pilot, 60)
        assert f"Ray cluster at {cluster.address}" in shown(app)
        await until(lambda: "asrprof doctor there:" in shown(app), pilot, 60)
        busy = [line for line in shown(app).splitlines() if f"{job} naps" in line]
        assert any(" node-" in line and "busy" in line for line in busy)
        row = next(n for n, line in enumerate(shown(app).splitlines()) if f"{job} naps" in line)
        await pilot.click(offset=(10, row), times=2)
        await until(lambda: f"job {job} naps on node" in shown(app), pilot)
        await pilot.press(*QUEUE_ON_RAY, *NEEDS, *"arch=aarch64", "enter")
        await until(lambda: "no node of the fleet has arch=arm64" in "".join(told(app)), pilot, 60)
        await pilot.press(*QUEUE_ON_RAY, *NEEDS, *"arch=amd64", "enter")
        await until(lambda: any("queued as job" in line for line in told(app)), pilot, 60)
    (waiting,) = fleet.store.queue.waiting()
    assert (waiting.target, json.loads(waiting.needs or "")) == ("ray", {"arch": "x86_64"})
    fleet.store.queue.cancel(waiting.id)
    fleet.hold(False)
    dispatcher.run(lambda: fleet.store.job(job).state != "running")
    assert fleet.store.job(job).state == "done"


async def test_without_a_cluster_nothing_is_queued_and_the_tab_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    path = tmp_path / "results" / "asrprof.db"
    app = app_over(path)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("6")
        await until(lambda: "no Ray cluster at 127.0.0.1:1 (Connection" in shown(app), pilot, 60)
        # How to make one is drawn after that.
        start = "ray start --address=HEAD:6379 $(asrprof fleet flags)"
        await until(lambda: start in shown(app), pilot)
        await pilot.press(*QUEUE_ON_RAY, "enter")
        await until(lambda: any("target ray: no Ray cluster" in w for w in told(app)), pilot, 60)
    with Store.open(path, readonly=True) as store:
        assert not store.queue.waiting()
