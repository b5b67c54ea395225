"""A whole run of the measure `load` on a small trained model, from the config to the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.config import Benchmark
from runner.config_file import load_benchmark
from runner.events import CaseRemark, SessionEvent
from runner.session import Session
from store import Store

pytestmark = pytest.mark.e2e

SHORT = (
    "load.duration_s=6",
    "load.warmup_s=0.5",
    "load.slo.p95_s=20",
    "limits.warmup_seconds=0.5",
    "limits.min_iterations=1",
    "limits.min_seconds=0",
)


@pytest.mark.timed
def test_levels_of_the_preset_in_short(tmp_path: Path) -> None:
    benchmark = load_benchmark("load", (*SHORT, "load.concurrency=[4]", "load.max_batch=[1, 4]"))
    with Store.open(tmp_path / "a.db") as store:
        outcome = Session(benchmark, lambda _: None).run(store)
        levels = store.load_board()
        result = store.result(levels[0].result_id).result
    assert outcome.failed == 0
    assert [(found.max_batch, found.concurrency) for found in levels] == [(1, 4), (4, 4)]
    one, four = levels
    assert one.batch == 1.0
    assert four.batch is not None and 1.5 < four.batch <= 4
    for found in levels:
        assert found.errors == 0 and found.held == 1
        assert found.requests_per_s and found.mean_ms and found.concurrency
        assert found.queue_ms is not None and found.service_ms is not None
        assert found.queue_ms + found.service_ms <= found.mean_ms
        # Words under load are those of the quality pass, but for what batches change.
        assert found.wer is not None and found.wer < 0.25
    assert result.quality is not None and result.quality.scored == 110
    assert result.load_reason is None


@pytest.mark.timed
def test_an_open_level_beyond_the_machine_ends_early_and_is_a_row(tmp_path: Path) -> None:
    document = load_benchmark("load", (*SHORT, "load.max_batch=[1]")).model_dump(mode="json")
    document["load"] |= {"mode": "open", "rate_per_s": [1000.0, 1.0], "concurrency": [1, 2, 4, 8]}
    document["load"]["slo"] = {"p95_s": 0.05}
    benchmark = Benchmark.model_validate(document)
    said: list[SessionEvent] = []
    with Store.open(tmp_path / "a.db") as store:
        Session(benchmark, said.append).run(store)
        beyond, within = store.load_board()
    assert beyond.held == 0
    assert beyond.reason is not None and "requests were open" in beyond.reason
    assert within.held == 1 and within.requests > 0
    remarks = [event.text for event in said if isinstance(event, CaseRemark)]
    assert any(text.startswith("load of 1000 a second, poisson") for text in remarks)
