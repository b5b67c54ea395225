"""What a config may say: its fields, its presets, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from runner.config import Benchmark
from runner.config_file import explain, load_benchmark, presets
from runner.grid import expand

LEAST = {"name": "x", "models": ["pocketsphinx"]}


def refusal(**changes: Any) -> str:
    """The line that a config with these fields is refused with."""
    with pytest.raises(ValidationError) as caught:
        Benchmark.model_validate({**LEAST, **changes})
    line = explain(caught.value)
    assert len(line.splitlines()) == 1
    return line


def accepted(**changes: Any) -> Benchmark:
    return Benchmark.model_validate({**LEAST, **changes})


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of a schema with its path, through ``$defs`` and down."""
    for name, model in {"Benchmark": schema, **schema.get("$defs", {})}.items():
        for field, value in model["properties"].items():
            # A field that says what its own model says leaves it to the model.
            inner = schema["$defs"].get(value.get("$ref", "").rpartition("/")[2], {})
            yield f"{name}.{field}", inner | value


def test_every_field_of_the_schema_is_described() -> None:
    described = dict(properties(Benchmark.model_json_schema()))
    assert {"Benchmark.models", "Data.dataset", "Limits.trace", "Point.model"} <= set(described)
    for path, field in described.items():
        assert len(field.get("description", "")) > 8, path


def test_every_model_of_the_schema_is_described_and_closed() -> None:
    schema = Benchmark.model_json_schema()
    for name, model in {"Benchmark": schema, **schema["$defs"]}.items():
        assert model["description"], name
        assert model["additionalProperties"] is False, name


PRESETS = {
    "decoder": 15,
    "demo": 9,
    "edge": 22,
    "engines": 44,
    "int8": 30,
    "load": 1,
    "robustness": 3,
    "precision": 42,
    "scaling": 34,
    "streaming": 12,
    "study": 160,
    "study-random": 160,
}


@pytest.mark.parametrize(("preset", "cases"), PRESETS.items())
def test_presets_expand(preset: str, cases: int) -> None:
    benchmark = load_benchmark(preset)
    assert benchmark.name == preset
    assert len(expand(benchmark)) == cases


def test_there_are_no_other_presets() -> None:
    assert presets() == ("demo", *sorted(set(PRESETS) - {"demo"}))


@pytest.mark.parametrize("preset", ["study", "study-random"])
def test_study_grid(preset: str) -> None:
    cases = expand(load_benchmark(preset))
    assert len({case.model.name for case in cases}) == 5
    assert {case.device for case in cases} == {"cpu", "cuda"}
    assert {case.audio_seconds for case in cases} == {5, 15, 30, 60}
    assert {case.batch_size for case in cases} == {1, 4, 8, 16}
    assert {case.model.weights for case in cases} == {
        "random" if preset == "study-random" else "pretrained"
    }


@pytest.mark.parametrize("preset", presets())
def test_presets_say_nothing_twice(preset: str) -> None:
    """What a preset stores is what it says: reading its dump again changes nothing."""
    text = (files("runner.presets") / f"{preset}.json").read_text(encoding="utf-8")
    benchmark = Benchmark.model_validate_json(text)
    assert load_benchmark(preset) == benchmark
    assert Benchmark.model_validate(json.loads(benchmark.model_dump_json())) == benchmark


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"modls": []}, 'unknown key "modls"; did you mean "models"?'),
        ({"limits": {"min_second": 1}}, 'unknown key "limits.min_second"; did you mean "min_sec'),
        (
            {"models": [{"name": "pocketsphinx", "wieghts": "random"}]},
            'unknown key "models[0].wieghts"; did you mean "weights"?',
        ),
        ({"exclude": [{"modle": "*"}]}, 'unknown key "exclude[0].modle"; did you mean "model"?'),
        ({"qqqq": 1}, 'unknown key "qqqq"; known: audio_seconds, batch_sizes, data'),
        ({"limits": {"str": 1}}, 'unknown key "limits.str"; did you mean "trace"?'),
        ({"": 1}, 'unknown key ""; known: '),
    ],
)
def test_unknown_keys(changes: dict[str, Any], line: str) -> None:
    assert refusal(**changes).startswith(line)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"models": ["whisper-tiny"]}, 'models: unknown model "whisper-tiny"; did you mean "open'),
        ({"models": ["whisper-tny"]}, 'models: unknown model "whisper-tny"; did you mean "openai/'),
        ({"models": ["small-wisper"]}, "did you mean"),
        ({"models": ["zzzzz"]}, 'models: unknown model "zzzzz"; see `asrprof models`'),
        ({"models": [{"name": "whisper-tny"}]}, 'models[0]: unknown model "whisper-tny"; did you'),
        ({"variants": ["fp23"]}, 'variants: unknown variant "fp23"; did you mean "fp'),
        ({"variants": ["int4"]}, 'variants: unknown variant "int4"; known: fp32, '),
        ({"devices": ["gpu"]}, 'devices: unknown device "gpu"; use "cpu", "cuda" or "cuda:N"'),
        ({"measures": ["latncy"]}, 'measures[0]: unknown value "latncy"; did you mean "latency"'),
        ({"weights": "rand"}, 'weights: unknown value "rand"; did you mean "random"?'),
        ({"data": {"source": "web"}}, 'data.source: unknown value "web"; known: builtin, folder'),
        (
            {"variants": [{"name": "a", "precision": "fp8"}]},
            'variants[0].precision: unknown value "fp8"; did you mean "fp',
        ),
    ],
)
def test_unknown_names(changes: dict[str, Any], line: str) -> None:
    assert line in refusal(**changes)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"batch_sizes": [True]}, "batch_sizes[0]: should be a valid integer (got true)"),
        ({"batch_sizes": [1.0]}, "batch_sizes[0]: should be a valid integer (got 1.0)"),
        ({"batch_sizes": ["1"]}, 'batch_sizes[0]: should be a valid integer (got "1")'),
        ({"batch_sizes": [0]}, "batch_sizes[0]: "),
        ({"batch_sizes": [10**400]}, "batch_sizes[0]: "),
        ({"batch_sizes": 4}, "batch_sizes: should be a list (got 4)"),
        ({"audio_seconds": [True]}, "audio_seconds[0]: should be a valid number (got true)"),
        ({"audio_seconds": ["5"]}, "audio_seconds[0]: "),
        ({"audio_seconds": [0]}, "audio_seconds[0]: "),
        ({"audio_seconds": [-5]}, "audio_seconds[0]: "),
        ({"audio_seconds": [1e300]}, "audio_seconds[0]: "),
        ({"audio_seconds": [10**400]}, "audio_seconds[0]: "),
        ({"audio_seconds": [float("nan")]}, "audio_seconds[0]: "),
        ({"audio_seconds": [float("inf")]}, "audio_seconds[0]: "),
        ({"seed": True}, "seed: "),
        ({"seed": -1}, "seed: "),
        ({"seed": 2**32}, "seed: "),
        ({"limits": {"trace": 1}}, "limits.trace: "),
        ({"limits": []}, "limits: should be a JSON object (got [])"),
        ({"limits": {"memory_bytes": 2**10}}, "limits.memory_bytes: "),
        ({"models": "pocketsphinx"}, 'models: should be a list (got "pocketsphinx")'),
        ({"models": [3]}, "models[0]: should be a name or a JSON object (got 3)"),
        ({"models": [None]}, "models[0]: should be a name or a JSON object (got null)"),
        ({"models": [{}]}, '"models[0].name" is missing'),
        ({"models": [""]}, "models[0]: "),
        ({"models": ["a/" + "b" * 300]}, "models[0]: string should have at most 300 characters"),
        ({"models": []}, "models: should not be empty"),
        ({"devices": []}, "devices: should not be empty"),
        ({"audio_seconds": []}, "audio_seconds: should not be empty"),
        ({"batch_sizes": []}, "batch_sizes: should not be empty"),
        ({"variants": []}, "variants: should not be empty"),
        ({"measures": []}, "measures: should not be empty"),
        ({"devices": ["cpu\n"]}, "devices: unknown device"),
        ({"devices": ["cuda:\u0663"]}, "devices: unknown device"),
        ({"devices": ["cuda:"]}, "devices: unknown device"),
        ({"name": ""}, "name: "),
        ({"name": "a\n"}, "name: "),
        ({"name": "../x"}, "name: "),
        ({"name": "x" * 101}, "name: "),
        # The rule in words, not as a regular expression.
        ({"name": "Whisper vs wav2vec2"}, "name: should be letters, digits and _ . + - without sp"),
        ({"name": "-x"}, "name: should be letters, digits and _ . + - without sp"),
        ({"variants": [{"name": "a/b"}]}, "variants[0].name: should be letters, digits, spaces"),
        ({"exclude": [{}]}, "exclude[0]: an empty entry matches the whole grid"),
        ({"exclude": [{"batch_size": True}]}, "exclude[0].batch_size: "),
        ({"models": [{"name": "a/b", "revision": ""}]}, "models[0].revision: "),
        ({"models": [{"name": "a/b", "revision": "x y"}]}, "models[0].revision: "),
    ],
)
def test_wrong_values(changes: dict[str, Any], where: str) -> None:
    line = refusal(**changes)
    assert line.startswith(where)
    assert len(line) < 250


@pytest.mark.parametrize("name", ["name", "models"])
def test_required_fields(name: str) -> None:
    document = {key: value for key, value in LEAST.items() if key != name}
    with pytest.raises(ValidationError) as caught:
        Benchmark.model_validate(document)
    assert explain(caught.value) == f'"{name}" is missing'


@pytest.mark.parametrize(
    "changes",
    [
        {"devices": ["cpu", "cpu"]},
        {"audio_seconds": [5, 5.0]},
        {"batch_sizes": [4, 1, 4]},
        {"measures": ["latency", "latency"]},
        {"variants": ["fp32", {"name": "fp32"}]},
        {"models": ["pocketsphinx", "pocketsphinx"]},
        {"models": ["pocketsphinx", {"name": "pocketsphinx"}]},
        {"models": ["pocketsphinx", {"name": "pocketsphinx", "weights": "pretrained"}]},
        {"models": [{"name": "a/b", "revision": "v1"}, {"name": "a/b", "revision": "v1"}]},
    ],
)
def test_nothing_is_listed_twice(changes: dict[str, Any]) -> None:
    assert refusal(**changes).endswith("is listed twice")


def test_one_model_at_two_revisions_and_with_both_weights() -> None:
    tiny = "openai/whisper-tiny"
    benchmark = accepted(
        models=[tiny, {"name": tiny, "revision": "v1"}, {"name": tiny, "weights": "random"}]
    )
    assert len({case.key for case in expand(benchmark)}) == 3


@pytest.mark.parametrize("name", ["pocketsphinx", "small-whisper", "someone/whisper-of-theirs"])
def test_random_weights_only_where_the_architecture_is_known(name: str) -> None:
    line = refusal(models=[{"name": name, "weights": "random"}])
    assert line == (
        f'"{name}" cannot have random weights; write {{"name": "{name}", "weights": "pretrained"}}'
    )
    assert refusal(models=["openai/whisper-tiny", name], weights="random") == line
    mended = accepted(
        models=["openai/whisper-tiny", {"name": name, "weights": "pretrained"}], weights="random"
    )
    assert [model.weights for model in mended.resolved_models()] == ["random", "pretrained"]


def test_a_ready_made_variant_keeps_its_meaning() -> None:
    line = refusal(variants=[{"name": "fp32", "precision": "fp16"}])
    assert line == 'variants[0]: "fp32" is a ready-made variant; give yours another name'
    variant = accepted(variants=[{"name": "half", "precision": "fp16"}]).resolved_variants()[0]
    assert (variant.name, variant.precision) == ("half", "fp16")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"source": "folder"}, 'data: data source "folder" needs "path"'),
        ({"source": "hub"}, 'data: data source "hub" needs "dataset"'),
        ({"path": "speech"}, 'data: "path" belongs to data source "folder" only'),
        ({"subset": "clean"}, 'data: "subset" belongs to data source "hub" only'),
        ({"split": "test"}, 'data: data source "builtin" has no "split" to choose'),
        ({"text_column": "words"}, 'data: data source "builtin" has no "text_column"'),
        ({"source": "folder", "path": "a", "revision": "b"}, 'data: "revision" belongs to'),
    ],
)
def test_data_fields_belong_together(data: dict[str, str], line: str) -> None:
    assert refusal(data=data).startswith(line)


def test_a_local_checkpoint_is_judged_by_its_config(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    assert "a local checkpoint needs a config.json there" in refusal(models=[str(tmp_path)])
    for text in ("", "[]", "3", "\x00", "[" * 100_000):
        config.write_text(text)
        assert "is no model's configuration" in refusal(models=[str(tmp_path)])
    config.write_bytes(b"\xff\xfe")
    assert "cannot read the model in" in refusal(models=[str(tmp_path)])
    config.write_text("{}")
    assert "give the folder of the original checkpoint" in refusal(models=[str(tmp_path)])
    config.write_text('{"model_type": "bert"}')
    assert (
        'has model_type "bert"; supported: whisper, moonshine, moonshine_streaming, cohere_asr, '
        in refusal(models=[str(tmp_path)])
    )
    config.write_text('{"model_type": "hubert"}')
    assert expand(accepted(models=[str(tmp_path)]))[0].model.name == str(tmp_path)


@pytest.mark.parametrize("name", ["/" + "a" * 299, "~no-such-user/x", "/\0", "./" + "a/" * 140])
def test_a_path_that_cannot_be_is_refused(name: str) -> None:
    assert refusal(models=[name]).startswith("models: ")


def loaded(**load: object) -> dict[str, object]:
    return {
        "name": "load",
        "models": ["small-whisper"],
        "measures": ["latency", "load"],
        "load": {"duration_s": 1, "warmup_s": 0, **load},
    }


@pytest.mark.parametrize(
    ("load", "words"),
    [
        ({"mode": "open"}, 'needs "rate_per_s"'),
        ({"rate_per_s": [1]}, 'belongs to mode "open"'),
        ({"mode": "open", "rate_per_s": [1], "concurrency": [3]}, 'belongs to mode "closed"'),
        ({"concurrency": [2, 2]}, '"concurrency" lists a value twice'),
        ({"mode": "open", "rate_per_s": [5000], "duration_s": 300}, "the most is 1,000,000"),
        ({"duration_s": 500}, "raise it, or shorten the levels"),
    ],
)
def test_a_load_that_cannot_be_meant(load: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Benchmark.model_validate(loaded(**load))


def test_load_is_of_whole_utterances_and_needs_its_measure() -> None:
    assert Benchmark.model_validate(loaded()).load.longest_s() == 4 * 61
    with pytest.raises(ValueError, match="one value of audio_seconds"):
        Benchmark.model_validate({**loaded(), "audio_seconds": [5.0, 10.0]})
    with pytest.raises(ValueError, match='add "load" to "measures"'):
        Benchmark.model_validate({**loaded(), "measures": ["latency"]})


def test_robustness_is_of_whole_utterances_and_needs_its_measure() -> None:
    measured = {
        "name": "noise",
        "models": ["small-whisper"],
        "measures": ["latency", "robustness"],
        "robustness": {"snr_db": [0]},
    }
    assert Benchmark.model_validate(measured).robustness.noises == ["white", "pink"]
    with pytest.raises(ValueError, match="one value of audio_seconds"):
        Benchmark.model_validate({**measured, "batch_sizes": [1, 2]})
    with pytest.raises(ValueError, match='add "robustness" to "measures"'):
        Benchmark.model_validate({**measured, "measures": ["latency"]})


def test_a_server_and_the_engine_http_belong_together() -> None:
    server = {"url": "http://127.0.0.1:8000/v1/"}
    model = {"name": "whisper-1", "engine": "http", "server": server}
    benchmark = Benchmark.model_validate({"name": "a", "models": [model]})
    (case,) = expand(benchmark)
    assert case.key.startswith("whisper-1@http(http://127.0.0.1:8000/v1)|")
    other = {**model, "server": {"url": "http://127.0.0.1:8001/v1"}}
    assert len(expand(Benchmark.model_validate({"name": "a", "models": [model, other]}))) == 2
    for wrong in ({**model, "engine": None}, {**model, "server": None}):
        with pytest.raises(ValueError, match="belong together"):
            Benchmark.model_validate({"name": "a", "models": [wrong]})


def test_a_server_of_streams_has_no_latency_of_a_batch_and_no_form() -> None:
    server = {"url": "ws://127.0.0.1:8000/v1", "dialect": "vllm"}
    model = {"name": "tiny", "engine": "http", "server": server}
    given = {"name": "b", "audio_seconds": [5], "models": [model]}
    assert Benchmark.model_validate({**given, "measures": ["quality"]})
    with pytest.raises(ValidationError, match='leave "latency" out of "measures"'):
        Benchmark.model_validate({**given, "measures": ["latency", "quality"]})
    for wrong in ({**server, "stream": True}, {**server, "url": "http://127.0.0.1:8000/v1"}):
        with pytest.raises(ValidationError, match="belong"):
            Benchmark.model_validate(
                {**given, "measures": ["quality"], "models": [{**model, "server": wrong}]}
            )
