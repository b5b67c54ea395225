"""What became slower under load, and a limit on it."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from report.load_change import p95_change, same_levels
from runner.cli import main
from store import LoadLevel, Store, process_owner
from tests.report.synthetic import WHISPER, Grid, results_of

GRID = Grid(laws=WHISPER[:1], devices=("cpu",), lengths=(5.0,), batches=(1,), variants=())


def level(**known: Any) -> LoadLevel:
    given: dict[str, Any] = {field.name: None for field in fields(LoadLevel)}
    given |= {"mode": "open", "rate_per_s": 2.0, "arrivals": "poisson", "held": True}
    given |= {"window_s": 30.0, "requests": 60, "answered": 60, "errors": 0, "scored": 0}
    given |= {"paced": False}
    given |= {"slo_p95_s": 2.0, "latency_p95_s": 0.1}
    given |= {"latency_p95_low_s": 0.09, "latency_p95_high_s": 0.11}
    return LoadLevel(**given | known)


SLOWER = {"latency_p95_s": 0.15, "latency_p95_low_s": 0.13, "latency_p95_high_s": 0.17}
PERHAPS = {"latency_p95_s": 0.15, "latency_p95_low_s": 0.1, "latency_p95_high_s": 0.2}
ENDED = {"held": False, "reason": "all failed", "latency_p95_s": None}


def test_levels_that_were_loaded_alike_are_pairs() -> None:
    a = (level(), level(rate_per_s=4.0), level(max_batch=8))
    b = (level(max_batch=8), level(**SLOWER), level(rate_per_s=8.0))
    assert same_levels(a, b) == ((a[0], b[1]), (a[2], b[0]))


def test_the_change_and_whether_chance_explains_it() -> None:
    assert p95_change(level(), level(**SLOWER)) == (pytest.approx(0.5), True)
    assert p95_change(level(**SLOWER), level()) == (pytest.approx(-1 / 3), True)
    assert p95_change(level(), level(**PERHAPS)) == (pytest.approx(0.5), False)
    bare = level(latency_p95_low_s=None, latency_p95_high_s=None)
    assert p95_change(bare, level(**SLOWER)) == (pytest.approx(0.5), False)
    assert p95_change(level(), level(**ENDED)) is None


def store(path: Path, *levels: LoadLevel) -> str:
    (result, *_) = (one for one in results_of(GRID) if one.latency is not None)
    with Store.open(path) as opened:
        job = opened.start_job(
            opened.add_benchmark("load", "{}"),
            target="local",
            cases_total=1,
            owner=process_owner(),
            lease_s=60.0,
        )
        opened.write_result(job, replace(result, load_levels=levels))
    return str(path)


@pytest.mark.parametrize(
    ("after", "limit", "code", "words"),
    [
        (SLOWER, "p95:+10%", 1, "2 a second, poisson: +50.0 %"),
        (SLOWER, "p95:+60%", 0, "(baseline)"),
        (PERHAPS, "p95:+10%", 0, "past p95:+10%, but perhaps by chance"),
        (ENDED, "p95:+10%", 1, "2 a second, poisson: ended early"),
        ({}, "p95:+10%", 0, "(baseline)"),
    ],
)
def test_a_limit_gates(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    after: dict[str, Any],
    limit: str,
    code: int,
    words: str,
) -> None:
    a, b = store(tmp_path / "a.db", level()), store(tmp_path / "b.db", level(**after))
    assert main(["compare", a, b, "--fail-on", limit]) == code
    assert words in capsys.readouterr().out
