"""Kyutai STT: texts of plain transformers, the codec's rate and precision, published sizes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from transformers import (
    KyutaiSpeechToTextFeatureExtractor,
    KyutaiSpeechToTextForConditionalGeneration,
)

from runner.config import Variant
from runner.engines import kyutai
from runner.engines.architectures import feature_extractor, published_config
from runner.engines.base import Unmeasurable
from runner.engines.kyutai import KyutaiEngine
from runner.errors import Refused
from runner.load import load_engine
from tests.engines.loading import noise, request
from tests.stream_checkpoints import save_kyutai
from tests.test_counting import shallow

NAMES = ("kyutai/stt-1b-en_fr-trfs", "kyutai/stt-2.6b-en-trfs")
SECONDS = (2.5, 0.1, 0, 4.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_kyutai(tmp_path_factory.mktemp("kyutai"))


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(folder, tmp_path / "own"))


def load(folder: Path, **parts: object) -> KyutaiEngine:
    language = parts.pop("language", None)
    variant = Variant.model_validate({"name": "x", **parts}) if parts else Variant(name="fp32")
    engine = load_engine(
        request(str(folder), weights="pretrained", variant=variant, language=language)
    )
    assert isinstance(engine, KyutaiEngine)
    return engine


def publishers_ids(folder: Path, clips: list[np.ndarray]) -> list[list[int]]:
    """By the code of transformers' documentation, without the token that begins a stream."""
    extractor = KyutaiSpeechToTextFeatureExtractor.from_pretrained(folder)
    at_24_khz = [soxr.resample(clip, 16_000, 24_000, quality="VHQ") for clip in clips]
    inputs = extractor(at_24_khz, sampling_rate=24_000, return_tensors="pt")
    model = KyutaiSpeechToTextForConditionalGeneration.from_pretrained(folder)
    return model.generate(**inputs, do_sample=False)[:, 1:].tolist()


def test_texts_are_those_of_plain_transformers(folder):
    engine, clips = load(folder), noise(SECONDS)
    expected = []
    for clip in clips:
        (ids,) = publishers_ids(folder, [clip])
        assert len(ids) == engine.stream_tokens(len(clip))
        expected.append(engine.tokenizer.decode(ids, skip_special_tokens=True))
        assert engine.transcribe([clip]).texts == (expected[-1],)
    assert len(set(expected)) == len(clips), "nothing is compared"
    assert list(engine.transcribe(clips).texts) == expected


def test_in_a_batch_transformers_goes_on_behind_the_shorter_clips(folder):
    engine, clips = load(folder), noise(SECONDS)
    rows = publishers_ids(folder, clips)
    assert {len(row) for row in rows} == {engine.stream_tokens(len(clips[3]))}
    alone = [publishers_ids(folder, [clip])[0] for clip in clips]
    assert [row[: len(ids)] for row, ids in zip(rows, alone, strict=True)] == alone


@pytest.mark.parametrize("samples", [0, 1, 2, 1279, 1280, 1281, 16_000])
def test_frames_are_those_of_the_padded_audio(folder, samples):
    engine = load(folder)
    features = engine.features([np.zeros(samples, np.float32)])
    assert engine.stream_tokens(samples) == features.shape[-1] // 1920
    assert engine.input_samples(features) == pytest.approx(samples + 1.75 * 16_000, abs=1)


def test_the_codec_stays_in_fp32(folder):
    clips = noise(SECONDS)
    engine, usual = load(folder, precision="bf16"), load(folder)
    codec = {weight.dtype for weight in engine.model.codec_model.parameters()}
    rest = {weight.dtype for weight in engine.model.model.parameters()}
    assert (codec, rest) == ({torch.float32}, {torch.bfloat16})
    heard = []
    for one in (engine, usual):
        features = one.features(clips).to(one.input_dtype)
        heard.append(one.model.codec_model.encode(features).audio_codes)
    assert torch.equal(*heard)
    layers = dict(load(folder, quantization="int8-dynamic-torch").model.named_modules())
    assert type(layers["codec_model.encoder.encoder_transformer.layers.0.mlp.fc1"]) is (
        torch.nn.Linear
    )


def test_how_a_checkpoint_is_fed_is_kept_and_its_search_is_not(folder, own):
    assert load(folder).remarks == ()
    path = own / "generation_config.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, "audio_window_size": None, "num_beams": 3}))
    engine = load(own)
    assert engine.model.generation_config.audio_window_size is None
    assert engine.model.generation_config.num_beams == 1
    assert engine.remarks == (
        "the checkpoint's own search is set aside, a variant says how it decodes: num_beams 3",
    )
    with pytest.raises(Unmeasurable, match="audio_window_size of the checkpoint is not 1"):
        engine.workload(samples=16_000, batch=1, decoder_calls=None)


def test_another_rate_of_the_extractor_is_refused(own):
    path = own / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "sampling_rate": 16_000}))
    with pytest.raises(Refused, match="gives 16000 Hz, its codec takes 24000 Hz: correct prep"):
        load(own)


def test_only_the_token_that_begins_a_stream_may_lack_a_text(own):
    path = own / "tokenizer.json"
    told = json.loads(path.read_text())
    del told["model"]["vocab"]["w39"]
    path.write_text(json.dumps(told))
    with pytest.raises(Refused, match="it lacks 1 of the model's 40 tokens, such as 39"):
        load(own)


def test_languages_are_not_told_and_not_detected(folder):
    with pytest.raises(Refused, match='detects no language: leave out "language": "detect"'):
        load(folder, language="detect")
    with pytest.raises(Refused, match='does not support "de", only en, fr: correct "language"'):
        load_engine(request(NAMES[0], language="de"))


@pytest.mark.parametrize(
    ("name", "file_bytes", "delay_s", "silence_s", "context"),
    # Sizes of model.safetensors of the original repositories, in bf16, without the codec.
    [(NAMES[0], 1_978_522_200, 0.5, 0.0, 750), (NAMES[1], 5_234_275_128, 2.5, 1.0, 375)],
)
def test_the_published_sizes(name, file_bytes, delay_s, silence_s, context):
    from runner.flops.models import build

    config = published_config(name)
    model = build(config)
    parts = (model.model, model.lm_head)
    size = sum(weight.numel() for part in parts for weight in part.parameters())
    assert size == pytest.approx(file_bytes / 2, rel=1e-4)
    assert config.sliding_window == context
    extractor = feature_extractor(name)
    assert extractor.audio_delay_seconds == delay_s
    assert extractor.audio_silence_prefix_seconds == silence_s


@pytest.mark.parametrize(
    ("name", "tokens"), [(NAMES[0], int(12.5 * 3.5)), (NAMES[1], int(12.5 * 6.5))]
)
def test_random_weights_decode_a_token_a_frame(name, tokens, monkeypatch):
    config = shallow(name)
    monkeypatch.setattr(kyutai, "published_config", lambda _: config)
    engine = load_engine(request(name, tokens_per_audio_second=1.0))
    outcome = engine.transcribe([np.zeros(32_000, np.float32)])
    assert outcome.decoder_calls == outcome.tokens == tokens == engine.fixed_calls(32_000)
    assert outcome.at_limit is None
