"""Languages: what a Whisper is told, who chose it, and what is refused before anything loads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import WhisperConfig
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from runner.catalogue.languages import WHISPER_V3
from runner.config import Benchmark, Data, Model, Variant
from runner.engines.base import Engine
from runner.engines.language import Language
from runner.engines.whisper_prompt import whisper_prompt
from runner.engines.whisper_settings import generation_config
from runner.errors import Refused
from runner.flops import workload_flops
from runner.grid import expand
from runner.load import load_engine
from tests.checkpoints import save_ctc
from tests.engines.loading import request
from tests.engines.small_whisper import break_weights, named_tokens, save_whisper

THREE = ("en", "de", "haw")


def load(folder: Path, language: str | None = None, engine: str | None = None, **parts) -> Engine:
    variant = Variant.model_validate({"name": "tried", **parts})
    return load_engine(
        request(
            str(folder), weights="pretrained", language=language, engine=engine, variant=variant
        )
    )


def prompts(engine, batch) -> list[list[int]]:
    """The ids that the decoder is handed first, of every row."""
    seen: list[list[list[int]]] = []

    def handed(module, arguments, keywords) -> None:
        seen.append(keywords.get("input_ids", arguments[0] if arguments else None).tolist())

    hook = engine.model.get_decoder().register_forward_pre_hook(handed, with_kwargs=True)
    with engine.shortened(2):
        engine.transcribe(batch)
    hook.remove()
    return seen[0]


def expected(code: str, languages=THREE) -> list[int]:
    named = named_tokens(languages)
    return [
        named[f"<|{name}|>"] for name in ("startoftranscript", code, "transcribe", "notimestamps")
    ]


@pytest.mark.parametrize(
    ("settings", "asked", "code", "by"),
    [
        ({}, None, "en", "default"),
        ({}, "de", "de", "config"),
        ({"language": "de"}, None, "de", "checkpoint"),
        ({"language": "<|haw|>", "task": "translate"}, None, "haw", "checkpoint"),
        ({"language": "German"}, None, "de", "checkpoint"),
        ({"language": "german"}, "haw", "haw", "config"),
        ({"forced_decoder_ids": [[1, 43], [2, 46]]}, None, "de", "checkpoint"),
        ({"forced_decoder_ids": [[1, None], [2, 46]]}, None, "en", "default"),
    ],
)
def test_the_prompt_is_the_one_that_is_asked_for(tmp_path, speech_like, settings, asked, code, by):
    engine = load(save_whisper(tmp_path, THREE, **settings), asked)
    assert engine.language == Language(code, by)
    assert prompts(engine, speech_like(1, 2)) == [expected(code)] * 2
    assert engine.prompt == 4


@pytest.mark.e2e
@pytest.mark.parametrize("asked", [None, "de", "haw"])
def test_faster_whisper_is_told_the_same(tmp_path, monkeypatch, speech_like, asked):
    pytest.importorskip("faster_whisper")
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path / "cache"))
    folder = save_whisper(tmp_path / "whisper", THREE, language="haw")
    theirs, ours = load(folder, asked, "faster-whisper"), load(folder, asked)
    assert theirs.language == ours.language
    assert theirs.prompt == ours.spoken.tokens() == expected(asked or "haw")
    assert theirs.transcribe(speech_like(1)).texts == ours.transcribe(speech_like(1)).texts


def test_a_model_of_one_other_language(tmp_path, speech_like):
    engine = load(save_whisper(tmp_path, ("de",)))
    assert engine.language == Language("de", "model")
    assert prompts(engine, speech_like(1)) == [expected("de", ("de",))]
    break_weights(tmp_path)
    with pytest.raises(Refused, match=r'does not support "en", only de: correct "language"'):
        load(tmp_path, "en")
    with pytest.raises(Refused, match=r'supports de alone: leave out "language": "detect"'):
        load(tmp_path, "detect")


def test_old_fine_tunes_find_their_languages_in_the_tokenizer(tmp_path, speech_like):
    """Neither is_multilingual nor lang_to_id, as before 2023."""
    engine = load(save_whisper(tmp_path, THREE, multilingual=False), "de")
    assert prompts(engine, speech_like(1)) == [expected("de")]


def test_a_checkpoint_that_names_no_language_at_all(tmp_path):
    folder = save_whisper(tmp_path, (), multilingual=False, is_multilingual=True)
    break_weights(folder)
    with pytest.raises(Refused, match="nor its tokenizer say which tokens are languages: copy"):
        load(folder)


def test_no_english_and_nothing_said(tmp_path):
    folder = save_whisper(tmp_path, ("de", "haw"))
    break_weights(folder)
    with pytest.raises(Refused, match='transcribes: set "language" to one of de, haw'):
        load(folder)
    settings = json.loads((folder / "generation_config.json").read_text()) | {"language": "fr"}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    with pytest.raises(Refused, match=r'says language "fr" .* to one of de, haw'):
        load(folder)


@pytest.mark.parametrize("engine", [None, "faster-whisper"])
@pytest.mark.parametrize("asked", ["fr", "xx"])
def test_a_language_that_a_checkpoint_lacks(tmp_path, engine, asked):
    if engine is not None:
        pytest.importorskip(engine.replace("-", "_"))
    folder = save_whisper(tmp_path, THREE)
    break_weights(folder)
    with pytest.raises(Refused, match=rf'does not support "{asked}", only de, en, haw'):
        load(folder, asked, engine)


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("openai/whisper-tiny.en", "de", 'does not support "de", only en'),
        ("openai/whisper-tiny.en", "detect", 'supports en alone: leave out "language"'),
        ("facebook/wav2vec2-base-960h", "fr", 'does not support "fr", only en'),
        ("openai/whisper-large-v2", "yue", 'does not support "yue", only af, am'),
        ("nvidia/parakeet-tdt-0.6b-v3", "ja", 'does not support "ja", only bg, cs'),
        ("nvidia/parakeet-tdt-0.6b-v3", "detect", "leave out"),
        ("small-wav2vec2-ctc", "detect", "leave out"),
        ("pocketsphinx", "de", 'does not support "de", only en'),
    ],
)
def test_what_the_catalogue_knows_is_refused_without_a_download(name, asked, words):
    weights = "pretrained" if name.startswith(("small", "pocket")) else "random"
    with pytest.raises(Refused) as caught:
        load_engine(request(name, weights=weights, language=asked))
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


def test_models_that_are_told_nothing(tmp_path):
    folder = save_ctc(tmp_path)
    assert load(folder).language is None
    assert load(folder, "de").language == Language("de", "config")
    assert load(Path("small-wav2vec2-ctc")).language == Language("en", "model")
    with pytest.raises(Refused, match="detects no language"):
        load(folder, "detect")


@pytest.mark.parametrize("parts", [{}, {"beams": 2}, {"cache": "static"}])
def test_detection_is_a_stage_and_each_window_has_its_own_prompt(tmp_path, speech_like, parts):
    engine = load(save_whisper(tmp_path, THREE), "detect", **parts)
    assert engine.language == Language("detect", "config")
    batch = [*speech_like(1, 2), *speech_like(1, 1, seed=9)]
    stages: list[str] = []
    told = engine.transcribe(batch, stages.append)
    assert list(dict.fromkeys(stages)) == [
        *("features", "transfer", "encode", "detect", "prefill", "decode", "text"),
    ]  # fmt: skip
    features = engine.features([engine_window(engine, wave) for wave in batch])
    ids = engine.model.detect_language(features.to(engine.dtype)).tolist()
    names = {number: token.strip("<|>") for token, number in named_tokens(THREE).items()}
    codes = [names[number] for number in ids]
    # Rows of beams stand side by side.
    assert prompts(engine, batch)[:: parts.get("beams", 1)] == [expected(code) for code in codes]
    single = [
        load(tmp_path, code, **parts).transcribe([wave]).texts[0]
        for code, wave in zip(codes, batch, strict=True)
    ]
    assert list(told.texts) == single


def engine_window(engine, wave):
    """A clip as one window."""
    assert len(wave) <= engine.window
    return wave


def test_ctranslate2_cannot_detect_in_a_vocabulary_of_ones_own(tmp_path):
    pytest.importorskip("faster_whisper")
    folder = save_whisper(tmp_path, THREE)
    break_weights(folder)
    with pytest.raises(Refused, match="name the language"):
        load(folder, "detect", "faster-whisper")


def test_flops_of_detection_are_one_more_token(tmp_path):
    folder = save_whisper(tmp_path, THREE)
    found = [
        {
            reading.stage: reading.flops
            for reading in workload_flops(engine.workload(samples=16_000, batch=2, decoder_calls=5))
        }
        for engine in (load(folder, "detect"), load(folder, "de"))
    ]
    assert found[0]["total"] - found[1]["total"] == found[0]["detect"]
    # One token for four: less than the prefill, which has the same keys and values to make.
    assert 0.5 * found[1]["prefill"] < found[0]["detect"] < found[1]["prefill"]


@pytest.mark.parametrize("parts", [{"fallback": True}, {"prompt_lookup": 3}, {"assistant": "self"}])
def test_what_decodes_window_by_window_needs_a_language(tmp_path, parts):
    folder = save_whisper(tmp_path, THREE)
    break_weights(folder)
    with pytest.raises(Refused, match="name the language"):
        load(folder, "detect", **parts)


def test_the_catalogues_codes_are_the_tokens_of_whisper():
    assert tuple(LANGUAGES) == WHISPER_V3


def test_random_weights_are_told_too():
    config = WhisperConfig(vocab_size=51_866, decoder_start_token_id=50_258)
    settings = generation_config(config)
    for code, token in (("yue", 50_358), ("de", 50_261)):
        told = whisper_prompt(
            request("openai/whisper-large-v3", language=code), settings, config, dict
        )
        assert told.tokens() == [50_258, token, 50_360, 50_364]


def test_configs():
    data = Data(source="folder", path="d", language="de")
    benchmark = Benchmark(
        name="b",
        models=["openai/whisper-tiny", Model(name="openai/whisper-tiny", language="detect")],
        data=data,
    )
    cases = expand(benchmark)
    assert [case.model.language for case in cases] == ["de", "detect"]
    assert len({case.key for case in cases}) == 2
    assert "whisper-tiny:de" in cases[0].key
    plain = expand(Benchmark(name="b", models=["openai/whisper-tiny"]))
    assert ":" not in plain[0].key
    with pytest.raises(ValueError, match=r'"German" is no language code; write it as'):
        Model(name="openai/whisper-tiny", language="German")
    with pytest.raises(ValueError, match='"detect" is no language code'):
        Data(source="folder", path="d", language="detect")
    with pytest.raises(ValueError, match="builtin"):
        Data(language="de")
