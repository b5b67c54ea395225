"""Voxtral: the publishers' prompt, windows in one prompt, and texts of plain transformers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import VoxtralForConditionalGeneration, WhisperFeatureExtractor

from runner.config import Variant
from runner.engines.architectures import published_config
from runner.engines.audio_positions import voxtral_positions
from runner.engines.voxtral import VoxtralEngine
from runner.errors import Refused
from runner.load import load_engine
from tests.checkpoints import save_voxtral
from tests.engines.loading import noise, request

SECONDS = (2.5, 0.1, 0, 1)
"""More than a window, less, nothing, and exactly one."""
LANG, EN, DE, COLON = 298, 299, 300, 40 + ord(":")
"""Of the small tokenizer."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_voxtral(tmp_path_factory.mktemp("voxtral"))


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    return noise(SECONDS)


def load(folder: Path, *, language: str | None = None, **parts: object) -> VoxtralEngine:
    variant = Variant.model_validate({"name": "x", **parts}) if parts else Variant(name="fp32")
    engine = load_engine(
        request(str(folder), weights="pretrained", language=language, variant=variant)
    )
    assert isinstance(engine, VoxtralEngine)
    return engine


def publishers_ids(folder: Path, clip: np.ndarray, named: list[int], beams: int = 1) -> list[int]:
    """By plain code of transformers, one clip alone; as its documentation has it but for beams."""
    extractor = WhisperFeatureExtractor.from_pretrained(folder)
    padded = np.pad(clip, (0, -len(clip) % 16_000 if len(clip) else 16_000))
    mels = extractor(padded, sampling_rate=16_000, padding=True, truncation=False)
    features = torch.tensor(np.array(mels.input_features)).reshape(16, -1, 100).transpose(0, 1)
    prompt = torch.tensor([[1, 3, 25, *[24] * 25 * len(features), 4, *named, 34]])
    model = VoxtralForConditionalGeneration.from_pretrained(folder)
    if beams == 1:
        given = {"input_ids": prompt, "input_features": features}
    else:
        # Several windows of a clip come in the wrong order with beams: see findings/.
        embedded = model.get_input_embeddings()(prompt)
        embedded[prompt == 24] = model.get_audio_features(features).pooler_output
        given = {"inputs_embeds": embedded}
    ids = model.generate(**given, max_new_tokens=40, do_sample=False, num_beams=beams)
    return ids[0, prompt.shape[1] if beams == 1 else 0 :].tolist()


@pytest.mark.parametrize(
    ("asked", "named"), [("de", [LANG, COLON, DE]), (None, [LANG, COLON, EN]), ("detect", [])]
)
def test_texts_are_those_of_plain_transformers(folder, clips, asked, named):
    engine = load(folder, language=asked)
    with engine.shortened(40):
        texts = engine.transcribe(clips).texts
    ids = [publishers_ids(folder, clip, named) for clip in clips]
    assert list(texts) == [text.strip() for text in engine.texts_of(ids)]
    assert any(texts), "nothing is compared"
    assert engine.language.by == ("default" if asked is None else "config")


def test_beams_hear_the_windows_of_a_clip_in_order(folder, clips):
    engine = load(folder, beams=3)
    with engine.shortened(40):
        texts = engine.transcribe(clips).texts
    ids = [publishers_ids(folder, clip, [LANG, COLON, EN], beams=3) for clip in clips]
    assert list(texts) == [text.strip() for text in engine.texts_of(ids)]
    usual = load(folder)
    with usual.shortened(40):
        assert texts != usual.transcribe(clips).texts


def test_beams_without_a_cache_are_refused(folder):
    with pytest.raises(Refused, match='only with a cache: leave out "beams", or "cache": "off"'):
        load(folder, beams=2, cache="off")


def test_the_published_tokens_and_special_ids(folder):
    published = VoxtralEngine.published_prompt(load(folder), published_config(NAMES[0]))
    # mistral-common 1.13.1 on the published tekken.json: <s>[INST][BEGIN_AUDIO][AUDIO]...[/INST],
    # lang:en, [TRANSCRIBE].
    assert published.before == (1, 3, 25)
    assert (published.audio, published.padding) == (24, 11)
    assert published.after == (4, 9909, 1058, 1262, 34)
    own = load(folder).audio_prompt
    assert (own.before, own.audio, own.padding) == (published.before, 24, 11)
    assert own.after == (4, LANG, COLON, EN, 34)


def test_a_language_that_it_lacks_is_refused_before_loading(folder):
    with pytest.raises(Refused, match='does not support "is", only de, en, es, fr, hi, it, nl, pt'):
        load(folder, language="is")


def test_a_tokenizer_without_its_marks_is_refused(folder, tmp_path):
    save_voxtral(tmp_path)
    told = (tmp_path / "tekken.json").read_text()
    (tmp_path / "tekken.json").write_text(told.replace("[TRANSCRIBE]", "<SPECIAL_34>"))
    with pytest.raises(Refused, match=r"its tokenizer has no \[TRANSCRIBE\]: copy"):
        load(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "audio_token_id": 23}))
    (tmp_path / "tekken.json").write_text(told)
    with pytest.raises(Refused, match=r"its \[AUDIO\] is token 24, the model's is 23: copy"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("samples", "positions"), [(0, 25), (1, 25), (16_000, 25), (16_001, 50), (40_000, 75)]
)
def test_positions_are_as_many_as_the_encoder_gives(folder, samples, positions):
    engine = load(folder)
    assert engine.positions(samples) == positions
    assert len(engine.hear(engine.features([np.zeros(samples, np.float32)]), {})) == positions


def test_published_windows_are_of_thirty_seconds():
    config = published_config(NAMES[0])
    seconds = {0.1: 375, 30: 375, 30.1: 750, 1800: 22_500}
    for length, positions in seconds.items():
        assert voxtral_positions(config, round(16_000 * length)) == positions


NAMES = ("mistralai/Voxtral-Mini-3B-2507", "mistralai/Voxtral-Small-24B-2507")


@pytest.mark.parametrize(
    ("name", "parts"),
    # Liu et al. 2025, table 1, in millions: encoder, adapter, embeddings, decoder with its head.
    [(NAMES[0], (640, 25, 400, 3600)), (NAMES[1], (640, 52, 670, 22_900))],
)
def test_the_published_sizes(name, parts):
    from runner.flops.models import build

    model = build(published_config(name))
    found = (
        model.model.audio_tower,
        model.model.multi_modal_projector,
        model.get_input_embeddings(),
        model,
    )
    sizes = [sum(weight.numel() for weight in part.parameters()) / 1e6 for part in found]
    sizes[3] -= sum(sizes[:3])
    # As many digits as the table has.
    for size, stated in zip(sizes, parts, strict=True):
        assert float(f"{size:.{len(str(stated).rstrip('0')) - 1}e}") == stated
