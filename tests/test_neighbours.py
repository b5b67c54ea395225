"""A run says so where another one is under way on this machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.neighbours import measures, other_runs
from store import Store, process_owner

TOGETHER = "runs on this machine too, and the figures of both suffer: wait until it ends"


@pytest.fixture
def other() -> Iterator[int]:
    """The process of another run."""
    process = subprocess.Popen(["sleep", "300"])
    yield process.pid
    process.kill()
    process.wait()


def start(store: Store, owner: str) -> int:
    benchmark = store.add_benchmark("night", '{"name": "night"}')
    return store.start_job(benchmark, target="local", cases_total=1, owner=owner, lease_s=60.0)


def test_a_live_job_of_the_store_is_named(tmp_path: Path, other: int) -> None:
    with Store.open(tmp_path / "s.db") as store:
        assert other_runs(store, commands=()) == []
        job = start(store, process_owner(other))
        [line] = other_runs(store, commands=[(other, ["asrprof", "run", "x.json"])])
        assert line == f'job {job} "night" {TOGETHER}, or queue this one by `asrprof queue add`'
        assert other_runs(store, but=job, commands=()) == []


def test_jobs_elsewhere_and_dead_ones_disturb_nobody(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    owner = process_owner(ended.pid)
    ended.wait()
    with Store.open(tmp_path / "s.db") as store:
        for held_by in (owner, "another-host/1:2:3", process_owner()):
            start(store, held_by)
        assert other_runs(store, commands=()) == []


def test_a_run_into_another_store_is_named_by_its_process(tmp_path: Path) -> None:
    commands = [(7, ["/v/bin/python", "/v/bin/asrprof", "demo"]), (8, ["vim", "asrprof", "run"])]
    with Store.open(tmp_path / "s.db") as store:
        assert other_runs(store, commands=commands) == [f"another asrprof (process 7) {TOGETHER}"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("asrprof run x.json", True),
        ("/v/bin/python3.11 /v/bin/asrprof run x.json", True),
        ("python -P -m runner --job 3 --store s.db", True),
        ("asrprof run x.json --dry-run", False),
        ("asrprof run x.json --target=ray", False),
        ("python -m runner --spool folder", False),
        ("python -m runner.preflight a b", False),
        ("asrprof results", False),
        ("timeout 9 asrprof run x.json", False),
        ("python -m pytest asrprof run", False),
        ("", False),
    ],
)
def test_only_what_measures_here_counts(words: str, expected: bool) -> None:
    assert measures(words.split()) is expected


@pytest.mark.e2e
def test_it_is_said_before_the_speech_is_prepared(
    tmp_path: Path, other: int, run_asrprof: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    with Store.open(tmp_path / "s.db") as store:
        job = start(store, process_owner(other))
    config = tmp_path / "x.json"
    config.write_text(
        json.dumps(
            {
                "name": "x",
                "models": ["small-whisper"],
                "data": {"source": "folder", "path": "nowhere"},
            }
        )
    )
    ran = run_asrprof("--config", str(config), "--store", "s.db")
    assert ran.returncode == 2
    lines = ran.stderr.splitlines()
    assert any(line.startswith(f'note    job {job} "night" {TOGETHER}') for line in lines[:-1])
    assert "there is no folder nowhere" in lines[-1]
