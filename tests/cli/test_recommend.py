"""`asrprof recommend`, and the command that it prints."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from report.settle import LONGER_S
from runner.config_file import config_text, parse_benchmark, presets
from runner.grid import expand
from store import Store
from tests.cli.conftest import Ran
from tests.report.demo_like import write_demo_like


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recommend") / "asrprof.db"
    write_demo_like(path)
    return path


def test_every_scenario_says_choice_doubt_and_command(
    asrprof: Callable[..., Ran], path: Path
) -> None:
    ran = asrprof("recommend", "--store", str(path))
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert "High-throughput production: small-whisper on cpu" in lines
    assert "Real time: small-whisper on cpu" in lines
    assert any(line.startswith("  may qualify") for line in lines)
    (command, *_) = (line for line in lines if line.startswith("asrprof run job:3"))
    assert shlex.split(command)[-1] == "limits.quality_utterances=null"


@pytest.mark.parametrize("preset", presets())
def test_the_command_can_be_run_whatever_the_jobs_config_was(
    asrprof: Callable[..., Ran], path: Path, preset: str
) -> None:
    out = asrprof("recommend", "--store", str(path)).out
    (command, *_) = (line for line in out.splitlines() if line.startswith("asrprof run job:3"))
    overrides = shlex.split(command)[4::2]
    benchmark = parse_benchmark(config_text(preset), preset, overrides)
    limits = benchmark.limits
    assert (limits.min_seconds, limits.precision, limits.max_seconds) == (LONGER_S, None, None)
    assert {(case.audio_seconds, case.batch_size) for case in expand(benchmark)} == {(15.0, 4)}


def test_the_command_begins_with_the_config_of_the_job(
    asrprof: Callable[..., Ran], tmp_path: Path
) -> None:
    store = tmp_path / "store.db"
    with Store.open(store) as opened:
        benchmark = opened.add_benchmark(
            "mine", '{"name": "mine", "models": ["small-whisper"], "audio_seconds": [5, 10]}'
        )
        opened.start_job(benchmark, target="local", cases_total=1, owner="me", lease_s=60)
    ran = asrprof(
        *("run", "job:1", "--store", str(store), "--dry-run", "--set", "audio_seconds=[10]")
    )
    assert ran.code == 0, ran.err
    assert "small-whisper" in ran.out
    assert ran.out.splitlines()[0].strip() == "1 case"
    for name in ("job:2", f"job:{2**63}"):
        ran = asrprof("run", name, "--store", str(store), "--dry-run")
        assert ran.code == 2
        assert len(ran.err.splitlines()) == 1


def test_json_holds_what_the_cards_say(asrprof: Callable[..., Ran], path: Path) -> None:
    found = json.loads(asrprof("recommend", "--store", str(path), "--json").out)
    assert [one["name"] for one in found] == [
        *("production", "balanced", "quality", "edge", "real-time")
    ]
    assert found[0]["headline"] == "small-whisper on cpu"
    assert dict(found[0]["facts"])["batch"] == "4 clips of 15 s"


def test_nothing_to_choose_from_is_one_line(asrprof: Callable[..., Ran], path: Path) -> None:
    ran = asrprof("recommend", "--store", str(path), "--where", "model = 'none'")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "asrprof: error: no result with figures to choose from\n"
