"""Voxtral realtime: the publishers' silence and prompt, texts of plain transformers, its end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import VoxtralRealtimeFeatureExtractor, VoxtralRealtimeForConditionalGeneration

from runner.engines import voxtral_realtime
from runner.engines.architectures import published_config
from runner.engines.audio_positions import voxtral_realtime_positions, voxtral_realtime_prompt
from runner.engines.voxtral_realtime import VoxtralRealtimeEngine
from runner.errors import Refused
from runner.flops import workload_flops
from runner.load import load_engine
from tests.engines.loading import noise, request
from tests.stream_checkpoints import save_voxtral_realtime
from tests.test_counting import shallow

NAME = "mistralai/Voxtral-Mini-4B-Realtime-2602"
SECONDS = (2.5, 0.1, 0, 4.0)

# Of plain generate(), which is told no length on purpose: the audio says it.
pytestmark = pytest.mark.filterwarnings("ignore:Using the model-agnostic default")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_voxtral_realtime(tmp_path_factory.mktemp("voxtral-realtime"))


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(folder, tmp_path / "own"))


def load(folder: Path, language: str | None = None) -> VoxtralRealtimeEngine:
    engine = load_engine(request(str(folder), weights="pretrained", language=language))
    assert isinstance(engine, VoxtralRealtimeEngine)
    return engine


def publishers_ids(folder: Path, clips: list[np.ndarray]) -> list[list[int]]:
    """By the code of transformers' documentation; what mistral-common does is done here.

    With version 1.13.1 and the published audio settings (480 ms, 32 tokens of silence) it makes
    40,960 zeros, the clip, zeros up to a multiple of 1280, and 21,760 more; and ``<s>`` with 38
    ``[STREAMING_PAD]``.
    """
    padded = [np.pad(clip, (40_960, -len(clip) % 1280 + 21_760)) for clip in clips]
    extractor = VoxtralRealtimeFeatureExtractor.from_pretrained(folder)
    mels = extractor(padded, sampling_rate=16_000, padding=True, return_tensors="pt")
    ids = torch.tensor([[1] + [32] * 38] * len(clips))
    model = VoxtralRealtimeForConditionalGeneration.from_pretrained(folder)
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "num_delay_tokens": 6}
    return model.generate(**mels, **given, do_sample=False)[:, 39:].tolist()


def test_texts_are_those_of_plain_transformers(folder):
    engine, clips = load(folder), noise(SECONDS)
    texts = []
    for clip in clips:
        (ids,) = publishers_ids(folder, [clip])
        assert len(ids) <= engine.stream_tokens(len(clip))
        texts.append(engine.tokenizer.decode(ids, skip_special_tokens=True).strip())
        assert engine.transcribe([clip]).texts == (texts[-1],)
    assert len(set(texts)) > 2, "nothing is compared"
    assert list(engine.transcribe(clips).texts) == texts


def test_a_text_may_end_before_its_audio(own):
    engine, clips = load(own), noise((2.5, 4.0))
    engine.model.generation_config.eos_token_id = None
    usual = engine.transcribe(clips)
    ids = publishers_ids_of(engine, clips[0])
    # A token that the first clip comes to: it is made the one that ends a text.
    end = ids[len(ids) // 2]
    said = ids.index(end) + 1
    path = own / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token_id": end}))
    ending = load(own)
    found = ending.transcribe(clips[:1])
    assert (found.tokens, found.decoder_calls) == (said, said)
    assert usual.texts[0].startswith(found.texts[0])
    assert found.at_limit is None
    assert ending.fixed_calls(40_000) is None
    assert publishers_ids(own, clips[:1]) == [ids[:said]]
    unknown = ending.workload(samples=40_000, batch=1, decoder_calls=None)
    assert [one.stage for one in workload_flops(unknown) if one.flops] == ["prefill"]
    known = ending.workload(samples=40_000, batch=1, decoder_calls=float(said))
    assert known.tokens == said
    passes: list[int] = []
    ending.decoder_passes(clips[:1], 1000).run(lambda: passes.append(1))
    assert len(passes) == ending.stream_tokens(40_000), "a profile goes on to the end"
    assert ending.transcribe(clips[:1]) == found


def publishers_ids_of(engine: VoxtralRealtimeEngine, clip: np.ndarray) -> list[int]:
    """The ids of one clip, whatever ends a text."""
    features = engine.features([clip])
    tokens = engine.stream_tokens(len(clip))
    ids: list[int] = engine.answer(engine.inputs(features), tokens)[0].tolist()
    return ids


@pytest.mark.parametrize("samples", [0, 1, 1279, 1280, 1281, 16_000])
def test_positions_are_those_of_the_padded_audio(folder, samples):
    engine = load(folder)
    features = engine.features([np.zeros(samples, np.float32)])
    positions = 32 + -(-samples // 1280) + 17
    assert features.shape == (1, 16, 8 * positions)
    assert engine.stream_tokens(samples) == positions - 39
    assert engine.input_samples(features) == 1280 * positions


def test_the_delay_is_the_configurations(own):
    path = own / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "default_num_delay_tokens": 12}))
    engine = load(own)
    inputs = engine.inputs(engine.features(noise((1.0,))))
    assert inputs["num_delay_tokens"] == 12
    assert inputs["input_ids"].shape == (1, 1 + 32 + 12)
    assert inputs["input_features"].shape[2] == 8 * (32 + 13 + 12 + 11)
    assert engine.stream_tokens(16_000) == 13 + 10


def test_a_tokenizer_without_its_silence_is_refused(own):
    told = (own / "tekken.json").read_text()
    (own / "tekken.json").write_text(told.replace("[STREAMING_PAD]", "<SPECIAL_32>"))
    with pytest.raises(Refused, match=r"its tokenizer has no \[STREAMING_PAD\]: copy"):
        load(own)


def test_languages_are_not_told_and_not_detected(folder):
    with pytest.raises(Refused, match='detects no language: leave out "language": "detect"'):
        load(folder, language="detect")
    with pytest.raises(Refused, match='does not support "is", only ar, de, en'):
        load_engine(request(NAME, language="is"))


def test_the_published_size():
    from runner.flops.models import build

    model = build(published_config(NAME))
    sizes = {
        name: sum(weight.numel() for weight in part.parameters()) / 1e6
        for name, part in model.model.named_children()
    }
    # The model card: an encoder of 970 million, a language model of 3.4 thousand million.
    assert sizes["audio_tower"] == pytest.approx(970, rel=0.005)
    assert round(sizes["language_model"] / 1e3, 1) == 3.4
    # A conversion of all weights to GGUF in bf16 has 8.87 GB.
    total = sum(weight.numel() for weight in model.parameters())
    assert total == pytest.approx(8.87e9 / 2, rel=0.005)


def test_published_prompt_and_positions():
    config = published_config(NAME)
    assert voxtral_realtime_prompt(config) == 39
    seconds = {0: 49, 0.08: 50, 1: 62, 30: 424}
    for length, positions in seconds.items():
        assert voxtral_realtime_positions(config, round(16_000 * length)) == positions


def test_random_weights_decode_a_token_a_frame(monkeypatch):
    monkeypatch.setattr(voxtral_realtime, "published_config", shallow)
    engine = load_engine(request(NAME, tokens_per_audio_second=1.0))
    outcome = engine.transcribe([np.zeros(32_000, np.float32)])
    assert outcome.decoder_calls == outcome.tokens == 25 + 10 == engine.fixed_calls(32_000)
    assert outcome.at_limit is None
