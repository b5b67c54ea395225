"""`schema`, `models`, `doctor`, `results` and `run --dry-run`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from report.text import plural
from runner.catalogue.models import CATALOGUE
from runner.config import Benchmark
from runner.config_file import load_benchmark, presets
from runner.grid import expand
from store import LEADERBOARD_COLUMNS, Scalar
from tests.cli.conftest import Ran
from tests.cli.records import FORBIDDEN, HOSTILE, failed, result

Run = Callable[..., Ran]


def fits(text: str, width: int) -> bool:
    return max(map(cell_len, text.splitlines())) <= width


# schema


def accepts(schema: dict[str, Any], value: Any, root: dict[str, Any]) -> bool:
    """Whether a JSON Schema accepts a value, as far as the keywords of our schema go."""
    known = {
        "$ref", "$defs", "additionalProperties", "anyOf", "const", "default", "description", "enum",
        "exclusiveMaximum", "exclusiveMinimum", "items", "maxItems", "maxLength", "maximum",
        "minItems", "minLength", "minimum", "pattern", "properties", "required", "title", "type",
    }  # fmt: skip
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        return accepts(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], value, root)
    if "anyOf" in schema:
        return any(accepts(branch, value, root) for branch in schema["anyOf"])
    if "enum" in schema and value not in schema["enum"]:
        return False
    number = isinstance(value, int | float) and not isinstance(value, bool)
    types = {
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "null": value is None,
        "number": number,
        "integer": number and value == int(value),
    }
    if "type" in schema and not types[schema["type"]]:
        return False
    if isinstance(value, dict):
        fields = schema["properties"]
        return (
            set(schema.get("required", ())) <= set(value) <= set(fields)
            and schema["additionalProperties"] is False
            and all(accepts(fields[name], item, root) for name, item in value.items())
        )
    if isinstance(value, list):
        return schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9) and all(
            accepts(schema["items"], item, root) for item in value
        )
    if isinstance(value, str):
        return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9))
    return not number or (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
    )


@pytest.mark.parametrize("preset", presets())
def test_the_schema_accepts_every_preset(asrprof: Run, preset: str) -> None:
    schema = json.loads(asrprof("schema").out)
    document = json.loads((files("runner.presets") / f"{preset}.json").read_text(encoding="utf-8"))
    assert accepts(schema, document, schema)
    assert accepts(schema, load_benchmark(preset).model_dump(mode="json"), schema)


@pytest.mark.parametrize(
    "changes",
    [
        {"modls": []},
        {"models": []},
        {"models": [{"name": "a", "x": 1}]},
        {"seed": -1},
        {"seed": True},
        {"batch_sizes": [1.5]},
        {"measures": ["all"]},
        {"limits": {"min_second": 1}},
        {"data": {"source": "web"}},
    ],
)
def test_the_schema_refuses_what_the_config_refuses(changes: dict[str, Any]) -> None:
    schema = Benchmark.model_json_schema()
    document = {"name": "x", "models": ["pocketsphinx"]}
    assert accepts(schema, document, schema)
    assert not accepts(schema, {**document, **changes}, schema)


# models


def test_models_as_json(asrprof: Run) -> None:
    entries = json.loads(asrprof("models", "--json").out)
    assert [entry["name"] for entry in entries] == list(CATALOGUE)
    for entry in entries:
        known = vars(CATALOGUE[entry["name"]])
        assert entry == {**known, "languages": list(known["languages"])}


@pytest.mark.parametrize("columns", [80, 120])
def test_models_as_a_table(asrprof: Run, columns: int) -> None:
    ran = asrprof("models", columns=columns)
    assert fits(ran.out, columns)
    assert ran.code == 0
    assert all(
        (word in ran.out.splitlines()[0]) == (columns == 120)
        for word in ("family", "rate", "licence")
    )
    assert ("16 kHz" in ran.out) == (columns == 120)
    assert "\u2026" not in ran.out
    lines = {line.split()[0]: line for line in ran.out.splitlines() if line.strip()}
    assert "bundled" in lines["small-whisper"]
    assert "random" not in lines["pocketsphinx"]
    assert "hub, random" in lines["openai/whisper-tiny"]
    assert " 24300 " in ran.out
    for name, languages in (("tiny", "99"), ("tiny.en", "en"), ("large-v3", "100")):
        assert f" {languages} " in lines[f"openai/whisper-{name}"]
    unfolded = "".join(line.split(" ")[0] for line in ran.out.splitlines())
    assert all(name in unfolded for name in CATALOGUE)
    said = " ".join(ran.out.split())
    assert 'engine "onnx" exports a Whisper, a Moonshine or a CTC model to ONNX (' in said


# doctor


@pytest.mark.parametrize("columns", [80, 120])
def test_doctor(asrprof: Run, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only how it is shown; what it finds has tests of its own."""
    import runner.doctor
    from runner.doctor import Check, Report

    checks = tuple(
        Check(text, state, text, text) for text in HOSTILE for state in ("ok", "limited", "missing")
    )
    monkeypatch.setattr(runner.doctor, "examine", lambda **_: Report(checks))
    ran = asrprof("doctor", columns=columns)
    assert (ran.code, ran.err) == (0, "")
    assert fits(ran.out, columns)
    assert not [sign for sign in FORBIDDEN if sign in ran.out]
    assert "-> [/]" in ran.out
    assert json.loads(asrprof("doctor", "--json").out)["checks"][0]["name"] == HOSTILE[0]


# results


def test_results(asrprof: Run, store_with: Callable[..., Path]) -> None:
    path = store_with(result(), failed(device="cuda"))
    ran = asrprof("results", "--store", str(path))
    assert (ran.code, ran.err) == (0, "")
    assert "whisper-tiny r" in ran.out
    assert "failed whisper-tiny r cuda 5 s x 1: RuntimeError: no" in ran.out
    assert "2 results in" in ran.out


def test_results_as_json(asrprof: Run, store_with: Callable[..., Path]) -> None:
    path = store_with(result(), failed(), result(batch_size=4))
    rows = json.loads(asrprof("results", "--store", str(path), "--json").out)
    assert [row["state"] for row in rows] == ["ok", "failed", "ok"]
    assert tuple(rows[0]) == LEADERBOARD_COLUMNS
    assert rows[0]["latency_ms"] == 250.0


def test_results_of_a_condition(asrprof: Run, store_with: Callable[..., Path]) -> None:
    path = str(store_with(result(), failed(), result(batch_size=4)))

    def found(*arguments: str) -> int:
        return len(json.loads(asrprof("results", "--store", path, "--json", *arguments).out))

    assert found("--where", "state = 'ok' and batch_size > 1") == 1
    assert found("--where", "state = 'ok' -- a comment") == 2
    assert found("--limit", "2") == 2
    assert found("--job", "1") == 3
    assert found("--job", "2") == 0


def test_everything_of_one_result(asrprof: Run, store_with: Callable[..., Path]) -> None:
    path = str(store_with(result()))
    ran = asrprof("show", "1", "--store", path, "--json")
    assert '"median_s": 0.25' in ran.out
    json.loads(ran.out)
    assert asrprof("results", "--store", path, "--show", "1").out == ran.out


def test_a_scalar_stands_on_the_page_of_a_result(
    asrprof: Run, store_with: Callable[..., Path]
) -> None:
    path = store_with(result(figures=(Scalar(name="compile_s", value=12.0),)))
    ran = asrprof("show", "1", "--store", str(path))
    assert (ran.code, ran.err) == (0, "")
    assert re.search(r"^compiling +12\S* s +cold, nearly all", ran.out, re.M)


def test_an_empty_store(asrprof: Run, store_with: Callable[..., Path]) -> None:
    path = store_with()
    assert asrprof("results", "--store", str(path)).out == f"no results in {path}\n"
    filtered = asrprof("results", "--store", str(path), "--where", "data:calls").out
    assert filtered == f"no result in {path} is of this kind: choose another --where or --job\n"
    assert json.loads(asrprof("results", "--store", str(path), "--json").out) == []


@pytest.mark.parametrize("columns", [80, 120])
def test_hostile_results(asrprof: Run, store_with: Callable[..., Path], columns: int) -> None:
    # The store takes Unicode only; a lone surrogate cannot get into one.
    texts = [text for text in HOSTILE if text.isascii() or text.isprintable()]
    texts = [text for text in texts if "\udcff" not in text]
    ran = asrprof(
        "results",
        "--store",
        str(store_with(*(result(model=text, variant=text) for text in texts))),
        columns=columns,
    )
    assert (ran.code, ran.err) == (0, "")
    assert not [sign for sign in FORBIDDEN if sign in ran.out]
    table = ran.out.split("every figure is for one batch")[0]
    assert fits(table, columns)


# run --dry-run


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("preset", presets())
def test_dry_run(asrprof: Run, preset: str, columns: int, tmp_path: Path) -> None:
    ran = asrprof("run", preset, "--dry-run", columns=columns)
    cases = expand(load_benchmark(preset))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(plural(len(cases), "case"))
    assert fits(ran.out, columns)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_says_how_long_it_takes_and_learns_from_the_store(
    asrprof: Run, store_with: Callable[..., Path]
) -> None:
    demo = load_benchmark("demo")
    keys = [case.key for case in expand(demo)]

    def said(*words: str) -> str:
        return " ".join(asrprof("run", "demo", "--dry-run", *words).out.split())

    new = "not run before in this store: guessed from the models' sizes, to a factor of three"
    assert f"({len(keys)} cases {new})" in said()
    rows = [replace(result(), wall_s=400.0) for _ in keys]
    path = store_with(*rows, keys=keys, config=demo.model_dump_json())
    known = ("--store", str(path))
    assert f"about 60 min ({len(keys)} cases as long as they took before)" in said(*known)
    # Where the loops were others, the time is not the same.
    otherwise = f"({len(keys)} cases by earlier runs with other limits, measures or speech)"
    longer = said(*known, "--set", "limits.stage_iterations=1000")
    assert "about 60 min" not in longer
    assert f" h {otherwise}" in longer
    # Of other speech it may take any time.
    assert otherwise in said(*known, "--set", "data.utterances=5")


def test_a_dry_run_counts_the_cases_that_never_ran(
    asrprof: Run, store_with: Callable[..., Path]
) -> None:
    demo = load_benchmark("demo")
    keys = [case.key for case in expand(demo)]
    path = store_with(result(), keys=keys[:1], config=demo.model_dump_json())
    ran = asrprof("run", "demo", "--dry-run", "--store", str(path), columns=200)
    assert (
        f"(1 case as long as it took before; {len(keys) - 1} cases not run before in this store: "
        "guessed from the models' sizes, to a factor of three)"
    ) in " ".join(ran.out.split())


def test_a_dry_run_says_what_cannot_run_here(asrprof: Run) -> None:
    ran = asrprof("run", "demo", "--dry-run", "--set", 'devices=["cpu", "cuda"]', columns=200)
    assert re.search(r"9 cases on cuda will be refused here: \S+", ran.out)


def test_a_dry_run_shows_the_engine_where_one_is_named(asrprof: Run) -> None:
    models = '["small-whisper", {"name": "small-whisper", "engine": "faster-whisper"}]'
    named = asrprof("run", "demo", "--dry-run", "--set", f"models={models}", "--set", "include=[]")
    assert named.out.count("small-whisper@") == 1


def test_dry_run_takes_overrides(asrprof: Run) -> None:
    ran = asrprof("run", "--config", "demo", "--dry-run", "--set", "include=[]", "--set", "seed=1")
    assert ran.out.startswith("6 cases")
