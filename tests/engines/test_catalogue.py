"""The models that are known by name, and how a name is judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.catalogue.engines import ENGINES
from runner.catalogue.extras import install_line
from runner.catalogue.models import (
    CATALOGUE,
    FAMILY_OF_TYPE,
    ModelEntry,
    check_model,
    family_of_type,
)
from runner.catalogue.variants import VARIANTS, check_variant
from runner.clips import SAMPLE_RATE
from runner.config import Benchmark, Variant
from runner.config_file import load_benchmark, presets
from runner.engines.architectures import PUBLISHED
from runner.engines.whisper import WhisperEngine
from runner.errors import Refused
from runner.load import engine_class, load_engine
from tests.engines.loading import request


def test_random_weights_are_offered_where_the_configuration_is_known() -> None:
    assert {entry.name for entry in CATALOGUE.values() if entry.random} <= set(PUBLISHED)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_entries(entry: ModelEntry) -> None:
    assert not ENGINES[entry.family].runs
    assert entry.licence
    assert entry.bundled != ("/" in entry.name)
    assert (entry.window_seconds is not None) == (
        entry.family in ("whisper", "cohere-asr", "moonshine-streaming")
    )
    assert entry.parameters > 1e6 or entry.name == "pocketsphinx"
    assert (entry.folder is not None) == entry.name.startswith("small-")
    check_model(entry.name)


def test_every_family_is_in_the_catalogue() -> None:
    families = {entry.family for entry in CATALOGUE.values()}
    assert families == {*FAMILY_OF_TYPE.values(), "pocketsphinx"}


@pytest.mark.parametrize("preset", presets())
def test_presets_name_known_models(preset: str) -> None:
    benchmark: Benchmark = load_benchmark(preset)
    assert {model.name for model in benchmark.resolved_models()} <= set(CATALOGUE)


@pytest.mark.parametrize("name", ["a/b", "openai/whisper-tiny.en", "facebook/s2t-small_x", "a/1.0"])
def test_any_repository_may_be_a_model(name: str) -> None:
    check_model(name)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("whisper-tiny", "openai/whisper-tiny"),
        ("whisper-large-v3-turb", "openai/whisper-large-v3-turbo"),
        ("wav2vec2-base", "facebook/wav2vec2-base-960h"),
        ("parakeet-ctc-1.1", "nvidia/parakeet-ctc-1.1b"),
        ("pocket-sphinx", "pocketsphinx"),
        ("openai/whisper/tiny", "openai/whisper-tiny"),
        ("openai/whisper tiny", "openai/whisper-tiny"),
    ],
)
def test_near_names(name: str, nearest: str) -> None:
    with pytest.raises(ValueError, match="unknown model") as caught:
        check_model(name)
    assert str(caught.value) == f'unknown model "{name}"; did you mean "{nearest}"?'


@pytest.mark.parametrize(
    "name", ["", "/", "a/", "a/b/c", "a/b\n", "a/\x1b[31m", "a/b|c", "https://huggingface.co/a/b"]
)
def test_what_can_be_no_model(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown model|no model in"):
        check_model(name)


def test_families() -> None:
    assert family_of_type("hubert", "x") == "ctc"
    with pytest.raises(ValueError, match='"x" has model_type "bert"; supported: whisper, moonsh'):
        family_of_type("bert", "x")


def test_variants() -> None:
    for name, parts in VARIANTS.items():
        check_variant(name)
        assert Variant.model_validate({"name": name, **parts}).parts == parts
    with pytest.raises(ValueError, match='unknown variant "bf61"; did you mean "bf16"'):
        check_variant("bf61")


@pytest.mark.parametrize("name", [e.name for e in CATALOGUE.values() if e.folder is not None])
def test_a_bundled_model_is_what_the_catalogue_says(name: str) -> None:
    entry = CATALOGUE[name]
    assert entry.folder is not None
    engine = load_engine(request(name, weights="pretrained"))
    assert engine.family == entry.family
    assert engine.parameters == pytest.approx(entry.parameters, rel=0.05)
    if isinstance(engine, WhisperEngine):
        assert engine.window == entry.window_seconds * SAMPLE_RATE


def test_an_engine_without_what_makes_its_files_is_refused_before_it_is_imported() -> None:
    lacks = replace(ENGINES["onnx"], exporter=("no-such-exporter",), target="nowhere:Nothing")
    with pytest.raises(Refused) as caught:
        engine_class(lacks)
    assert str(caught.value) == f"onnx needs no-such-exporter; {install_line('onnx')}"
