"""A variant interleaved with its baseline: the ratio that holds where two latencies do not."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from report.compare import INTERLEAVED, compare_interleaved, compare_samples
from report.study import Study
from report.variants import variant_effects
from runner.cli import main
from runner.measure import comparison
from store import Result, Sample, Store, process_owner
from tests.report.synthetic import Grid, results_of

BATCHES = (1.0, 1.3)


def interleaved_samples(
    seed: int, *, factor: float, rounds: int = 7, noise: float = 0.02
) -> list[Sample]:
    """Both sides, on a machine whose speed changes by tens of per cent from round to round."""
    generator = np.random.default_rng(seed)
    found = []
    for number in range(rounds):
        busy = math.exp(generator.normal(0, 0.4))
        for batch, seconds in enumerate(BATCHES):
            for kind, times in zip(INTERLEAVED, (1.0, factor), strict=True):
                spent = busy * seconds * times * math.exp(generator.normal(0, noise))
                found.append(Sample(kind=kind, iteration=number, batch=batch, seconds=spent))
    return found


def as_two_runs(samples: list[Sample]) -> tuple[list[Sample], list[Sample]]:
    first, second = (
        [replace(sample, kind="latency") for sample in samples if sample.kind == kind]
        for kind in INTERLEAVED
    )
    return first, second


def test_the_kinds_are_those_that_a_runner_writes() -> None:
    assert (comparison.BASELINE, comparison.VARIANT) == INTERLEAVED


@pytest.mark.parametrize("factor", [0.9, 0.7, 1.1])
def test_a_planted_ratio_is_found_on_a_busy_machine(factor: float) -> None:
    sure = 0
    for seed in range(40):
        samples = interleaved_samples(seed, factor=factor)
        found = compare_interleaved(samples)
        assert found is not None
        sure += found.significant and found.low < factor < found.high
        apart = compare_samples(*as_two_runs(samples))
        assert apart.high / apart.low > found.high / found.low
    assert sure >= 36


def test_chance_is_rarely_taken_for_a_difference() -> None:
    found = [
        compare_interleaved(interleaved_samples(seed, factor=1.0, rounds=5)) for seed in range(1000)
    ]
    alarms = sum(one is not None and one.significant for one in found)
    assert 30 <= alarms <= 70, "five of a hundred"


def test_a_few_rounds_give_a_ratio_without_an_interval() -> None:
    found = compare_interleaved(interleaved_samples(1, factor=0.5, rounds=3, noise=0.001))
    assert found is not None
    assert found.ratio == pytest.approx(0.5, rel=0.01)
    assert math.isnan(found.low)
    assert not found.significant
    assert found.reason is not None


def test_one_side_alone_took_no_turns() -> None:
    samples = interleaved_samples(1, factor=0.5)
    assert (
        compare_interleaved([sample for sample in samples if sample.kind == INTERLEAVED[0]]) is None
    )
    assert compare_interleaved([]) is None


@pytest.fixture
def compared(tmp_path: Path) -> Path:
    """A decoder's caches, run apart and interleaved, and an int8 that loses words."""
    path = tmp_path / "store.db"
    grid = Grid(lengths=(60.0,), batches=(1,), devices=("cpu",))
    plain, int8 = list(results_of(grid))[:2]
    assert (plain.variant, int8.variant) == ("fp32", "int8")
    cached = replace(plain, case_key="on", variant="cache-dynamic", model="openai/cached")
    off = interleaved(
        replace(cached, case_key="off", variant="cache-off"),
        "cache-dynamic",
        interleaved_samples(3, factor=4.0),
    )
    with Store.open(path) as store:
        job = store.start_job(
            store.add_benchmark("interleaved", '{"name": "interleaved"}'),
            target="local",
            cases_total=4,
            owner=process_owner(),
            lease_s=60.0,
        )
        for result in (plain, int8, cached, off):
            store.write_result(job, result)
    return path


def interleaved(result: Result, baseline: str, samples: list[Sample]) -> Result:
    sides = [
        [[s.seconds for s in samples if (s.kind, s.batch) == (kind, batch)] for batch in (0, 1)]
        for kind in INTERLEAVED
    ]
    base_s, variant_s = (comparison.cycle_median(side) for side in sides)
    return replace(
        result,
        samples=(*result.samples, *samples),
        comparison=comparison.Comparison(
            baseline=baseline,
            rounds=7,
            baseline_s=base_s,
            variant_s=variant_s,
            speedup=base_s / variant_s,
            speedup_low=0.2,
            speedup_high=0.3,
            clips=2,
            same_text=2,
        ),
    )


def test_the_baseline_is_the_one_that_took_turns(compared: Path) -> None:
    with Store.open(compared, readonly=True) as store:
        off, int8 = sorted(variant_effects(Study.read(store)), key=lambda effect: effect.title)
        row = store.study.rows(where="variant = 'cache-off'")[0]
    assert off.title == "cached cache-off on cpu (against cache-dynamic)"
    assert (off.interleaved, int8.interleaved) == (True, False)
    assert row.baseline == "cache-dynamic"
    # Of the interleaved rounds: the two latencies are alike.
    assert off.latency.ratio == pytest.approx(4.0, rel=0.05)
    assert int8.baseline.row.variant == "fp32"


@pytest.mark.parametrize("where", [None, "variant != 'x' -- a remark"])
def test_the_command_prints_speed_up_and_words_lost_with_intervals(
    compared: Path,
    where: str | None,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    choice = [] if where is None else ["--where", where]
    assert main(["results", "--store", str(compared), *choice]) == 0
    said = capfd.readouterr().out.split("against baseline")[1]
    assert "whisper-tiny" in said
    (line,) = [line for line in said.splitlines() if "  int8" in line]
    assert "x1.66 [1.65, 1.67]" in line
    assert "14.0 → 16.0" in line
    assert "+2.00 [" in line
    (line,) = [line for line in said.splitlines() if "  cache-off" in line]
    assert "x0.25 [0.2" in line
    assert line.endswith("no utterance differs")
    assert "speed-up of 1: of two runs, one after the other" in said


def test_no_second_table_without_a_variant(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plain.db"
    with Store.open(path) as store:
        job = store.start_job(
            store.add_benchmark("plain", '{"name": "plain"}'),
            target="local",
            cases_total=1,
            owner=process_owner(),
            lease_s=60.0,
        )
        store.write_result(job, next(iter(results_of(Grid(clips=1)))))
    assert main(["results", "--store", str(path)]) == 0
    assert "baseline" not in capfd.readouterr().out
