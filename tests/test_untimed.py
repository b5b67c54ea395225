"""Latency is a measure that can be left out: its columns are empty, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from report.content import Table
from report.reasons import missing_reason
from report.sections.evidence import _absent, everything
from report.study import Study
from report.text import MISSING
from runner.case import run_case
from runner.clips import prepare
from runner.config import Benchmark, Model, Variant
from runner.estimate import estimate
from runner.grid import Case, expand
from runner.task import CaseTask
from store import Store, process_owner
from store.records import Result
from tests.checkpoints import save_moonshine

LIMITS = {
    "warmup_seconds": 0.1, "min_seconds": 0, "min_iterations": 1, "threads": 1,
    "cycle_batches": 2, "stage_iterations": 1,
}  # fmt: skip
REASON = "latency is not among the measures"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a case with a small Moonshine, in this process."""
    name = str(save_moonshine(tmp_path_factory.mktemp("model")))
    benchmark = Benchmark.model_validate({"name": "x", "models": [name], "limits": LIMITS})
    clips = prepare(benchmark.data, audio_seconds=5, seed=1)
    model = Model(name=name, weights="pretrained")

    def make(*measures: str) -> Result:
        task = CaseTask(
            case=Case(model, "cpu", Variant(name="fp32"), 5.0, 1),
            clips=clips.path,
            measures=frozenset(measures),
            limits=benchmark.limits,
            seed=1,
            trace=None,
        )
        return run_case(task, lambda message: None)

    return make


def test_other_measures_are_taken_without_the_loop(run):
    result = run("memory", "flops", "stages")
    assert (result.state, result.reason) == ("ok", None)
    assert (result.latency, result.latency_reason) == (None, REASON)
    assert not [one for one in result.samples if one.kind in ("cold", "warmup", "latency")]
    assert result.memory.rss_bytes
    assert {one.stage for one in result.stages} >= {"features", "encode"}
    timed = run("latency", "flops")
    assert timed.latency is not None
    assert timed.latency_reason is None
    assert result.flops == timed.flops, "the passes of the decoder are counted, not guessed"
    assert any(one.flops for one in result.flops if one.stage == "total")


def test_the_store_keeps_the_reason_in_the_place_of_the_figures(run, tmp_path):
    result = run("memory")
    with Store.open(tmp_path / "x.db") as store:
        benchmark_id = store.add_benchmark("x", "{}")
        job = store.start_job(
            benchmark_id, target="local", cases_total=1, owner=process_owner(), lease_s=60
        )
        stored = store.write_result(job, result)
        (row,) = store.leaderboard()
        assert store.result(stored).result.latency is None
        assert store.result(stored).result.latency_reason == REASON
        reasons = store.browse.reasons(stored)
        study = Study.read(store)
        results = everything(study)
    assert (row.state, row.latency_ms, row.rtfx, row.stable) == ("ok", None, None, None)
    assert missing_reason(row, "latency_ms", reasons) == REASON
    assert row.rss_mb
    (table,) = (block for block in results.blocks if isinstance(block, Table))
    assert table.rows[0][2:4] == (MISSING, MISSING)
    assert ("latency", REASON) in _absent(study.cases[0])


def test_what_runs_nothing_is_expected_to_take_no_longer():
    def seconds(**changes: Any) -> float:
        benchmark = Benchmark.model_validate(
            {"name": "x", "models": ["openai/whisper-tiny"], **changes}
        )
        return estimate(benchmark, expand(benchmark), {}).seconds

    assert seconds(measures=["flops"]) < seconds(measures=["memory"]) / 2
    assert seconds(measures=["memory"]) < seconds(measures=["latency", "memory"])
