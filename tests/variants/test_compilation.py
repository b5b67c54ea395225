"""torch.compile and CUDA graphs: what is compiled, how long it takes, where it is refused."""

from __future__ import annotations

import time

import pytest
import torch

from runner.config import Variant
from runner.engines.base import Unmeasurable
from runner.errors import NoEffect, Refused


@pytest.mark.e2e
def test_a_compiled_encoder_hears_the_same_and_its_time_is_apart(load, speech, baseline):
    engine = load("small-whisper", compile="default")
    began = time.perf_counter()
    assert engine.transcribe(speech[:2]).texts == baseline("small-whisper")[:2]
    cold_s = time.perf_counter() - began
    began = time.perf_counter()
    engine.transcribe(speech[:2])
    warm_s = time.perf_counter() - began
    _, proof = engine.prove(speech[:2])
    assert (proof.part, proof.asked) == ("compile", "default")
    assert proof.found == "1 graphs, 0 breaks"
    figures = {figure.name: figure.value for figure in engine.figures()}
    assert figures["compiled_graphs"] == 1
    assert 0.5 * (cold_s - warm_s) < figures["compile_s"] < cold_s


def test_compiling_what_is_never_called_is_no_result(load, speech):
    engine = load("small-whisper", compile="default")
    # As `torch.compile(model).generate()` does: another method than the one that was compiled.
    engine.model.get_encoder()._compiled_call_impl = None
    engine.transcribe(speech[:1])
    with pytest.raises(NoEffect, match="compile default did not take effect: 0 graphs"):
        engine.prove(speech[:1])


@pytest.mark.e2e
def test_a_compiled_decoder_says_the_same(load, speech, baseline):
    engine = load("small-whisper", cache="static", compile_decoder="default")
    began = time.perf_counter()
    assert engine.transcribe(speech[:2]).texts == baseline("small-whisper")[:2]
    cold_s = time.perf_counter() - began
    _, cache, proof = engine.prove(speech[:2])
    assert "static" in cache.found
    steps = engine.transcribe(speech[:2]).decoder_calls - 1
    assert proof.found == f"{steps} of {steps} steps after the prefill, 1 graphs, 0 breaks"
    figures = {figure.name: figure.value for figure in engine.figures()}
    assert figures["compiled_graphs"] == 1
    assert 0.5 * cold_s < figures["compile_s"] < cold_s
    with pytest.raises(Unmeasurable, match="compiled code"):
        engine.decoder_passes(speech[:1], 8)


def test_a_decoder_that_is_not_compiled_is_no_result(load, speech):
    engine = load("small-whisper", cache="static", compile_decoder="default")
    engine.model.generation_config.disable_compile = True
    engine.transcribe(speech[:1])
    with pytest.raises(NoEffect, match="compile_decoder default did not take effect: nothing"):
        engine.prove(speech[:1])


@pytest.mark.parametrize("parts", [{}, {"cache": "dynamic"}, {"cache": "static", "beams": 2}])
def test_a_decoder_is_compiled_over_a_static_cache(parts):
    with pytest.raises(ValueError, match='needs "cache": "static"'):
        Variant.model_validate({"name": "x", "compile_decoder": "default", **parts})


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            {"cache": "static", "compile_decoder": "reduce-overhead"},
            "compile_decoder reduce-overhead: is CUDA graphs",
        ),
        ({"compile": "reduce-overhead"}, "compile reduce-overhead: is CUDA graphs"),
        ({"cuda_graph": True}, "cuda_graph True: needs an NVIDIA GPU"),
    ],
)
def test_what_needs_a_gpu_is_refused_on_a_cpu(load, parts, words):
    name = "small-whisper" if "cache" in parts else "small-wav2vec2-ctc"
    with pytest.raises(Refused, match=words) as caught:
        load(name, **parts)
    assert "\n" not in str(caught.value)


def test_one_kind_of_graph_at_a_time():
    with pytest.raises(ValueError, match="neither"):
        Variant.model_validate({"name": "x", "cuda_graph": True, "compile": "default"})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("name", ["small-whisper", "small-wav2vec2-ctc", "small-parakeet-ctc"])
def test_a_recorded_encoder_hears_the_same(load_on, speech, name):
    plain, engine = load_on("cuda", name), load_on("cuda", name, cuda_graph=True)
    for _ in range(2):
        assert engine.transcribe(speech).texts == plain.transcribe(speech).texts
    _, proof = engine.prove(speech)
    assert proof.found == "1 recordings, replayed 1 times in a batch"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_decoder_of_cuda_graphs_says_the_same(load_on, speech):
    plain = load_on("cuda", "small-whisper")
    engine = load_on("cuda", "small-whisper", cache="static", compile_decoder="reduce-overhead")
    for _ in range(2):
        assert engine.transcribe(speech).texts == plain.transcribe(speech).texts
    engine.prove(speech)
