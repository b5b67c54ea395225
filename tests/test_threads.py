"""Threads as an axis: applied, told apart, and refused where they are more than the cores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import store as stored
from report.regression import compare_studies
from report.study import Study
from runner.cli import main
from runner.config import Benchmark
from runner.config_file import parse_benchmark
from runner.errors import UserError
from runner.grid import expand
from runner.measure.environment import read_cpu
from runner.tally import Tally
from runner.task import CaseTask
from store import Scalar, Store, process_owner
from tests.checkpoints import save_ctc
from tests.cli.records import failed, result

LIMITS = {
    "warmup_seconds": 0.1,
    "warmup_iterations": 1,
    "min_seconds": 0,
    "min_iterations": 1,
    "cycle_batches": 1,
}


@pytest.mark.e2e
def test_each_number_is_applied_and_too_many_are_refused(tmp_path, run_asrprof):
    cores = read_cpu().affinity
    numbers = [*({1, cores}), cores + 1]
    config = {
        "name": "threads",
        "models": [str(save_ctc(tmp_path / "model")), "pocketsphinx"],
        "audio_seconds": [5],
        "threads": numbers,
        "measures": ["latency", "flops"],
        "limits": LIMITS,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    done = run_asrprof("--config", "config.json")
    with Store.open(tmp_path / "results" / "asrprof.db", readonly=True) as found:
        rows = found.study.rows()
        ok = [row for row in rows if row.state == "ok" and row.engine == "ctc"]
        peaks = found.study.children(stored.Peak, [row.result_id for row in ok])
    assert [(row.threads, row.threads_listed) for row in ok] == [(n, n) for n in numbers[:-1]]
    # What the machine can do is measured with each number, once.
    assert [[peak.threads for peak in peaks[row.result_id]] for row in ok] == [
        [number] for number in numbers[:-1]
    ]
    (refused,) = (row for row in rows if row.engine == "ctc" and row.state == "refused")
    assert refused.threads_listed == cores + 1
    assert refused.reason is not None
    assert f"{cores + 1} threads on {cores} core" in refused.reason
    assert f"write at most {cores} in threads" in refused.reason
    alone = {row.threads_listed: row.reason for row in rows if row.engine == "pocketsphinx"}
    assert alone.pop(1) is None
    assert alone.pop(cores + 1) is not None
    for reason in alone.values():
        assert reason == "pocketsphinx computes on one thread: leave it out of threads above 1"
    assert f"cpu t{cores + 1}" in done.stdout


def test_threads_and_limits_threads_are_one_too_many() -> None:
    config = {"name": "x", "models": ["pocketsphinx"], "threads": [1], "limits": {"threads": 1}}
    with pytest.raises(UserError, match=r"takes the place of limits\.threads"):
        parse_benchmark(json.dumps(config), "x")
    config |= {"threads": [1, 1], "limits": {}}
    with pytest.raises(UserError, match='threads: "1" is listed twice'):
        parse_benchmark(json.dumps(config), "x")


def test_a_dry_run_shows_them_and_says_which_will_be_refused(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    cores = read_cpu().affinity
    config = {"name": "x", "models": ["small-whisper"], "threads": [1, cores + 1]}
    (tmp_path / "x.json").write_text(json.dumps(config))
    assert main(["run", "x.json", "--dry-run"]) == 0
    out = capfd.readouterr().out
    assert "threads" in out
    assert f"1 case with {cores + 1} threads will be refused here" in " ".join(out.split())


def test_a_refusal_of_one_number_is_not_that_of_another() -> None:
    benchmark = Benchmark.model_validate(
        {"name": "x", "models": ["small-whisper"], "threads": [1, 99]}
    )
    one, many = (
        CaseTask(
            case=case,
            clips=Path("clips"),
            measures=frozenset(),
            limits=benchmark.limits,
            seed=42,
            trace=None,
        )
        for case in expand(benchmark)
    )
    tally = Tally()
    tally.add(many, many.outcome("refused", "too many", started_at="now", wall_s=0.0))
    assert tally.known_refusal(one) is None
    again = tally.known_refusal(many)
    assert again is not None
    assert again.figures == (Scalar(name="threads", value=99.0, note="of the CPU, as configured"),)


def write(path: Path, threads: dict[int | None, float]) -> Path:
    """A store of a row for each number of threads, with its latency in seconds."""
    with Store.open(path) as made:
        benchmark = made.add_benchmark("threads", "{}")
        job = made.start_job(
            benchmark, target="local", cases_total=9, owner=process_owner(), lease_s=60.0
        )
        for number, seconds in threads.items():
            figures = () if number is None else (Scalar(name="threads", value=float(number)),)
            row = result(case_key=f"case-{number}", figures=figures)
            assert row.latency is not None
            made.write_result(job, replace(row, latency=replace(row.latency, median_s=seconds)))
        made.write_result(
            job, failed(case_key="case-9", figures=(Scalar(name="threads", value=9.0),))
        )
    return path


def test_rows_are_told_apart_by_their_threads(tmp_path: Path) -> None:
    with Store.open_to_read(write(tmp_path / "a.db", {None: 0.9, 1: 0.8, 2: 0.5})) as found:
        study = Study.read(found)
        newest = found.browse.newest()
        rows = found.leaderboard()
    assert [case.title for case in study.ok] == [
        f"whisper-tiny (random) on {place}, 5 s × 1" for place in ("cpu", "cpu t1", "cpu t2")
    ]
    assert [case.place for case in study.cases if case.row.latency_s is None] == ["cpu t9"]
    assert sorted(row.place for row in newest) == ["cpu", "cpu t1", "cpu t2"]
    assert {row.threads for row in rows} == {None, 1, 2, 9}


def test_two_runs_are_compared_by_threads(tmp_path: Path) -> None:
    write(tmp_path / "a.db", {None: 0.9, 1: 0.8, 2: 0.5})
    write(tmp_path / "b.db", {1: 0.4, 2: 0.5, 4: 0.3})
    with Store.open_to_read(tmp_path / "a.db") as a, Store.open_to_read(tmp_path / "b.db") as b:
        found = compare_studies(Study.read(a), Study.read(b))
    ratios = {pair.a.row.threads_listed: pair.latency.ratio for pair in found.pairs}
    assert ratios == {1: pytest.approx(0.5), 2: pytest.approx(1.0)}
    assert [case.place for case in found.only_a] == ["cpu"]
    assert [case.place for case in found.only_b] == ["cpu t4"]
