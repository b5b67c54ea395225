"""A budget of time chooses a precision and cases by its stated rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.budget import PRECISIONS, fit, parse_budget
from runner.config import Benchmark
from runner.config_file import load_benchmark
from runner.errors import UserError
from runner.estimate import Before, estimate
from runner.grid import Case, expand
from store import Store

MODELS = ["openai/whisper-tiny", "facebook/wav2vec2-base-960h", "pocketsphinx"]


def benchmark(**changes: object) -> Benchmark:
    fields = {
        "name": "b",
        "models": MODELS,
        "audio_seconds": [5.0, 15.0],
        "batch_sizes": [1, 4],
        "measures": ["latency"],
        "limits": {"min_seconds": 200.0},
        **changes,
    }
    return Benchmark.model_validate(fields)


def total(of: Benchmark) -> float:
    return estimate(of, expand(of), {}).seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400)]
)
def test_a_budget_is_a_time(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "m", "0m", "-5m", "1.5h", "30m1h", "soon"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="write a time such as 90s, 30m or 1h30m"):
        parse_budget(text)


def test_what_fits_is_left_as_it_is() -> None:
    one = benchmark()
    plan = fit(one, expand(one), {}, total(one) + 1)
    assert (plan.benchmark, plan.cases, plan.left_out) == (one, expand(one), ())
    assert plan.lines() == [plan.lines()[0]]


def test_the_precision_gives_way_before_any_case_does() -> None:
    one = benchmark()
    plan = fit(one, expand(one), {}, total(one) - 1)
    assert plan.left_out == ()
    assert plan.precision == plan.benchmark.limits.precision == PRECISIONS[0]
    assert plan.estimate.seconds < total(one)
    assert plan.benchmark.limits.longest_loop_s <= one.limits.longest_loop_s
    Benchmark.model_validate(plan.benchmark.model_dump())  # It can be stored and read again.


def test_a_precision_that_is_looser_already_stays() -> None:
    one = benchmark(limits={"precision": 0.3})
    plan = fit(one, expand(one), {}, total(one) - 1)
    assert plan.precision is None
    assert plan.benchmark is one
    assert plan.left_out


def test_then_the_longest_cases_go_and_every_model_keeps_one() -> None:
    one = benchmark(limits={"precision": 0.5})
    cases = expand(one)
    budget_s = total(one) * 0.4
    plan = fit(one, cases, {}, budget_s)
    assert plan.estimate.seconds <= budget_s
    assert set(plan.cases) | set(plan.left_out) == set(cases)
    assert {case.model for case in plan.cases} == {case.model for case in cases}
    for case in plan.left_out:
        of_model = [kept for kept in plan.cases if kept.model == case.model]
        work = case.audio_seconds * case.batch_size
        assert all(kept.audio_seconds * kept.batch_size <= work for kept in of_model)
    text = "\n".join(plan.lines())
    assert f"{len(plan.cases)} of {len(cases)} cases" in text
    assert all(case.title in text for case in plan.left_out)
    assert f"and {len(plan.left_out) - 1} more" in plan.lines(1)[-1]


def test_a_variant_goes_with_its_baseline() -> None:
    one = benchmark(limits={"precision": 0.5}, variants=["fp32", "bf16"], models=MODELS[:1])
    cases = expand(one)
    plan = fit(one, cases, {}, total(one) * 0.6)
    assert plan.left_out
    for kept in (plan.cases, plan.left_out):
        shapes: dict[str, set[tuple[object, object]]] = {}
        for case in kept:
            shapes.setdefault(case.variant.name, set()).add((case.audio_seconds, case.batch_size))
        assert shapes["fp32"] == shapes["bf16"]


def test_a_budget_for_less_than_a_case_of_each_model_says_what_would_do() -> None:
    one = benchmark()
    with pytest.raises(UserError, match=r"give (\d+)m at least") as refused:
        fit(one, expand(one), {}, 1.0)
    minutes = int(str(refused.value).partition("give ")[2].partition("m ")[0])
    least = fit(one, expand(one), {}, 60.0 * minutes)
    assert {case.model.name for case in least.cases} == set(MODELS)


def before(of: Benchmark, seconds: float) -> dict[str, Before]:
    how = (of.limits, tuple(of.measures), of.data)
    return {case.key: Before(seconds, *how) for case in expand(of)}


def test_what_cases_took_before_counts_for_more_than_a_guess() -> None:
    one = benchmark()
    assert fit(one, expand(one), before(one, 1.0), 13.0).left_out == ()
    slow = fit(one, expand(one), before(one, 5000.0), 59_000.0)
    assert slow.precision is not None or slow.left_out


def test_what_a_loose_run_took_does_not_stand_for_a_tight_one() -> None:
    # A second run with the same budget knows that the first one's loops were others.
    one = benchmark()
    budget_s = total(one) - 1
    first = fit(one, expand(one), {}, budget_s)
    took: dict[str, Before] = before(first.benchmark, first.estimate.seconds / len(first.cases))
    second = fit(one, expand(one), took, budget_s)
    assert second.precision == first.precision
    assert second.estimate.seconds == pytest.approx(first.estimate.seconds)


@pytest.mark.e2e
def test_a_run_keeps_to_its_budget_and_says_so(tmp_path: Path, run_asrprof) -> None:  # type: ignore[no-untyped-def]
    config = tmp_path / "b.json"
    config.write_text(
        '{"name": "b", "models": ["pocketsphinx"], "audio_seconds": [2, 5], "batch_sizes": [1, 4],'
        ' "measures": ["latency"], "limits": {"threads": 1, "warmup_seconds": 0.1,'
        ' "min_seconds": 60, "min_iterations": 2, "max_seconds": 3, "cycle_batches": 1}}'
    )
    done = run_asrprof("run", str(config), "--budget", "20s", module="runner.cli")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    with Store.open(tmp_path / "results" / "asrprof.db", readonly=True) as store:
        rows, (job,) = store.leaderboard(), store.jobs()
        kept = load_benchmark(str(config), ())
        plan = fit(kept, expand(kept), {}, 20.0)
        assert sorted(map(work, plan.cases)) == sorted(
            (row.audio_seconds, row.batch_size) for row in rows
        )
        assert 0 < len(rows) == job.cases_total == job.cases_done < 4
        stored = store.benchmark(job.benchmark_id).config
        remarks = [event.message for event in store.events(job.id) if event.kind == "remark"]
    assert f'"precision":{plan.precision}' in stored.replace(" ", "")
    assert f"budget 20 s: {len(rows)} of 4 cases" in said
    assert all(case.title in said for case in plan.left_out)
    assert "foretold: about" in said
    assert any("left out" in str(remark) for remark in remarks)


def work(case: Case) -> tuple[float, int]:
    assert isinstance(case.batch_size, int)
    return case.audio_seconds, case.batch_size
