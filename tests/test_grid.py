"""What a config expands to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.config import Benchmark
from runner.config_file import parse_benchmark
from runner.errors import UserError
from runner.grid import MAX_CASES, Case, expand

TINY, BASE = "openai/whisper-tiny", "openai/whisper-base"


def grid(**fields: Any) -> tuple[Case, ...]:
    return expand(Benchmark.model_validate({"name": "x", "models": [TINY], **fields}))


def points(cases: tuple[Case, ...]) -> list[tuple[str, str, str, float, int]]:
    return [(c.model.name, c.device, c.variant.name, c.audio_seconds, c.batch_size) for c in cases]


def refusal(**fields: Any) -> str:
    with pytest.raises(UserError) as caught:
        grid(**fields)
    return str(caught.value)


def test_lists_multiply_and_the_last_turns_fastest() -> None:
    cases = grid(
        models=[TINY, BASE],
        devices=["cpu", "cuda"],
        audio_seconds=[5, 15],
        batch_sizes=[1, 4],
        variants=["fp32", "fp16"],
    )
    assert len(cases) == 2**5
    assert points(cases)[:3] == [
        (TINY, "cpu", "fp32", 5.0, 1),
        (TINY, "cpu", "fp32", 5.0, 4),
        (TINY, "cpu", "fp32", 15.0, 1),
    ]


def test_keys_are_these() -> None:
    """They are in stores and `--resume` goes by them: they must not change."""
    cases = grid(
        models=[{"name": TINY, "weights": "random", "revision": "v1"}, "pocketsphinx"],
        audio_seconds=[5, 2.5],
        batch_sizes=[16],
    )
    assert [case.key for case in cases] == [
        "openai/whisper-tiny|random|v1|cpu|fp32|5s|b16",
        "openai/whisper-tiny|random|v1|cpu|fp32|2.5s|b16",
        "pocketsphinx|pretrained|-|cpu|fp32|5s|b16",
        "pocketsphinx|pretrained|-|cpu|fp32|2.5s|b16",
    ]


def test_keys_of_lengths_that_look_alike_differ() -> None:
    cases = grid(audio_seconds=[5, 5.0000001, 1234.5678, 1234.5679])
    assert len({case.key for case in cases}) == len(cases) == 4


def test_exclude_drops_what_matches_every_field_it_has() -> None:
    cases = grid(
        models=[TINY, BASE],
        devices=["cpu", "cuda"],
        audio_seconds=[5, 60],
        batch_sizes=[1, 16],
        exclude=[{"model": "openai/*-base", "audio_seconds": 60, "device": "cpu"}],
    )
    assert len(cases) == 16 - 2
    assert (BASE, "cpu", "fp32", 60.0, 16) not in points(cases)
    assert (BASE, "cuda", "fp32", 60.0, 16) in points(cases)
    assert (TINY, "cpu", "fp32", 60.0, 16) in points(cases)


def test_an_engine_can_be_excluded_and_included_by_its_name() -> None:
    others = [{"name": "small-whisper", "engine": name} for name in ("onnx", "openvino")]
    models = ["small-whisper", *others]
    engines = [case.model.engine for case in grid(models=models, exclude=[{"engine": "on*"}])]
    assert engines == [None, "openvino"]
    engines = [case.model.engine for case in grid(models=models, exclude=[{"engine": "own"}])]
    assert engines == ["onnx", "openvino"]
    more = grid(models=models, include=[{"engine": "onnx", "batch_size": 9}])
    assert [case.model.engine for case in more if case.batch_size == 9] == ["onnx"]


def test_threads_multiply_the_cases_of_a_cpu_alone() -> None:
    """A key ends in the threads only where they are listed: those of old stores stay."""
    cases = grid(models=["a/b"], devices=["cpu", "cuda"], batch_sizes=[1, 4], threads=[1, 2])
    assert [case.key.partition("|-|")[2] for case in cases] == [
        *("cpu|fp32|15s|b1|t1", "cpu|fp32|15s|b1|t2", "cpu|fp32|15s|b4|t1", "cpu|fp32|15s|b4|t2"),
        *("cuda|fp32|15s|b1", "cuda|fp32|15s|b4"),
    ]
    assert cases[1].title == "b cpu fp32 15 s x 1 t2"
    # The words of single utterances are taken once for all of them.
    assert len({case.quality_key(case.variant, None, "s") for case in cases[:4]}) == 1


def test_threads_can_be_excluded_and_included() -> None:
    cases = grid(
        batch_sizes=[1, 4],
        threads=[1, 2],
        exclude=[{"threads": 2, "batch_size": 4}],
        include=[{"threads": 8, "batch_size": 4}, {"batch_size": 9}],
    )
    found = [(case.batch_size, case.threads) for case in cases]
    assert found == [(1, 1), (1, 2), (4, 1), (4, 8), (9, 1), (9, 2)]
    alone = grid(include=[{"threads": 3}])
    assert [case.threads for case in alone] == [None, 3]


def test_threads_that_no_case_can_have_are_an_error() -> None:
    assert refusal(devices=["cuda"], threads=[2]) == "threads: no case is on a CPU; leave it out"
    line = refusal(devices=["cuda"], include=[{"threads": 2}])
    assert line.startswith("include[0]: asks for CPU threads on no CPU")
    assert refusal(exclude=[{"threads": 2}]).startswith("exclude[0] matches no point of the grid")


def test_excludes_may_overlap() -> None:
    cases = grid(
        audio_seconds=[5, 15], batch_sizes=[1, 4], exclude=[{"batch_size": 4}, {"batch_size": 4}]
    )
    assert [case.batch_size for case in cases] == [1, 1]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*", None),
        ("openai/*", []),
        ("openai/whisper-????", [BASE.replace("base", "small")]),
        ("*tiny", [BASE, BASE.replace("base", "small")]),
        (BASE, [TINY, BASE.replace("base", "small")]),
    ],
)
def test_globs(pattern: str, left: list[str] | None) -> None:
    models = [TINY, BASE, "openai/whisper-small"]
    if not left:
        assert refusal(models=models, exclude=[{"model": pattern}]).startswith("no case is left")
    else:
        cases = grid(models=models, exclude=[{"model": pattern}])
        assert [case.model.name for case in cases] == left


@pytest.mark.parametrize(
    "entry",
    [
        {"model": "whisper-*"},
        {"model": "OPENAI/*"},
        {"device": "cuda"},
        {"variant": "fp16"},
        {"audio_seconds": 5.1},
        {"batch_size": 2},
        {"model": "*", "batch_size": 2},
        {"model": "["},
    ],
)
def test_an_exclude_that_matches_nothing_is_an_error(entry: dict[str, Any]) -> None:
    line = refusal(audio_seconds=[5], exclude=[{"model": "*"}, entry])
    assert line.startswith("exclude[1] matches no point of the grid: {")


def test_an_exclude_may_lose_its_points_to_an_override_and_not_to_a_misspelling() -> None:
    document = {
        "name": "x",
        "models": [TINY],
        "devices": ["cpu", "cuda"],
        "audio_seconds": [5],
        "batch_sizes": [1, 2],
        "exclude": [{"device": "cuda", "batch_size": 2}, {"batch_size": 2}],
    }
    found = parse_benchmark(json.dumps(document), "x", ['devices=["cpu"]'])
    assert [point.batch_size for point in found.exclude] == [2]
    assert [case.batch_size for case in expand(found)] == [1]
    document["exclude"] = [{"device": "cdua"}]
    misspelt = parse_benchmark(json.dumps(document), "x", ['devices=["cpu"]'])
    with pytest.raises(UserError, match=r"exclude\[0\] matches no point of the grid"):
        expand(misspelt)


def test_include_multiplies_what_it_leaves_out() -> None:
    cases = grid(
        models=[TINY, BASE],
        devices=["cpu", "cuda"],
        audio_seconds=[5],
        include=[{"model": "*-base", "audio_seconds": 60, "batch_size": 16}],
    )
    assert points(cases) == [
        (TINY, "cpu", "fp32", 5.0, 1),
        (TINY, "cuda", "fp32", 5.0, 1),
        (BASE, "cpu", "fp32", 5.0, 1),
        (BASE, "cuda", "fp32", 5.0, 1),
        (BASE, "cpu", "fp32", 60.0, 16),
        (BASE, "cuda", "fp32", 60.0, 16),
    ]


def test_include_keeps_the_cases_of_a_model_together() -> None:
    cases = grid(models=[TINY, BASE, "pocketsphinx"], include=[{"audio_seconds": 60}])
    assert [case.model.name for case in cases] == [TINY] * 2 + [BASE] * 2 + ["pocketsphinx"] * 2


def test_include_wins_over_exclude_and_adds_nothing_twice() -> None:
    cases = grid(
        audio_seconds=[5, 60],
        exclude=[{"audio_seconds": 60}],
        include=[{"audio_seconds": 60, "batch_size": 1}, {"audio_seconds": 5}],
    )
    assert [case.audio_seconds for case in cases] == [5, 60]


def test_include_may_be_all_there_is() -> None:
    cases = grid(exclude=[{"model": "*"}], include=[{"batch_size": 8}])
    assert [case.batch_size for case in cases] == [8]


def test_include_may_add_a_device_by_its_full_name() -> None:
    assert [case.device for case in grid(include=[{"device": "cuda:1"}])] == ["cpu", "cuda:1"]


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"model": "nope"}, "include[0]: names no model, engine or variant of this benchmark"),
        ({"variant": "fp16"}, "include[0]: names no model, engine or variant of this benchmark"),
        ({"device": "gpu"}, 'include[0]: unknown device "gpu"'),
        ({"device": "cuda*"}, 'include[0]: unknown device "cuda*"'),
    ],
)
def test_an_include_that_names_nothing_is_an_error(entry: dict[str, Any], line: str) -> None:
    assert refusal(include=[entry]).startswith(line)


def test_absurd_grids_are_refused_before_they_are_made() -> None:
    lengths, sizes = list(range(1, 3601)), list(range(1, 4097))
    line = refusal(audio_seconds=lengths, batch_sizes=sizes)
    assert line == f"the grid has 14745600 cases, the most is {MAX_CASES}; shorten the lists"
    included = [{"batch_size": size} for size in range(2, 40)]
    assert "the most is" in refusal(audio_seconds=lengths, include=included)


axis = {
    "models": st.lists(
        st.sampled_from([TINY, BASE, "pocketsphinx", "a/b", {"name": TINY, "weights": "random"}]),
        min_size=1,
        max_size=4,
        unique_by=str,
    ),
    "devices": st.lists(st.sampled_from(["cpu", "cuda", "cuda:1"]), min_size=1, unique=True),
    "audio_seconds": st.lists(st.sampled_from([1, 5, 5.25, 30]), min_size=1, unique=True),
    "batch_sizes": st.lists(st.integers(1, 64), min_size=1, max_size=3, unique=True),
    "variants": st.lists(st.sampled_from(["fp32", "fp16", "bf16"]), min_size=1, unique=True),
    "threads": st.none() | st.lists(st.integers(1, 8), min_size=1, max_size=3, unique=True),
    "include": st.lists(st.fixed_dictionaries({"batch_size": st.integers(1, 8)}), max_size=2),
}


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries(axis))
def test_cases_are_unique_stable_and_grouped(fields: dict[str, Any]) -> None:
    if "cpu" not in fields["devices"]:
        fields["threads"] = None
    cases = grid(**fields)
    keys = [case.key for case in cases]
    assert len(set(keys)) == len(keys)
    assert keys == [case.key for case in grid(**fields)]
    models = [case.model for case in cases]
    order = list(dict.fromkeys(models))
    assert [str(model.weights) + model.name for model in order] == [
        "random" + model["name"] if isinstance(model, dict) else f"pretrained{model}"
        for model in fields["models"]
    ]
    assert models == sorted(models, key=order.index)
