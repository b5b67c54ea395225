"""Nemotron Speech Streaming: texts of plain transformers, known steps, FLOPs, published size."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    NemotronAsrStreamingConfig,
    NemotronAsrStreamingEncoderConfig,
    NemotronAsrStreamingFeatureExtractor,
    NemotronAsrStreamingForRNNT,
    ParakeetTokenizer,
)

import runner.engines.transducer as module
from runner.config import Variant
from runner.engines.architectures import published_config
from runner.engines.base import Unmeasurable, Workload
from runner.engines.nemotron import NemotronEngine
from runner.engines.vocabulary import piece_tokenizer
from runner.errors import Refused
from runner.flops import workload_flops
from runner.flops.counter import count
from runner.flops.memory import model_memory
from runner.flops.models import build
from runner.load import load_engine
from tests.engines.loading import noise, request

NAME = "nvidia/nemotron-speech-streaming-en-0.6b"
SECONDS = (1.5, 0.1, 0.7)
AHEAD = 3


def small() -> NemotronAsrStreamingConfig:
    """A Nemotron of a few thousand parameters that sees 3 frames ahead and 7 back."""
    encoder = NemotronAsrStreamingEncoderConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        num_mel_bins=16,
        subsampling_conv_channels=8,
        sliding_window=8,
        default_num_lookahead_tokens=AHEAD,
        scale_input=False,
        initializer_range=0.3,
    )
    return NemotronAsrStreamingConfig(
        encoder_config=encoder, vocab_size=33, blank_token_id=32, decoder_hidden_size=16
    )


def save_nemotron(folder: Path) -> Path:
    """A small checkpoint whose texts are neither empty nor endless."""
    torch.manual_seed(1)
    model = NemotronAsrStreamingForRNNT(small())
    with torch.no_grad():
        model.joint.head.bias[32] += BLANK
    model.generation_config.decoder_start_token_id = 32
    model.save_pretrained(folder)
    NemotronAsrStreamingFeatureExtractor(feature_size=16).save_pretrained(folder)
    piece_tokenizer(33, special=32, blank=32).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_nemotron(tmp_path_factory.mktemp("nemotron"))


BLANK = 3.0
"""Added to the blank, that not every frame says something."""


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    return noise(SECONDS)


@pytest.fixture(scope="module")
def engine(folder: Path) -> NemotronEngine:
    return load(folder)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> NemotronEngine:
    """Random weights at a small size."""
    monkeypatch.setattr(module, "published_config", lambda _: small())
    monkeypatch.setattr(
        module,
        "feature_extractor",
        lambda _: NemotronAsrStreamingFeatureExtractor(feature_size=16),
    )
    engine = load_engine(request(NAME))
    assert isinstance(engine, NemotronEngine)
    return engine


def load(folder: Path, **parts: object) -> NemotronEngine:
    variant = Variant.model_validate({"name": "x", **parts}) if parts else Variant(name="fp32")
    engine = load_engine(request(str(folder), weights="pretrained", variant=variant))
    assert isinstance(engine, NemotronEngine)
    return engine


def publishers_text(folder: Path, clip: np.ndarray) -> str:
    """By plain code of transformers, as the model card has it."""
    extractor = NemotronAsrStreamingFeatureExtractor.from_pretrained(folder)
    inputs = extractor([clip], sampling_rate=16_000, return_tensors="pt")
    model = NemotronAsrStreamingForRNNT.from_pretrained(folder)
    ids = model.generate(**inputs, num_lookahead_tokens=AHEAD, max_length=1000).sequences[0]
    tokenizer = ParakeetTokenizer.from_pretrained(folder)
    text = tokenizer.decode(
        [one for one in ids.tolist() if one != 32], skip_special_tokens=True, group_tokens=False
    )
    return text.strip()


def test_texts_are_those_of_plain_transformers(folder, engine, clips):
    """Of each clip alone: what generate() adds to a shorter one of a batch is of its padding."""
    theirs = [publishers_text(folder, clip) for clip in clips]
    assert list(engine.transcribe(clips).texts) == theirs
    assert [engine.transcribe([clip]).texts[0] for clip in clips] == theirs
    assert len({*theirs}) == 3, "texts depend on what is heard"


def test_an_empty_clip_is_heard_among_others_and_alone(engine, clips):
    empty = np.zeros(0, np.float32)
    beside, spoken = engine.transcribe([empty, clips[0]]).texts
    assert (beside, spoken) == (
        engine.transcribe([empty]).texts[0],
        engine.transcribe(clips[:1]).texts[0],
    )


def test_silence_says_the_same_each_time(engine):
    silence = [np.zeros(16_000, np.float32)]
    assert engine.transcribe(silence) == engine.transcribe(silence)


def test_how_far_it_sees_ahead_is_the_checkpoints(folder, engine, clips):
    seen = []

    def look(module, arguments, keywords):
        seen.append(keywords["num_lookahead_tokens"])

    hook = engine.model.encoder.register_forward_pre_hook(look, with_kwargs=True)
    said = engine.transcribe(clips[:1]).texts
    engine.model.config.encoder_config.default_num_lookahead_tokens = 0
    other = engine.transcribe(clips[:1]).texts
    engine.model.config.encoder_config.default_num_lookahead_tokens = AHEAD
    hook.remove()
    assert seen == [AHEAD, 0]
    assert said != other


@pytest.mark.parametrize("chunk", [0.08, 0.16, 0.56, 1.12])
@pytest.mark.parametrize("seconds", [1.5, 1.37, 0.1])
def test_a_stream_says_what_the_clip_as_a_whole_says(folder, chunk, seconds):
    """With as many frames ahead as a chunk has, chunk by chunk or all at once."""
    stream, whole = load(folder, chunk_seconds=chunk), load(folder)
    whole.model.config.encoder_config.default_num_lookahead_tokens = round(chunk / 0.08) - 1
    clips = noise([seconds, seconds, seconds])
    heard, offline = stream.transcribe(clips), whole.transcribe(clips)
    assert heard.texts == offline.texts
    assert heard.tokens == offline.tokens
    assert heard.windows == 3 * stream.chunk_count(len(clips[0]))
    assert len({*heard.texts}) > 1 or seconds < 1


def test_a_stream_is_that_of_plain_transformers(folder):
    """Chunks of the front end's whole features, each of the size that generate() asks for."""
    (clip,) = noise([1.46])  # 20 frames, two a chunk.
    extractor = NemotronAsrStreamingFeatureExtractor.from_pretrained(folder)
    features = extractor([clip], sampling_rate=16_000, return_tensors="pt").input_features
    sizes = [9, *[16] * 9]
    features = torch.nn.functional.pad(features, (0, 0, 0, sum(sizes) - features.shape[1]))
    model = NemotronAsrStreamingForRNNT.from_pretrained(folder)
    chunks = (chunk for chunk in features.split(sizes, dim=1))
    ids = model.generate(input_features=chunks, num_lookahead_tokens=1, max_length=1000)
    theirs = [one for one in ids.sequences[0].tolist() if one != 32]
    stream = load(folder, chunk_seconds=0.16)
    assert stream.chunk_count(len(clip)) == len(sizes)
    text = stream.tokenizer.decode(theirs, skip_special_tokens=True, group_tokens=False)
    assert stream.transcribe([clip]).texts == (text.strip(),)
    assert theirs


def test_streams_are_proven_and_say_more_with_each_chunk(folder):
    stream = load(folder, chunk_seconds=0.56)
    clips = noise([2.0])
    (proof,) = [one for one in stream.verify(clips) if one.technique == "chunk_seconds"]
    assert proof.found == "4 encoder passes for 4 chunks"
    said: list[str] = []
    stream.after_chunk = lambda texts: said.append(texts[0])
    stages: list[str] = []
    whole = stream.transcribe(clips, stages.append)
    assert len(said) == 4
    assert said[-1] == whole.texts[0]
    assert all(later.startswith(earlier) for earlier, later in pairwise(said))
    assert stages == ["features", "transfer", "encode", "decode", "text"] * 4
    with pytest.raises(Unmeasurable, match="chunk"):
        stream.workload(samples=32_000, batch=1, decoder_calls=None)


def test_a_stream_of_random_weights_takes_the_stated_steps(made):
    variant = Variant(name="x", chunk_seconds=0.56)
    stream = load_engine(request(NAME, variant=variant))
    clips = noise([2.0, 2.0])
    assert stream.transcribe(clips).decoder_calls == made.transcribe(clips).decoder_calls
    assert stream.transcribe(clips).decoder_calls == stream.fixed_calls(32_000)


@pytest.mark.parametrize("seconds", [1.0, 2.03])
def test_random_weights_do_exactly_the_stated_work(made, seconds):
    outcome = made.transcribe(noise([seconds, seconds]))
    samples = round(seconds * 16_000)
    frames = samples // 160
    for _ in range(3):  # Causal: a frame more than half of them.
        frames = frames // 2 + 1
    tokens = outcome.tokens // 2
    assert outcome.decoder_calls == made.fixed_calls(samples) == frames + tokens
    assert tokens == pytest.approx(2 * seconds, abs=1)
    assert (outcome.windows, outcome.input_samples) == (2, 2 * (samples // 160 + 1) * 160)


def test_stages_are_marked_in_order(made):
    stages: list[str] = []
    made.transcribe(noise([0.5]), stages.append)
    assert stages == ["features", "transfer", "encode", "prefill", "decode", "text"]


def test_flops_are_those_of_a_real_encoder_and_of_the_steps(made):
    clips = noise([2, 2])
    found = {
        one.stage: one.flops
        for one in workload_flops(made.workload(samples=32_000, batch=2, decoder_calls=16))
    }
    inputs = made.extractor(clips, sampling_rate=16_000, return_tensors="pt")
    ran = count(lambda: made.model.get_audio_features(**inputs, num_lookahead_tokens=AHEAD))
    assert not ran.missed
    assert found["encoder"] == ran.flops
    # Two LSTM layers (input and hidden, four gates), the projection and the joint network.
    step = 2 * 2 * (2 * 2 * 4 * 16 * 16 + 16 * 16 + 16 * 33)
    assert found["token"] == step
    assert found["decode"] == 16 * step
    assert found["total"] == found["encoder"] + found["decode"]


def test_flops_of_the_published_encoder_are_those_of_the_formula():
    """Width d, inner width f, L layers, T frames, c channels of subsampling."""
    config = published_config(NAME)
    work = Workload(config, samples=160_000, batch=1, tokens=None)
    found = {one.stage: one.flops for one in workload_flops(work)}
    d, f, layers, c, kernel = 1024, 4096, 24, 256, 9
    sides = [(1001, 128)]
    for _ in range(3):
        sides.append(tuple(side // 2 + 1 for side in sides[-1]))
    (_, (t1, m1), (t2, m2), (t3, m3)) = sides
    macs = t1 * m1 * c * 9 + sum(t * m * (c * 9 + c * c) for t, m in ((t2, m2), (t3, m3)))
    macs += t3 * c * m3 * d
    each = 4 * d * f + 4 * d * d + 3 * d * d + kernel * d + 2 * t3 * d
    positions = 2 * t3 - 1
    macs += layers * (t3 * each + positions * d * d + t3 * positions * d)
    macs += t3 * d * 640
    assert found["encoder"] == 2 * macs


def test_memory_from_shapes_is_that_of_the_model(engine):
    size = model_memory(engine.model.config, samples=48_000, batch=2, tokens=5)
    assert size.parameters == engine.parameters
    # Hidden and cell state of two layers and the last output, of width 16.
    assert size.cache_bytes == 2 * 4 * 16 * 5
    assert size.activations_bytes > 2 * 301 * 16 * 4


def test_half_precision_is_proven(made):
    engine = load_engine(request(NAME, variant=Variant(name="x", precision="bf16")))
    proofs = {proof.technique: proof.found for proof in engine.verify(noise([0.5]))}
    assert "bfloat16" in proofs["precision"]
    assert engine.weights_bytes == made.weights_bytes / 2


@pytest.mark.parametrize(
    "parts",
    [
        {"beams": 2},
        {"cache": "static"},
        {"long_form": "overlap"},
        {"chunk_seconds": 1},
        {"chunk_seconds": 0.16, "right_seconds": 0.16},
        {"quantization": "int8-dynamic"},
    ],
    ids=str,
)
def test_what_does_not_apply_is_refused(folder, parts):
    with pytest.raises(Refused, match="nemotron"):
        load(folder, **parts)


def test_the_published_size():
    parameters = sum(weight.numel() for weight in build(published_config(NAME)).parameters())
    # model.safetensors of revision ebe59e5a has 2,472,413,604 bytes, names and shapes included.
    assert 0 < 2_472_413_604 - 4 * parameters < 100_000
