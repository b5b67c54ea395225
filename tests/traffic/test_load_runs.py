"""A whole run of the measure `load` on a small trained model, from the config to the table."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from runner.config import Benchmark
from runner.config_file import load_benchmark
from runner.events import CaseProgress, CaseRemark, SessionEvent
from runner.session import Session
from store import Result, Store
from store.load_board import LoadRow

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


def processes_of(module: str) -> list[int]:
    """Processes below this one that run a module."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if module in child.cmdline():
                found.append(child.pid)
    return found


def replicated(
    store: Path, *changes: str, said: list[SessionEvent] | None = None
) -> tuple[list[LoadRow], list[str], list[Result]]:
    """Rows, remarks and results of a short run with copies of a model."""
    fields = ("load.duration_s=4", "load.concurrency=[4]", "load.max_batch=[1]", *changes)
    benchmark = load_benchmark("load", (*SHORT, *fields))
    said = [] if said is None else said
    with Store.open(store) as opened:
        Session(benchmark, said.append).run(opened)
        rows = opened.leaderboard()
        results = [opened.result(row.result_id).result for row in rows]
        levels = list(opened.load_board())
    return levels, [event.text for event in said if isinstance(event, CaseRemark)], results


# Tests that run side by side have one CPU each.
two_cpus = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")


@pytest.mark.timed
@two_cpus
def test_copies_of_a_model_are_held_beside_threads(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    levels, remarks, _ = replicated(
        tmp_path / "a.db", f"threads=[1, {cores}]", "load.replicas=[1, 2]"
    )
    assert sorted((row.replicas, row.errors, row.held) for row in levels) == [
        (1, 0, 1),
        (1, 0, 1),
        (2, 0, 1),
    ]
    (two,) = [row for row in levels if row.replicas == 2]
    (one,) = [row for row in levels if row.result_id == two.result_id and row.replicas == 1]
    assert one.slo_met and two.slo_met and one.rtfx and two.rtfx
    assert one.streams_per_thread == pytest.approx(one.rtfx)
    assert two.streams_per_thread == pytest.approx(two.rtfx / 2)
    # A second process takes the second core.
    assert two.rtfx > 1.2 * one.rtfx
    assert two.wer == pytest.approx(one.wer, abs=0.02)
    (left_out,) = [text for text in remarks if text.startswith("load.replicas: left out: 2 models")]
    assert f"would wait for each other on {cores} CPUs" in left_out


def test_copies_that_cannot_be_are_a_reason(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    _, _, (result,) = replicated(tmp_path / "a.db", f"limits.threads={cores}", "load.replicas=[2]")
    assert result.load_levels == ()
    assert result.load_reason is not None
    assert result.load_reason.startswith(f"load.replicas: 2 models of {cores} thread")


@pytest.mark.timed
@two_cpus
def test_a_copy_that_dies_fails_its_requests_and_leaves_nothing(tmp_path: Path) -> None:
    said: list[SessionEvent] = []

    def kill() -> None:
        while not any(
            # In the counted time: what fails before it is in no figure.
            isinstance(one, CaseProgress) and "4 at once" in one.what and one.share > 0.3
            for one in list(said)
        ):
            time.sleep(0.1)
        (copy,) = processes_of("runner.passes.replica")
        os.kill(copy, signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    levels, _, (result,) = replicated(
        tmp_path / "a.db", "threads=[1]", "load.replicas=[2]", "load.duration_s=8", said=said
    )
    thread.join(60)
    assert result.load_reason is None
    (level,) = levels
    # The other goes on.
    assert level.held == 1 and level.requests_per_s
    assert level.errors > 0 and level.errors_by_kind == f'{{"engine": {level.errors}}}'
    assert level.error_words is not None and "copy of the model is gone" in level.error_words
    assert processes_of("runner.passes.replica") == []
