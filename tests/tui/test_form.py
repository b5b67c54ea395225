"""The config form: what is typed, what it means, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.config import Benchmark, Data, Limits
from runner.config_file import load_benchmark, presets
from runner.errors import UserError
from runner.estimate import estimate, left_seconds
from runner.grid import expand
from tui.configs import list_configs, to_json
from tui.form import FIELDS, check, check_document, default_text, suggestion, texts_of

SMALL: dict[str, Any] = {"name": "b", "models": ["small-whisper"]}


def field(path: str) -> Any:
    return next(found for found in FIELDS if found.path == path)


def test_the_form_has_every_field_of_a_config() -> None:
    inner = {"data": Data, "limits": Limits}
    expected = {name for name in Benchmark.model_fields if name not in inner}
    expected |= {f"{name}.{key}" for name, model in inner.items() for key in model.model_fields}
    assert {found.path for found in FIELDS} == expected
    assert all(found.help for found in FIELDS)


def test_an_object_is_a_line_of_json() -> None:
    assert default_text("load") == ""
    texts = texts_of({**SMALL, "measures": ["load"]}) | {
        "load": '{"mode": "open", "rate_per_s": [2]}'
    }
    checked = check(texts, SMALL)
    assert checked.benchmark is not None and checked.benchmark.load.rate_per_s == [2]
    assert texts_of(checked.document or {})["load"] == texts["load"]
    assert check(texts | {"load": '{"mode": "slow"}'}, SMALL).field == "load"


@pytest.mark.parametrize("name", presets())
def test_a_preset_comes_through_the_form_unchanged(name: str, tmp_path: Any) -> None:
    (config,) = (found for found in list_configs(tmp_path) if found.name == name)
    checked = check(texts_of(config.document), config.document)
    assert checked.document == config.document
    assert checked.error is None
    assert checked.cases == expand(load_benchmark(name))
    assert json.loads(to_json(config.document)) == config.document


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"models": ["a"], "models": ["b"]}', 'key "models" is given twice'),
        ('{"models": [], "limits": {"trace": true, "trace": false}}', 'key "trace" is given twice'),
        ('{"models": ["a"], "seed": NaN}', "NaN is no JSON number"),
        ('{"models": [', "broken JSON at line 1, column 13"),
        ('{"models": ["\\ud800"]}', "is not Unicode text"),
        ("[]", "a config is a JSON object, this is a list"),
    ],
)
def test_a_file_is_read_as_the_command_reads_it(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(text, encoding="utf-8")
    (config,) = (found for found in list_configs(tmp_path) if not found.preset)
    with pytest.raises(UserError) as refused:
        load_benchmark(str(path))
    assert config.error == str(refused.value)
    assert words in config.error


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("models", '{"name": "small-whisper", "name": "pocketsphinx"}'),
        ("exclude", '[{"batch_size": 1, "batch_size": 2}]'),
    ],
)
def test_a_key_of_a_field_is_given_once(path: str, text: str) -> None:
    checked = check({**texts_of(SMALL), path: text}, SMALL)
    assert checked.field == path
    assert "is given twice" in (checked.error or "")


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("models", "pocketsphinx, small-whisper", ["pocketsphinx", "small-whisper"]),
        (
            "models",
            'pocketsphinx, {"name": "openai/whisper-tiny", "weights": "random"}',
            ["pocketsphinx", {"name": "openai/whisper-tiny", "weights": "random"}],
        ),
        ("audio_seconds", "5, 7.5,30", [5, 7.5, 30]),
        ("limits.min_seconds", "2.5", 2.5),
        ("limits.trace", "yes", True),
        ("limits.threads", "4", 4),
        ("data.utterances", "12", 12),
        ("data.clips", "packed", "packed"),
        ("limits.quality_utterances", "45", 45),
        ("measures", "latency, quality, quality_batch", ["latency", "quality", "quality_batch"]),
        ("exclude", '[{"audio_seconds": 5}]', [{"audio_seconds": 5}]),
        ("weights", "random", "random"),
    ],
)
def test_what_is_typed_becomes_the_config(path: str, text: str, value: object) -> None:
    texts = {**texts_of(SMALL), path: text}
    document: Any = check(texts, SMALL).document
    for part in path.split("."):
        document = document[part]
    assert document == value


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("name", "", '"name" is missing'),
        ("models", "whisper-tny", 'did you mean "openai/whisper-tiny"?'),
        ("models", 'a {"name": 1}', "unknown model"),
        ("models", '{"name": ', "not JSON"),
        ("models", '"a" "b"', "a comma is missing before"),
        ("batch_sizes", "0", "greater than or equal to 1"),
        ("batch_sizes", "1, 1", "listed twice"),
        ("audio_seconds", "5, x", "valid number"),
        ("devices", "gpu", "unknown device"),
        ("limits.min_seconds", "soon", "valid number"),
        ("limits.trace", "perhaps", "write yes or no"),
        ("data.path", "speech", 'belongs to data source "folder" only'),
        ("include", "[{", "not JSON"),
        ("seed", "-1", "greater than or equal to 0"),
    ],
)
def test_what_is_wrong_names_its_field(path: str, text: str, words: str) -> None:
    checked = check({**texts_of(SMALL), path: text}, SMALL)
    assert checked.benchmark is None
    assert checked.field == path
    assert checked.error is not None
    assert words in checked.error


def test_keys_that_the_form_does_not_know_are_kept_and_named() -> None:
    base = {**SMALL, "colour": "red"}
    checked = check(texts_of(base), base)
    assert checked.document == base
    assert checked.error is not None
    assert 'unknown key "colour"' in checked.error


def test_an_empty_field_leaves_the_default() -> None:
    base = {**SMALL, "batch_sizes": [4]}
    assert check({**texts_of(base), "batch_sizes": ""}, base).document == SMALL
    assert default_text("batch_sizes") == "1"


def test_words_are_completed() -> None:
    assert (
        suggestion(field("models"), "pocketsphinx, small-w") == "pocketsphinx, small-wav2vec2-ctc"
    )
    assert suggestion(field("measures"), "lat") == "latency"
    assert suggestion(field("measures"), "quality_") == "quality_batch"
    assert suggestion(field("models"), "") is None
    assert suggestion(field("seed"), "4") is None


def test_a_grid_that_is_absurd_is_an_error_not_a_wait() -> None:
    many = {**SMALL, "batch_sizes": list(range(1, 1001)), "audio_seconds": list(range(1, 1001))}
    checked = check_document(many)
    assert checked.error is not None
    assert "the most is" in checked.error


def test_the_estimate_grows_with_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.estimate.has_cpu_meter", lambda: True)

    def seconds(**changes: Any) -> float:
        checked = check_document({**SMALL, **changes})
        assert checked.benchmark is not None, checked.error
        return estimate(checked.benchmark, checked.cases, {}).seconds

    base = seconds()
    assert 30 < base < 300
    assert seconds(batch_sizes=[1, 16]) > 1.9 * base
    assert seconds(measures=["latency"]) < 0.5 * base
    assert seconds(limits={"energy_windows": 20}) > 2 * base
    large = seconds(models=["openai/whisper-medium"], audio_seconds=[60.0])
    assert large > 2 * base
    assert seconds(models=["openai/whisper-medium"], audio_seconds=[60.0], devices=["cuda"]) < large


def test_what_is_only_estimated_takes_no_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(*measures: str, meter: bool, device: str = "cpu", **limits: Any) -> float:
        monkeypatch.setattr("runner.estimate.has_cpu_meter", lambda: meter)
        document = {**SMALL, "measures": measures, "devices": [device], "limits": limits}
        checked = check_document(document)
        assert checked.benchmark is not None, checked.error
        return estimate(checked.benchmark, checked.cases, {}).seconds / len(checked.cases)

    timed = seconds("latency", meter=False)
    assert seconds("latency", "energy", meter=False) == timed
    # Five windows of ten seconds, four pauses and what is drawn in rest.
    assert seconds("latency", "energy", meter=True) > timed + 60
    # A loop that is shorter than a window is lengthened to it.
    quick = {"min_seconds": 0, "min_iterations": 1, "cycle_batches": 1}
    longer = seconds("latency", "energy", meter=False, **quick)
    assert seconds("latency", meter=False, **quick) < longer < timed
    # A board has a meter wherever it is.
    board = seconds("latency", "energy", meter=False, device="cuda")
    assert board > seconds("latency", meter=False, device="cuda") + 60


def test_the_words_are_judged_once_for_all_lengths_and_batch_sizes() -> None:
    def seconds(*measures: str, **changes: Any) -> float:
        limits = {"quality_utterances": 1000}
        document = {**SMALL, "data": {"utterances": 1000}, "limits": limits, **changes}
        checked = check_document({**document, "measures": ["latency", *measures]})
        assert checked.benchmark is not None, checked.error
        return estimate(checked.benchmark, checked.cases, {}).seconds

    def judging(*measures: str, **changes: Any) -> float:
        return seconds(*measures, **changes) - seconds(**changes)

    once = judging("quality")
    assert once > 10
    assert judging("quality", audio_seconds=[5, 15], batch_sizes=[1, 4]) == pytest.approx(once)
    assert judging("quality", variants=["fp32", "bf16"]) == pytest.approx(2 * once)
    grid = {"batch_sizes": [1, 4]}
    assert judging("quality", "quality_batch", **grid) > 1.9 * once


def test_cases_that_ran_before_take_what_they_took() -> None:
    checked = check_document({**SMALL, "batch_sizes": [1, 2]})
    assert checked.benchmark is not None
    first, second = (case.key for case in checked.cases)
    told = estimate(checked.benchmark, checked.cases, {first: 10.0, second: 20.0, "other": 99.0})
    assert (told.seconds, told.known) == (30.0, 2)


def test_what_is_left_follows_what_this_machine_took() -> None:
    checked = check_document({**SMALL, "batch_sizes": [1, 2, 3, 4]})
    benchmark, cases = checked.benchmark, checked.cases
    assert benchmark is not None
    keys = [case.key for case in cases]

    def left(took_s: dict[str, float], in_hand_s: float = 0.0) -> float | None:
        return left_seconds(
            benchmark, cases, settled=set(took_s), took_s=took_s, in_hand_s=in_hand_s
        )

    slow, quick = left({keys[0]: 400.0}), left({keys[0]: 40.0})
    assert slow is not None and quick is not None
    assert slow == pytest.approx(10 * quick)
    assert left({keys[0]: 400.0}, in_hand_s=100.0) == pytest.approx(slow - 100)
    assert left({keys[0]: 40.0}, in_hand_s=10_000.0) is None, "a late case has shown it wrong"
    assert left(dict.fromkeys(keys, 1.0)) == 0
