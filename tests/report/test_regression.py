"""Comparing two sets of results by the command: pairs, verdicts, limits, exit codes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from report.regression import compare_studies
from report.study import Study
from runner.cli import main
from store import Store, process_owner
from tests.report.synthetic import ENVIRONMENT, WHISPER, Grid, results_of, write_study

SMALL = Grid(laws=WHISPER[:2], devices=("cpu",), lengths=(5.0, 30.0), batches=(1, 8), variants=())


@pytest.fixture
def compare(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.delenv("ASRPROF_STORE", raising=False)

    def run(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["compare", *arguments])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run


def store(path: Path, seed: int, **changes: Any) -> Path:
    write_study(path, replace(SMALL, seed=seed, **changes), name=path.stem)
    return path


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.03, "slower"), (1.10, "slower"), (0.9, "faster")]
)
def test_planted_changes_are_found_in_every_case(
    tmp_path: Path, factor: float, verdict: str, compare: Callable[..., tuple[int, str, str]]
) -> None:
    a = store(tmp_path / "a.db", 1)
    b = store(tmp_path / "b.db", 2, factor=factor)
    code, out, err = compare(str(a), str(b))
    assert (code, err) == (0, "")
    assert out.count(verdict) == 8 + 1  # And once in the summary.
    assert f"8 {verdict}" in out


def test_no_verdict_is_firm_where_a_side_was_not_stable(
    tmp_path: Path, compare: Callable[..., tuple[int, str, str]]
) -> None:
    a = store(tmp_path / "a.db", 1)
    b = store(tmp_path / "b.db", 2, factor=1.10)
    with closing(sqlite3.connect(b)) as connection:
        connection.execute("UPDATE results SET stable = 0 WHERE batch_size = 1")
        connection.commit()
    _, out, _ = compare(str(a), str(b))
    assert out.count("slower ~") == 4
    assert "4 slower, 0 faster, 0 within chance, 4 on an unstable side" in out
    assert "~: not stable on one side" in out
    _, out, _ = compare(str(a), str(b), "--json")
    assert [pair["unstable"] for pair in json.loads(out)["pairs"]].count(True) == 4


def test_equal_runs_rarely_differ_over_a_whole_grid(tmp_path: Path) -> None:
    """No case of a grid of eight may differ, in more than 95 of 100 grids."""
    first, alarms = store(tmp_path / "a.db", 0, clips=1), 0
    grids = 25
    for seed in range(1, grids + 1):
        second = store(tmp_path / f"{seed}.db", seed, clips=1)
        with Store.open(first, readonly=True) as a, Store.open(second, readonly=True) as b:
            found = compare_studies(Study.read(a), Study.read(b), seed=seed)
        assert len(found.pairs) == 8
        alarms += any(pair.latency.significant for pair in found.pairs)
        first = second
    assert alarms <= 2


def test_a_limit_gates(tmp_path: Path, compare: Callable[..., tuple[int, str, str]]) -> None:
    a, b = store(tmp_path / "a.db", 1), store(tmp_path / "b.db", 2, factor=1.10)
    code, out, _ = compare(str(a), str(b), "--fail-on", "latency:+5%")
    assert code == 1
    assert out.count("past latency:+5%") == 8
    assert compare(str(a), str(b), "--fail-on", "latency:+15%")[0] == 0
    assert compare(str(a), str(b), "--fail-on", "rtfx:-5%")[0] == 1
    assert compare(str(b), str(a), "--fail-on", "latency:+5%")[0] == 0
    assert compare(str(a), str(b), "--fail-on", "wer:+0.5pp", "--fail-on", "memory:+1%")[0] == 0


@pytest.mark.parametrize(
    ("label", "threads", "compares"),
    [("estimated", 8, True), ("estimated", 4, False), ("measured", 4, True)],
)
def test_estimates_of_other_threads_do_not_compare(
    tmp_path: Path,
    compare: Callable[..., tuple[int, str, str]],
    label: str,
    threads: int,
    compares: bool,
) -> None:
    """A model of power by load says of other threads what its own law says."""
    a = store(tmp_path / "a.db", 1, devices=("cpu",))
    b = store(tmp_path / "b.db", 2, devices=("cpu",), factor=1.5)
    for path, number in ((a, 8), (b, threads)):
        with sqlite3.connect(path) as connection:
            connection.execute(
                "update results set energy_label = ?, energy_source = 'x', threads = ?",
                (label, number),
            )
    code, out, _ = compare(str(a), str(b), "--fail-on", "energy:+10%")
    assert code == (1 if compares else 0)
    assert ("past energy:+10%" in out) == compares
    pairs = json.loads(compare(str(a), str(b), "--json")[1])["pairs"]
    assert pairs
    for pair in pairs:
        assert (pair["energy_ratio"] is not None) == compares
    assert ("estimates of 8 and of 4 threads do not compare" in out) != compares


def test_what_chance_may_explain_is_said_and_does_not_gate(
    tmp_path: Path, compare: Callable[..., tuple[int, str, str]]
) -> None:
    a = store(tmp_path / "a.db", 1, rounds=2, noise=0.2)
    b = store(tmp_path / "b.db", 2, rounds=2, noise=0.2, factor=1.3)
    code, out, _ = compare(str(a), str(b), "--fail-on", "latency:+1%")
    doubts = out.count("past latency:+1%, but perhaps by chance")
    failures = out.count("past latency:+1%: ")
    assert doubts >= 4
    assert code == (1 if failures else 0)


def test_a_case_that_no_longer_runs_fails_the_gate(
    tmp_path: Path, compare: Callable[..., tuple[int, str, str]]
) -> None:
    gpu = {"devices": ("cuda",), "laws": WHISPER[:2]}
    a = store(tmp_path / "a.db", 1, **gpu, out_of_memory=False)
    b = store(tmp_path / "b.db", 2, **gpu)
    code, out, _ = compare(str(a), str(b))
    assert code == 0
    assert "lost: whisper-base on cuda, 30 s × 8: oom: CUDA out of memory" in out
    assert compare(str(a), str(b), "--fail-on", "latency:+50%")[0] == 1


def test_a_case_that_vanished_fails_the_gate_unless_allowed(
    tmp_path: Path, compare: Callable[..., tuple[int, str, str]]
) -> None:
    a, b = str(store(tmp_path / "a.db", 1)), str(store(tmp_path / "b.db", 2, laws=WHISPER[:1]))
    gate = ("--fail-on", "latency:+50%")
    code, out, _ = compare(a, b, *gate)
    assert code == 1
    assert "did not run again; --allow-missing lets them" in out
    assert compare(a, b, *gate, "--allow-missing")[0] == 0
    assert compare(b, a, *gate)[0] == 0, "new cases are no loss"
    assert compare(a, b)[0] == 0, "without a limit nothing fails"


def test_jobs_and_commits_of_one_store(
    tmp_path: Path, compare: Callable[..., tuple[int, str, str]]
) -> None:
    path = store(tmp_path / "all.db", 1)
    with Store.open(path) as opened:
        benchmark = opened.add_benchmark("later", '{"name": "later"}')
        job = opened.start_job(
            benchmark, target="local", cases_total=8, owner=process_owner(), lease_s=60.0
        )
        later = replace(ENVIRONMENT, git_commit="f00d" * 10, fingerprint="b" * 64)
        for result in results_of(replace(SMALL, seed=2, factor=1.2)):
            opened.write_result(job, replace(result, environment=later))
    for a, b in (("1", "2"), ("commit:01234567", "f00d"), (f"{path}#1", "job:2")):
        code, out, err = compare(a, b, "--store", str(path), "--fail-on", "latency:+5%")
        assert (code, err) == (1, ""), out
        assert "8 slower" in out
    # A store alone is its newest results.
    assert "8 within chance" in compare(str(path), f"{path}#2")[1]
    # A file of that name is what is meant, where there is one.
    path.rename(f"{path}#2")
    assert "8 within chance" in compare(f"{path}#2", f"{path}#2#2")[1]


def test_json_has_the_figures(tmp_path: Path, compare: Callable[..., tuple[int, str, str]]) -> None:
    a, b = store(tmp_path / "a.db", 1), store(tmp_path / "b.db", 2, factor=1.10)
    code, out, _ = compare(str(a), str(b), "--json", "--fail-on", "latency:+5%")
    found = json.loads(out)
    assert code == 1
    assert found["latency_ratio"] == pytest.approx(1.10, rel=0.005)
    assert len(found["breaches"]) == 8
    for pair in found["pairs"]:
        low, high = pair["latency_interval"]
        assert low < 1.10 < high or abs(pair["latency_ratio"] - 1.10) < 0.02
        assert pair["energy_ratio"] == pytest.approx(1.10, rel=0.15)


def test_what_else_differs_is_said(
    tmp_path: Path, compare: Callable[..., tuple[int, str, str]]
) -> None:
    a, b = tmp_path / "a.db", tmp_path / "b.db"
    for path, environment in ((a, ENVIRONMENT), (b, replace(ENVIRONMENT, cpu_model="Other CPU"))):
        with Store.open(path) as opened:
            job = opened.start_job(
                opened.add_benchmark("x", '{"name": "x"}'),
                target="local",
                cases_total=8,
                owner=process_owner(),
                lease_s=60.0,
            )
            for result in results_of(SMALL):
                fresh = replace(environment, fingerprint=path.stem * 64)
                opened.write_result(job, replace(result, environment=fresh))
    _, out, _ = compare(str(a), str(b))
    assert "caution: the hardware differs: Intel(R) Xeon(R) CPU @ 2.20GHz against Other CPU" in out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("nothing", "a.db"), "'nothing' is not a store, a job or a commit"),
        (("a.db", "a.db", "--fail-on", "latency:5"), "write for example latency:+5%"),
        (("a.db", "a.db", "--fail-on", "latency:+5pp"), "only wer has points"),
        (("a.db", "a.db", "--fail-on", "latency:-5%"), "gets better; write latency:+5%"),
        (("a.db", "a.db", "--fail-on", "rtfx:+5%"), "gets better; write rtfx:-5%"),
        (("a.db", "a.db", "--fail-on", "p95:-10%"), "gets better; write p95:+10%"),
        (("a.db", "a.db", "--fail-on", "wer:-0.5pp"), "gets better; write wer:+0.5pp"),
        (("a.db#7", "a.db"), "a.db#7: no results of it in a.db"),
        (("a.db", "commit:1234", "--store", "a.db"), "commit 1234: no results of it"),
        (("a.db", "other.db"), "have no case in common"),
        (("9" * 30, "a.db"), "no job has such a number"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(
    tmp_path: Path,
    compare: Callable[..., tuple[int, str, str]],
    arguments: tuple[str, ...],
    problem: str,
) -> None:
    store(tmp_path / "a.db", 1, clips=1)
    store(tmp_path / "other.db", 1, clips=1, lengths=(7.0,))
    code, out, err = compare(*arguments)
    assert (code, out) == (2, "")
    assert problem in err
    assert err.count("\n") == 1
