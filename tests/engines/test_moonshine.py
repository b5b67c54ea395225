"""Moonshine: published sizes, stated work, no windows, the variants of a decoder."""

from __future__ import annotations

import math
import time

import pytest
import torch
from transformers import (
    MoonshineConfig,
    MoonshineForConditionalGeneration,
    Wav2Vec2FeatureExtractor,
)

from runner.config import Limits, Variant
from runner.engines.moonshine import TOKENS_PER_SECOND, MoonshineEngine
from runner.engines.vocabulary import piece_tokenizer
from runner.flops import workload_flops
from runner.flops.counter import count
from runner.load import load_engine
from runner.measure.decoder import profile_decoder
from tests.engines.loading import request

NAME = "UsefulSensors/moonshine-tiny"


@pytest.fixture(scope="module")
def tiny() -> MoonshineEngine:
    engine = load_engine(request(NAME))
    assert isinstance(engine, MoonshineEngine)
    return engine


def variant(**parts) -> MoonshineEngine:
    engine = load_engine(request(NAME, variant=Variant.model_validate({"name": "x", **parts})))
    assert isinstance(engine, MoonshineEngine)
    return engine


@pytest.mark.parametrize(("size", "parameters"), [("tiny", 27.1e6), ("base", 61.5e6)])
def test_published_sizes(size, parameters):
    engine = load_engine(request(f"UsefulSensors/moonshine-{size}"))
    assert engine.parameters == pytest.approx(parameters, rel=0.002)


def test_random_weights_do_exactly_the_stated_work(tiny, speech_like):
    passes = []
    hook = tiny.model.get_decoder().register_forward_hook(lambda *_: passes.append(1))
    outcome = tiny.transcribe(speech_like(5, 2))
    hook.remove()
    tokens = math.ceil(5 * 2.0)
    assert outcome.decoder_calls == len(passes) == tokens
    assert outcome.tokens == 2 * tokens
    assert outcome.windows == 2
    assert len(outcome.texts) == 2


def test_a_long_clip_is_heard_in_one_piece(tiny, speech_like):
    with tiny.shortened(3):
        outcome = tiny.transcribe(speech_like(40))
    assert (outcome.windows, outcome.decoder_calls) == (1, 3)


def test_flops_are_those_of_a_real_run(tiny, speech_like):
    readings = {
        reading.stage: reading.flops
        for reading in workload_flops(tiny.workload(samples=32_000, batch=1, decoder_calls=4))
    }
    wave = torch.from_numpy(speech_like(2)[0])[None]
    encoder = count(lambda: tiny.model.get_encoder()(wave))
    assert readings["encoder"] == encoder.flops
    with tiny.exactly(4):
        whole = count(lambda: tiny.model.generate(wave))
    assert not whole.missed
    assert readings["total"] == whole.flops


@pytest.mark.parametrize("kind", ["dynamic", "static", "off"])
def test_caches(kind, speech_like, tiny):
    engine = variant(cache=kind)
    batch = speech_like(2, 2)
    assert engine.transcribe(batch).texts == tiny.transcribe(batch).texts
    _, proof = engine.verify(batch)
    assert proof.found.startswith(f"{kind} in ")


def test_int8_and_beams_are_proven(speech_like):
    engine = variant(quantization="int8-dynamic", beams=2)
    proofs = {proof.technique: proof.found for proof in engine.verify(speech_like(1))}
    assert "integer products" in proofs["quantization"]
    assert proofs["beams"].startswith("2 decoder rows")


def test_its_decoder_can_be_profiled(tiny, speech_like):
    steps, figures = profile_decoder(
        tiny,
        speech_like(2),
        Limits(decoder_tokens=20, decoder_iterations=1),
        clock=time.process_time,
        progress=lambda *_: None,
    )
    assert len(steps) == 20
    values = {figure.name: figure.value for figure in figures}
    config = tiny.model.config
    row = 2 * 4 * config.decoder_num_hidden_layers * config.hidden_size
    assert values["self_cache_bytes"] == row * 20


def test_a_checkpoint_stops_where_its_publishers_say(tmp_path, speech_like):
    config = MoonshineConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=1,
    )
    torch.manual_seed(1)
    MoonshineForConditionalGeneration(config).save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(tmp_path)
    piece_tokenizer(64, special=64).save_pretrained(tmp_path)
    engine = load_engine(request(str(tmp_path), weights="pretrained"))
    assert isinstance(engine, MoonshineEngine)
    # Random weights never say the end.
    assert engine.transcribe(speech_like(2)).decoder_calls <= math.ceil(2 * TOKENS_PER_SECOND)
