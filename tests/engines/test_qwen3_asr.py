"""Qwen3-ASR: the publishers' prompt and text, stated work, and what a variant changes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Qwen3ASRForConditionalGeneration, Qwen3ASRProcessor

from runner.config import Variant
from runner.engines.architectures import published_config
from runner.engines.audio_positions import qwen3_asr_positions
from runner.engines.qwen3_asr import Qwen3ASREngine
from runner.errors import Refused
from runner.load import load_engine
from tests.checkpoints import save_qwen3_asr
from tests.engines.loading import noise, request

SECONDS = (2.5, 0.1, 9.0)
"""A part of a second, less than the least that is heard, more than a window of attention."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_qwen3_asr(tmp_path_factory.mktemp("qwen3-asr"))


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    return noise(SECONDS)


def load(folder: Path, *, language: str | None = None, **parts: object) -> Qwen3ASREngine:
    variant = Variant.model_validate({"name": "x", **parts}) if parts else Variant(name="fp32")
    engine = load_engine(
        request(str(folder), weights="pretrained", language=language, variant=variant)
    )
    assert isinstance(engine, Qwen3ASREngine)
    return engine


def publishers_texts(folder: Path, clips: list[np.ndarray], language: str | None) -> list[str]:
    """By plain code of transformers, as its documentation has it."""
    processor = Qwen3ASRProcessor.from_pretrained(folder)
    model = Qwen3ASRForConditionalGeneration.from_pretrained(folder)
    inputs = processor.apply_transcription_request(audio=clips, language=language)
    ids = model.generate(**inputs, max_new_tokens=512, do_sample=False)
    heard = ids[:, inputs["input_ids"].shape[1] :]
    return processor.decode(heard, return_format="transcription_only")


@pytest.mark.parametrize(
    ("asked", "named"), [("de", "German"), (None, "English"), ("detect", None)]
)
def test_texts_are_those_of_plain_transformers(folder, clips, asked, named):
    engine = load(folder, language=asked)
    texts = engine.transcribe(clips).texts
    assert list(texts) == publishers_texts(folder, clips, named)
    assert any(texts), "nothing is compared"
    assert engine.language.by == ("default" if asked is None else "config")


def test_prompts_are_those_of_the_processor(folder, clips):
    engine = load(folder, language="de")
    processor = Qwen3ASRProcessor.from_pretrained(folder)
    theirs = processor.apply_transcription_request(audio=clips, language="German")
    ours = engine.masks(clips)
    assert torch.equal(ours["input_ids"], theirs["input_ids"])
    assert torch.equal(ours["attention_mask"], theirs["attention_mask"])
    assert torch.equal(ours["input_features_mask"], theirs["input_features_mask"].long())
    assert torch.equal(engine.features(clips), theirs["input_features"])


def test_a_language_that_it_lacks_is_refused_before_loading(folder):
    with pytest.raises(Refused, match='does not support "is", only ar, cs, da'):
        load(folder, language="is")


def test_another_layout_is_refused_with_the_name_to_use(folder, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen3_asr", "thinker_config": {}}')
    with pytest.raises(Refused, match=r'layout of the package qwen-asr.*use the converted ".*-hf"'):
        load(tmp_path)


@pytest.mark.parametrize(
    ("frames", "positions"),
    [(100, 13), (50, 7), (1, 7), (99, 13), (108, 14), (109, 15), (3000, 390)],
)
def test_positions_are_as_many_as_the_encoder_gives(folder, frames, positions):
    samples = 160 * frames
    assert qwen3_asr_positions(samples) == positions
    engine = load(folder)
    wave = [np.zeros(samples, np.float32)]
    heard = engine.hear(engine.features(wave), engine.feature_masks(wave))
    assert len(heard) == positions


@pytest.mark.parametrize(
    ("name", "stored"),
    # What the checkpoints' files hold; theirs keep the vocabulary twice.
    [("Qwen/Qwen3-ASR-0.6B-hf", 938.0e6), ("Qwen/Qwen3-ASR-1.7B-hf", 2349.2e6)],
)
def test_the_published_sizes(name, stored):
    from runner.flops.models import build

    model = build(published_config(name))
    parameters = sum(weight.numel() for weight in model.parameters())
    assert parameters + model.lm_head.weight.numel() == pytest.approx(stored, rel=0.005)


@pytest.mark.e2e
def test_random_weights_do_exactly_the_stated_work():
    engine = load_engine(request("Qwen/Qwen3-ASR-0.6B-hf"))
    clips = [np.zeros(32_000, np.float32)]
    outcome = engine.transcribe(clips)
    assert outcome.decoder_calls == outcome.tokens == math.ceil(2 * 2.0)
    assert engine.masks(clips)["input_ids"].shape == (1, 9 + 26 + 9)
    assert outcome.at_limit is None
