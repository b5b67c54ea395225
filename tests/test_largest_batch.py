"""The batch size `max`: the search, its end, and the true border under a small memory limit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runner.config import Benchmark, Model, Variant
from runner.grid import Case, expand
from runner.largest_batch import Search, bounded, free_bytes, run_largest
from runner.task import CaseTask
from store import Store
from store.records import Scalar


@pytest.fixture
def task() -> CaseTask:
    case = Case(
        Model(name="small-whisper", weights="pretrained"), "cpu", Variant(name="fp32"), 5.0, "max"
    )
    benchmark = Benchmark.model_validate({"name": "x", "models": ["small-whisper"]})
    return CaseTask(
        case=case,
        clips=Path("none"),
        measures=frozenset({"latency"}),
        limits=benchmark.limits,
        seed=1,
        trace=None,
    )


def machine(border: int, *, tight: int | None = None):
    """A runner whose batches fit up to `border` when tried, up to `tight` when measured."""
    tried: list[tuple[int, bool]] = []

    def run(task: CaseTask):
        tried.append((task.batch_size, task.trial))
        most = border if task.trial or tight is None else tight
        fits = task.batch_size <= most
        words = "it fits" if fits else f"no room for {task.batch_size}"
        return task.outcome("ok" if fits else "oom", words, started_at="", wall_s=0.0)

    return run, tried


def figures(result) -> dict[str, Scalar]:
    return {figure.name: figure for figure in result.figures}


@pytest.mark.parametrize("border", [1, 2, 3, 5, 7, 8, 15, 16, 21, 31])
def test_the_border_is_found_exactly(task, border):
    run, tried = machine(border)
    result = run_largest(task, run)
    assert (result.state, result.batch_size) == ("ok", border)
    found = figures(result)
    assert found["largest_batch"].value == border
    assert found["too_large_batch"].value == border + 1
    assert f"no room for {border + 1}" in found["too_large_batch"].note
    # Doubling, then bisection, then the case itself, never a size twice.
    sizes = [size for size, trial in tried if trial]
    assert len(sizes) == len(set(sizes)) <= 2 * border.bit_length() + 1
    assert tried[-1] == (border, False)


def test_large_batches_are_found_to_a_sixteenth(task):
    run, _ = machine(201)
    found = figures(run_largest(task, run))
    fits, fails = found["largest_batch"].value, found["too_large_batch"].value
    assert fits <= 201 < fails
    assert fails - fits <= fits / 16


@pytest.mark.parametrize("most", [1, 6, 8])
def test_a_cap_ends_the_search_and_says_so(task, most):
    run, tried = machine(10_000)
    capped = replace(task, limits=task.limits.model_copy(update={"largest_batch": most}))
    result = run_largest(capped, run)
    assert result.batch_size == most == max(size for size, _ in tried)
    assert set(figures(result)) == {"largest_batch"}
    assert "limits.largest_batch ended" in figures(result)["largest_batch"].note


def test_not_even_one_clip_fits(task):
    run, tried = machine(0)
    result = run_largest(task, run)
    assert (result.state, result.reason, result.batch_size) == ("oom", "no room for 1", 1)
    assert tried == [(1, True)]


def test_a_try_leaves_memory_for_what_the_case_measures(task):
    limits = task.limits.model_copy(update={"memory_bytes": 1_000_000})
    bounds: dict[bool, set[int | None]] = {True: set(), False: set()}

    def run(task: CaseTask):
        bounds[task.trial].add(task.limits.memory_bytes)
        return task.outcome("ok", "it fits", started_at="", wall_s=0.0)

    run_largest(replace(task, limits=limits), run)
    assert bounds == {True: {950_000}, False: {1_000_000}}


def test_what_is_no_lack_of_memory_is_no_border(task):
    def run(task: CaseTask):
        late = task.batch_size > 10
        reason = "stopped after 600 s (limits.case_seconds)" if late else "it fits"
        return task.outcome("failed" if late else "ok", reason, started_at="", wall_s=0.0)

    result = run_largest(task, run)
    assert (result.state, result.batch_size, result.figures) == ("failed", 16, ())
    assert "at batch 16" in result.reason
    assert "stopped after 600 s" in result.reason
    assert "limits.largest_batch below 16" in result.reason


def test_a_batch_that_fitted_only_when_it_was_tried_gives_way(task):
    run, tried = machine(12, tight=10)
    result = run_largest(task, run)
    assert (result.state, result.batch_size) == ("ok", 10)
    assert figures(result)["too_large_batch"].value == 11
    assert [size for size, trial in tried if not trial] == [12, 11, 10]


def test_a_process_is_bounded_by_what_the_machine_has_free(task, tmp_path):
    free = bounded(task, lambda: 10**9)
    assert free.limits.memory_bytes == 9 * 10**8
    assert "limits" not in free.memory_bound, "nobody set it"
    own = replace(task, limits=task.limits.model_copy(update={"memory_bytes": 10**8}))
    assert bounded(own, lambda: 10**9).limits.memory_bytes == 10**8
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   2000 kB\n")
    assert free_bytes(tmp_path) == 2_048_000
    group = tmp_path / "sys" / "fs" / "cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("1000000\n")
    (group / "memory.current").write_text("400000\n")
    assert free_bytes(tmp_path) == 600_000
    (group / "memory.max").write_text("max\n")
    assert free_bytes(tmp_path) == 2_048_000


def test_the_search_ends_whatever_is_noted():
    search = Search(most=64)
    sizes = []
    while (size := search.next) is not None:
        sizes.append(size)
        search = search.noted(size, None if size < 40 else "full")
    assert sizes[:7] == [1, 2, 4, 8, 16, 32, 64]
    assert search.fits < 40 <= search.fails


def test_a_case_keeps_its_key_and_its_place_in_the_grid():
    benchmark = Benchmark.model_validate(
        {
            "name": "x",
            "models": ["small-whisper"],
            "batch_sizes": [1, "max"],
            "audio_seconds": [5, 15],
            "exclude": [{"audio_seconds": 15, "batch_size": "max"}],
            "include": [{"audio_seconds": 30, "batch_size": "max"}],
        }
    )
    assert [case.key.rsplit("|", 2)[1:] for case in expand(benchmark)] == [
        ["5s", "b1"], ["5s", "bmax"], ["15s", "b1"], ["30s", "bmax"],
    ]  # fmt: skip
    with pytest.raises(ValueError, match="batch_sizes"):
        Benchmark.model_validate(
            {"name": "x", "models": ["small-whisper"], "batch_sizes": ["most"]}
        )


@pytest.mark.e2e
@pytest.mark.timeout(1500)
def test_the_border_under_a_small_memory_limit_is_the_true_one(tmp_path, run_asrprof):
    # A clip of 120 s takes 165 MB here: more than what malloc keeps of what was freed, which
    # differs between equal processes by 60 MB and would move the border from one to the next.
    config = {
        "name": "largest",
        "models": ["small-wav2vec2-ctc"],
        "audio_seconds": [120],
        "batch_sizes": ["max"],
        "measures": ["latency", "memory"],
        "limits": {
            "memory_bytes": 1_200_000_000, "threads": 1, "warmup_seconds": 0.1,
            "min_seconds": 0, "min_iterations": 1, "cycle_batches": 1,
        },
    }  # fmt: skip

    def run(**changes):
        (tmp_path / "config.json").write_text(json.dumps({**config, **changes}))
        done = run_asrprof("--config", "config.json", "--quiet", timeout=480)
        with Store.open(tmp_path / "results" / "asrprof.db", readonly=True) as store:
            row = store.leaderboard()[-1]
            return done, store.result(row.result_id).result

    done, found = run()
    assert done.returncode == 0, done.stderr
    assert found.state == "ok"
    assert found.case_key.endswith("|bmax")
    sizes = {figure.name: int(figure.value) for figure in found.figures}
    fits, fails = sizes["largest_batch"], sizes["too_large_batch"]
    assert found.batch_size == fits
    assert 1 < fits < fails
    assert fails - fits <= max(1, fits // 16)
    # The search leaves a twentieth of the bound to the case, 60 MB, which the next clip exceeds.
    _, above = run(name="above", batch_sizes=[fails + 1])
    assert above.state == "oom"
    _, again = run(name="again", batch_sizes=[fits])
    assert again.state == "ok"
