"""Implementations of attention."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch

from runner.errors import NoEffect, Refused


@pytest.mark.parametrize("name", ["small-whisper", "small-wav2vec2-ctc", "small-parakeet-ctc"])
@pytest.mark.parametrize("kind", ["eager", "sdpa"])
def test_each_runs_its_own_kernels_and_hears_the_same(load, speech, baseline, name, kind):
    engine = load(name, attention=kind)
    assert engine.transcribe(speech).texts == baseline(name)
    precision, proof = engine.verify(speech[:1])
    assert (precision.technique, proof.technique, proof.requested) == (
        "precision",
        "attention",
        kind,
    )
    kernel = "softmax" if kind == "eager" else "scaled_dot_product_attention"
    assert f"aten::{kernel} x " in proof.found


def test_another_implementation_is_no_result(load, speech):
    engine = load("small-wav2vec2-ctc", attention="eager")
    engine.model.set_attn_implementation("sdpa")
    with pytest.raises(NoEffect, match=r"attention eager did not .*eager x 0, sdpa x 5"):
        engine.verify(speech[:1])


@pytest.mark.parametrize("kind", ["eager", "sdpa"])
def test_an_assistant_attends_as_its_model_does(load, speech, kind):
    engine = load("small-whisper", assistant="self", attention=kind)
    _, proof, _ = engine.verify(speech[:1])
    assert proof.requested == kind


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_flash_runs_on_a_gpu_or_says_what_it_needs(load_on, speech):
    parts = {"attention": "flash", "precision": "fp16"}
    if find_spec("flash_attn") is None:
        with pytest.raises(Refused, match="needs the package flash-attn"):
            load_on("cuda", "small-whisper", **parts)
        return
    engine = load_on("cuda", "small-whisper", **parts)
    plain = load_on("cuda", "small-whisper", precision="fp16")
    texts = engine.transcribe(speech).texts, plain.transcribe(speech).texts
    assert sum(a == b for a, b in zip(*texts, strict=True)) >= len(speech) // 2
    assert engine.verify(speech)[1].found.startswith("flash_attn x ")


def test_flash_is_refused_on_a_cpu(load):
    with pytest.raises(Refused, match="attention flash: needs an NVIDIA GPU; use sdpa"):
        load("small-whisper", attention="flash", precision="fp16")
