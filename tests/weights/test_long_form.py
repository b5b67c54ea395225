"""Long recordings by real weights: by time stamps as plain transformers, nothing lost at seams."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import WhisperForConditionalGeneration, WhisperProcessor

from runner.clips.clip import SAMPLE_RATE, Clip, Waveform
from runner.config import ENGLISH, Variant
from runner.measure.seams import SeamErrors
from tests.weights.whisper import MODELS, load, spoken


@pytest.fixture(scope="module")
def long(real_speech: Path) -> Clip:
    """More than a minute of one reader."""
    (found,) = (one for one in spoken(real_speech) if one.id == "long-ls-1998-15444")
    assert found.seconds > 60
    return found


def plain_text(folder: Path, wave: Waveform) -> str:
    """As transformers' own documentation has it for long audio."""
    processor = WhisperProcessor.from_pretrained(folder)
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    inputs = processor(
        wave,
        sampling_rate=SAMPLE_RATE,
        return_tensors="pt",
        truncation=False,
        padding="longest",
        return_attention_mask=True,
    )
    multilingual = model.generation_config.is_multilingual
    told = {"language": "en", "task": "transcribe"} if multilingual else {}
    ids = model.generate(**inputs, return_timestamps=True, **told)
    (text,) = processor.batch_decode(ids, skip_special_tokens=True)
    return str(text).strip()


def way(name: str) -> Variant:
    return Variant.model_validate({"name": "tried", "long_form": name})


@pytest.mark.e2e
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.timeout(900)
def test_by_time_stamps_the_text_is_that_of_plain_transformers(
    real_weights: Path, long: Clip, name: str
) -> None:
    engine = load(real_weights / name, variant=way("sequential"))
    found = engine.transcribe([long.audio])
    assert found.texts == (plain_text(real_weights / name, long.audio),)
    assert found.windows is not None
    assert found.windows >= 3
    assert found.prefills == found.windows
    assert found.tokens == found.decoder_calls
    assert found.at_limit == (False,)
    ((*cuts,),) = found.cuts_s or ((),)
    assert cuts == sorted(cuts)
    assert len(cuts) == found.windows - 1
    assert all(before - 0.01 <= 30 for before in cuts[:1])


@pytest.mark.e2e
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", [None, "faster-whisper"])
def test_no_other_way_loses_more_at_its_seams_than_cuts_through_words(
    real_weights: Path,
    long: Clip,
    engine: str | None,
    conversions: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ASRPROF_CACHE", str(conversions))
    errors = {}
    for name in ("windows", "sequential", "overlap", "vad"):
        loaded = load(real_weights / MODELS[0], variant=way(name), engine=engine)
        found = loaded.transcribe([long.audio])
        assert found.seams is not None
        assert len(found.seams[0]) >= 2
        at = SeamErrors.of(long.reference, found.texts[0], found.seams[0], ENGLISH)
        errors[name] = at.lost + at.other
    assert errors["windows"] == max(errors.values())
    assert min(errors["overlap"], errors["vad"]) < errors["windows"]
