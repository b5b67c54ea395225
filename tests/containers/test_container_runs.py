"""The true runner in a container: the rows and figures of a run without one, in every mode."""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.dispatch.container import ContainerLauncher
from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.place import Mode
from runner.dispatch.process import ProcessLauncher
from store import JobRequest, Store
from tests.checkpoints import save_ctc
from tests.conftest import clean_environment
from tests.containers.conftest import IMAGE, ContainerYard, turn_until

pytestmark = pytest.mark.docker

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
TABLES = ("results", "samples", "operators", "transcripts", "flops", "events")


@pytest.fixture
def real(make_yard: Callable[[str], ContainerYard], tmp_path: Path) -> ContainerYard:
    """A yard with the true runner, and a checkpoint beside its store."""
    yard = make_yard(IMAGE)
    (tmp_path / "work").mkdir()
    save_ctc(tmp_path / "work" / "model")
    # Weights are saved for their owner alone, and root's containers are somebody else's.
    (tmp_path / "work" / "model" / "model.safetensors").chmod(0o644)
    return yard


def add(yard: ContainerYard, work: Path, target: str, **changes: Any) -> int:
    config = {**CONFIG, **changes}
    benchmark = yard.store.add_benchmark("quick", json.dumps(config))
    return yard.store.queue.add(
        benchmark, JobRequest(target=target, folder=str(work)), cases_total=2
    )


def dispatcher(yard: ContainerYard, mode: Mode | None) -> Dispatcher:
    launchers = {
        "docker-cpu": ContainerLauncher(yard.path, environ=yard.environ, mode=mode),
        "local": ProcessLauncher(yard.path),
    }
    return Dispatcher(yard.store, launchers, say=yard.said.append)


def rows(path: Path, table: str, job: int) -> list[dict[str, Any]]:
    own = {
        "results": "job_id = ?",
        "events": "job_id = ?",
        "transcripts": "quality_id IN (SELECT quality_id FROM results WHERE job_id = ?)",
    }
    of_results = "result_id IN (SELECT id FROM results WHERE job_id = ?)"
    sql = f"SELECT * FROM {table} WHERE {own.get(table, of_results)}"
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        found = [dict(row) for row in connection.execute(sql, (job,))]
    connection.close()
    return found


@pytest.mark.parametrize("mode", ["direct", "spool", "remote"])
def test_the_rows_of_a_run_without_a_container(
    real: ContainerYard, tmp_path: Path, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path / "cache"))
    work = tmp_path / "work"
    volumes = {volume.name for volume in real.client.volumes.list()}
    inside, here = (add(real, work, target) for target in ("docker-cpu", "local"))
    dispatcher(real, mode).run(drain=True)
    for job in (here, inside):
        row = real.store.job(job)
        assert (row.state, row.reason, row.cases_done) == ("done", None, 2), real.said
        assert [line.reason for line in real.store.leaderboard(job_id=job)] == [None, None]
    for table in TABLES:
        assert [bool(rows(real.path, table, job)) for job in (here, inside)] == [True, True], table
    texts = [
        [(row["clip_id"], row["hypothesis"]) for row in rows(real.path, "transcripts", job)]
        for job in (here, inside)
    ]
    assert texts[0] == texts[1]
    for one, two in zip(*(rows(real.path, "results", job) for job in (here, inside)), strict=True):
        for column in ("case_key", "state", "clips_fingerprint", "flops", "wer", "weights_bytes"):
            assert one[column] == two[column], column
        assert one["latency_s"] > 0 and two["latency_s"] > 0
        trace = Path(two["trace_path"])
        assert trace.is_file() and trace.parent == real.folder / "traces" / f"job-{inside}"
    results = real.store.leaderboard(job_id=inside)
    environment = real.store.result(results[0].result_id).result.environment
    local = real.store.result(real.store.leaderboard(job_id=here)[0].result_id).result.environment
    assert environment is not None and local is not None
    assert (environment.container_image or "").startswith(f"{IMAGE}@")
    assert environment.cpu_model == local.cpu_model
    if mode != "remote":
        assert environment.hostname == local.hostname
    log = (real.folder / "logs" / f"asrprof-job-{inside}-1.log").read_text()
    assert log.count("ok      [") == 2
    assert real.containers() == []
    assert not list((real.folder / "spool").glob("*")), "spools are deleted"
    left = {volume.name for volume in real.client.volumes.list()} - volumes
    assert left <= {"asrprof-cache", "asrprof-hub"}, "no volume of its own is left"


@pytest.mark.skipif(os.getuid() != 0, reason="anybody's containers run as they do")
def test_weights_that_root_alone_may_read(real: ContainerYard, tmp_path: Path) -> None:
    weights = tmp_path / "work" / "model" / "model.safetensors"
    weights.chmod(0o600)
    job = add(real, tmp_path / "work", "docker-cpu")
    dispatcher(real, None).run(drain=True)
    assert real.store.job(job).reason == (
        f"{weights} cannot be read by the container's user 10001: chmod -R a+rX {weights.parent}"
    )


@pytest.mark.parametrize("mode", ["spool", "remote"])
def test_a_spool_is_followed_by_another_dispatcher(
    real: ContainerYard, tmp_path: Path, mode: Mode
) -> None:
    slow = {**LIMITS, "min_seconds": 3.0}
    job = add(real, tmp_path / "work", "docker-cpu", limits=slow)
    first = dispatcher(real, mode)
    turn_until(first, lambda: real.store.job(job).cases_done == 1, 90)
    # The first does nothing more, as if it were killed; its claim is another's to take.
    with sqlite3.connect(real.path) as connection:
        connection.execute("UPDATE jobs SET dispatcher = ?", (_dead_owner(real.store, job),))
    connection.close()
    second = dispatcher(real, mode)
    turn_until(second, lambda: second.ended == [job], 90)
    row = real.store.job(job)
    assert (row.state, row.attempt, row.cases_done) == ("done", 1, 2)
    started = [e.case_key for e in real.store.events(job) if e.kind == "case-started"]
    assert len(started) == len(set(started)) == 2, "no case ran twice"
    kinds = [event.kind for event in real.store.events(job)]
    assert kinds.count("job-started") == kinds.count("job-finished") == 1


def _dead_owner(store: Store, job: int) -> str:
    """The dispatcher's name with a start time that no process has."""
    owner = store.job(job).dispatcher
    assert owner is not None
    host, pid, _ = owner.split(":")
    return f"{host}:{pid}:1"


@pytest.mark.parametrize("mode", ["spool", "remote"])
def test_cancelling_a_spooled_job_keeps_its_rows(
    real: ContainerYard, tmp_path: Path, mode: Mode
) -> None:
    slow = {**LIMITS, "min_seconds": 8.0}
    job = add(real, tmp_path / "work", "docker-cpu", limits=slow)
    follower = dispatcher(real, mode)
    turn_until(follower, lambda: real.store.job(job).cases_done == 1, 90)
    real.store.queue.cancel(job)
    assert turn_until(follower, lambda: follower.ended == [job]) < 15
    row = real.store.job(job)
    assert (row.state, row.reason) == ("cancelled", "cancelled on request")
    assert row.cases_done == 1, "the row that was there is kept"
    assert real.containers() == []


@pytest.mark.timed
@pytest.mark.timeout(900)
def test_figures_agree_with_those_of_a_run_here(
    real: ContainerYard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interleaved, so that what the machine does meanwhile falls on both sides."""
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path / "cache"))
    # The tests run with one thread a process, set for all of torch before it starts.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    limits = {"warmup_seconds": 1, "min_seconds": 1.5, "min_iterations": 20, "threads": 1}
    changes = {
        "models": ["small-wav2vec2-ctc"],
        "batch_sizes": [1],
        "measures": ["latency"],
        "limits": limits,
    }
    medians: dict[str, list[float]] = {"local": [], "docker-cpu": []}
    follower = dispatcher(real, None)
    ratio = 0.0
    # More rounds where the machine is not quiet: a difference that is none of chance stays.
    while len(medians["local"]) < 3 or (not 0.9 < ratio < 1.1 and len(medians["local"]) < 15):
        for target, found in medians.items():
            job = add(real, tmp_path / "work", target, **changes)
            follower.run(drain=True)
            assert real.store.job(job).state == "done"
            latency = real.store.leaderboard(job_id=job)[0].latency_ms
            assert latency is not None
            found.append(latency)
        ratio = statistics.median(medians["docker-cpu"]) / statistics.median(medians["local"])
    print(f"container / local: {ratio:.3f} ({medians})")
    assert 0.9 < ratio < 1.1, medians


@pytest.mark.skipif(os.getuid() != 0, reason="only root's containers are somebody else's")
@pytest.mark.parametrize("closed", [False, True], ids=["of-root", "closed-to-others"])
def test_root_spools_into_a_folder_of_its_own(
    real: ContainerYard, tmp_path: Path, closed: bool
) -> None:
    """No container runs as root, so into root's own folder none can write."""
    for path in (real.folder, *real.folder.iterdir()):
        os.chown(path, 0, 0)
    real.folder.chmod(0o700 if closed else 0o755)
    (tmp_path / "work" / "config.json").write_text(json.dumps({**CONFIG, "batch_sizes": [1]}))
    outcome = subprocess.run(
        [
            *(sys.executable, "-m", "runner.cli", "run", "config.json", "--target", "docker-cpu"),
            *("--store", str(real.path)),
        ],
        cwd=tmp_path / "work",
        env={**clean_environment(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert "job 1 started on docker-cpu: quick" in outcome.stderr
    assert outcome.stderr.count("ok      [1/1]") == 1
    assert "1 result in" in outcome.stdout
    assert real.store.spooled(1, 1) > 3, "it came by a spool"
    assert real.store.job(1).state == "done"
    owners = {path.stat().st_uid for path in real.folder.rglob("*")}
    assert owners == {0}, "nobody's files change owner"
    assert real.containers() == []


def test_a_model_that_has_gone_fails_its_job_alone(real: ContainerYard, tmp_path: Path) -> None:
    gone = add(real, tmp_path / "work", "docker-cpu", models=["./gone"])
    after = add(real, tmp_path / "work", "docker-cpu", batch_sizes=[1])
    dispatcher(real, None).run(drain=True)
    assert real.store.job(gone).state == "failed"
    assert "gone" in (real.store.job(gone).reason or "")
    assert real.store.job(after).state == "done"
