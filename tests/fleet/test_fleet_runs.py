"""The true runner on the nodes of a real cluster: the rows and figures of a run here."""

from __future__ import annotations

import dataclasses
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.config import Benchmark
from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.enqueue import enqueue
from runner.dispatch.fleet.launcher import RayLauncher
from runner.dispatch.fleet.spread import spread
from runner.dispatch.process import ProcessLauncher
from runner.errors import UserError
from store import JobRequest
from tests.checkpoints import save_ctc
from tests.fleet.conftest import ClusterProcess, Fleet
from tests.test_session import untimed

pytestmark = pytest.mark.e2e
LIMITS = {
    "warmup_seconds": 0.2,
    "min_seconds": 0,
    "min_iterations": 4,
    "cycle_batches": 2,
    "quality_utterances": 4,
    "threads": 1,
    "trace": True,
}
CONFIG: dict[str, Any] = {
    "name": "quick",
    "models": ["./model"],
    "audio_seconds": [5],
    "batch_sizes": [1, 2],
    "measures": ["latency", "memory", "flops", "operators", "quality"],
    "limits": LIMITS,
}


@pytest.fixture
def real(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """A fleet of true runners, and a checkpoint where jobs are queued."""
    monkeypatch.setenv("ASRPROF_FLEET_RUNNER", "process")
    (tmp_path / "work").mkdir()
    save_ctc(tmp_path / "work" / "model")
    monkeypatch.chdir(tmp_path / "work")
    yield fleet


def dispatcher(fleet: Fleet) -> Dispatcher:
    launchers = {
        "ray": RayLauncher(fleet.path, link=fleet.link),
        "local": ProcessLauncher(fleet.path),
    }
    return Dispatcher(fleet.store, launchers, poll_s=0.2, grace_s=5)


def add(fleet: Fleet, target: str, **changes: Any) -> int:
    benchmark = Benchmark.model_validate({**CONFIG, **changes})
    return enqueue(fleet.store, benchmark, JobRequest(target=target))


def test_the_rows_of_a_node_are_those_of_a_run_here(real: Fleet) -> None:
    """The checkpoint, named relative to where the job was queued, travels with it."""
    jobs = {target: add(real, target) for target in ("local", "ray")}
    dispatcher(real).run(drain=True)
    found = {}
    for target, job in jobs.items():
        assert real.store.job(job).state == "done", real.store.job(job).reason
        found[target] = [
            real.store.result(row.result_id).result for row in real.store.leaderboard(job_id=job)
        ]
    for here, there in zip(found["local"], found["ray"], strict=True):
        assert (here.state, here.case_key) == (there.state, there.case_key) == ("ok", here.case_key)
        assert untimed(here.transcripts) == untimed(there.transcripts)
        assert here.clips_fingerprint == there.clips_fingerprint
        assert here.flops == there.flops
        for field in dataclasses.fields(here):
            mine, its = getattr(here, field.name), getattr(there, field.name)
            assert (mine in (None, ())) == (its in (None, ())), field.name
        assert there.trace_path is not None
        trace = Path(there.trace_path)
        assert trace.is_relative_to(real.path.parent) and json.loads(trace.read_text())


@pytest.mark.timed
@pytest.mark.timeout(900)
def test_figures_of_a_node_are_those_of_a_run_here(
    real: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    limits = {"warmup_seconds": 1, "min_seconds": 1.5, "min_iterations": 20, "threads": 1}
    changes = {
        "models": ["small-wav2vec2-ctc"],
        "batch_sizes": [1],
        "measures": ["latency"],
        "limits": limits,
    }
    medians: dict[str, list[float]] = {"local": [], "ray": []}
    ratio = 0.0
    # More rounds where the machine is not quiet: a difference that is none of chance stays.
    while len(medians["local"]) < 3 or (not 0.9 < ratio < 1.1 and len(medians["local"]) < 15):
        for target, found in medians.items():
            job = add(real, target, **changes)
            dispatcher(real).run(drain=True)
            latency = real.store.leaderboard(job_id=job)[0].latency_ms
            assert latency is not None
            found.append(latency)
        ratio = statistics.median(medians["ray"]) / statistics.median(medians["local"])
    print(f"node / local: {ratio:.3f} ({medians})")
    assert 0.9 < ratio < 1.1, medians


def test_a_benchmark_is_spread_over_equal_nodes_only(
    real: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = Benchmark.model_validate({**CONFIG, "batch_sizes": [1, 2, 3]})
    launcher = RayLauncher(real.path, link=real.link)
    shares = spread(launcher, benchmark, None)
    assert shares == ["1/2", "2/2"]
    jobs = [enqueue(real.store, benchmark, JobRequest(target="ray", part=part)) for part in shares]
    dispatcher(real).run(drain=True)
    rows = [row for job in jobs for row in real.store.leaderboard(job_id=job)]
    assert [row.state for row in rows] == ["ok"] * 3
    assert sorted(row.batch_size for row in rows) == [1, 2, 3]
    assert [real.store.job(job).cases_total for job in jobs] == [2, 1]
    assert {real.store.job(job).state for job in jobs} == {"done"}

    true_facts = launcher.facts

    def other_facts(ids: list[str]) -> dict[str, Any]:
        facts = true_facts(ids)
        facts[ids[0]] = dataclasses.replace(facts[ids[0]], cpu="another CPU")
        return facts

    monkeypatch.setattr(launcher, "facts", other_facts)
    with pytest.raises(UserError, match="1 x x86_64, another CPU"):
        spread(launcher, benchmark, None)
    assert spread(launcher, benchmark, None, unequal=True) == ["1/2", "2/2"]


@pytest.mark.timed
@pytest.mark.timeout(1200)
def test_eighty_jobs_over_four_nodes(tmp_path: Path) -> None:
    """None lost, none doubled, and four nodes at least three times as fast as one."""
    rates = {}
    for nodes, naps, quick in ((1, 4, 0), (4, 20, 60)):
        cluster = ClusterProcess(nodes)
        folder = tmp_path / str(nodes)
        folder.mkdir()
        fleet = Fleet(folder, cluster)
        try:
            # The first one pays for what a cluster does once.
            jobs = [fleet.add()]
            fleet.dispatcher().run(jobs=1)
            # Long against what a job costs the cores here, which all nodes share.
            fleet.nap(4.5)
            jobs += [fleet.add() for _ in range(naps)]
            began = time.monotonic()
            fleet.dispatcher(poll_s=0.2).run(drain=True)
            rates[nodes] = naps / (time.monotonic() - began)
            # As many again, and more, that end as soon as they begin.
            fleet.nap(0.0)
            jobs += [fleet.add() for _ in range(quick)]
            fleet.dispatcher(poll_s=0.2).run(drain=True)
            assert {fleet.store.job(job).state for job in jobs} == {"done"}
            done = sorted(fleet.lines("cases.txt"))
            assert done == sorted(f"{job} case-{case}" for job in jobs for case in (0, 1))
            assert len(fleet.lines("ran.txt")) == len(jobs)
            assert all(fleet.store.job(job).cases_done == 2 for job in jobs)
        finally:
            fleet.close()
            cluster.close()
    print(f"jobs a second: {rates}, {rates[4] / rates[1]:.2f} times as fast")
    assert rates[4] > 3 * rates[1], rates
