"""INT8: layers that hold integers, products of integers, size, what is left of the signal."""

from __future__ import annotations

import pytest
import torch

from runner.errors import NoEffect, Refused
from runner.variants.quantization import stored_bytes

METHODS = ["int8-dynamic", "int8-weight-only", "int8-dynamic-torch"]
SMALL = ["small-wav2vec2-ctc", "small-parakeet-ctc", "small-whisper"]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("method", METHODS)
def test_it_takes_effect_shrinks_and_still_hears(load, speech, baseline, name, method):
    engine = load(name, quantization=method)
    texts = engine.transcribe(speech).texts
    assert sum(a == b for a, b in zip(texts, baseline(name), strict=True)) >= len(speech) // 2
    _, proof = engine.prove(speech[:1])
    assert (proof.part, proof.asked) == ("quantization", method)
    assert ("integer products" in proof.found) == ("weight-only" not in method)
    assert engine.weights_bytes < 4 * engine.parameters
    (figure,) = engine.figures()
    assert figure.name == "size_ratio"
    assert 0.25 < figure.value < 0.95
    if name == "small-whisper":  # The output layer shares its weights with the embedding.
        assert ("54 of 55" in proof.found) == (method != "int8-dynamic-torch")


@pytest.mark.parametrize("method", METHODS)
def test_the_signal_is_rounded_and_still_there(load, speech, method):
    plain, engine = load("small-wav2vec2-ctc"), load("small-wav2vec2-ctc", quantization=method)
    inputs = plain.extractor(list(speech), sampling_rate=16_000, return_tensors="pt")
    with plain.inference():
        exact, rounded = (each.model(**inputs).logits for each in (plain, engine))
    noise = (rounded - exact).square().mean()
    decibels = float(10 * torch.log10(exact.square().mean() / noise))
    assert 20 < decibels < 70


def test_a_group_of_layers_alone(load, speech):
    engine = load("small-whisper", quantization="int8-dynamic", quantize_only="*decoder*fc?")
    _, proof = engine.prove(speech[:1])
    layers = 2 * engine.model.config.decoder_layers
    assert proof.found.startswith(f"{layers} of 55 linear layers hold int8")
    with pytest.raises(Refused, match='no linear layer matches "quantize_only": "nothing"'):
        load("small-whisper", quantization="int8-dynamic", quantize_only="nothing")


def test_layers_that_stayed_as_they_were_are_no_result(load, speech):
    engine = load("small-wav2vec2-ctc", quantization="int8-dynamic")
    engine.model = load("small-wav2vec2-ctc").model
    with pytest.raises(NoEffect, match="0 of 32 linear layers hold int8"):
        engine.prove(speech[:1])


def test_int8_weights_whose_products_are_not_of_integers_are_no_result(load, speech):
    engine = load("small-wav2vec2-ctc", quantization="int8-dynamic")
    engine.model = load("small-wav2vec2-ctc", quantization="int8-weight-only").model
    with pytest.raises(NoEffect, match="32 of 32 linear layers hold int8; 0 integer products"):
        engine.prove(speech[:1])


def test_bytes_are_those_that_are_held(load):
    plain = load("small-wav2vec2-ctc")
    assert stored_bytes(plain.model) == 4 * plain.parameters
    linear = sum(m.weight.numel() for m in plain.model.modules() if isinstance(m, torch.nn.Linear))
    for method in METHODS:
        held = load("small-wav2vec2-ctc", quantization=method).weights_bytes
        # A byte a weight instead of four, and a scale for each row at most.
        assert 0 <= held - (4 * plain.parameters - 3 * linear) < 0.1 * linear


def test_the_older_kernels_are_for_fp32(load):
    with pytest.raises(Refused, match='quantization int8-dynamic-torch: needs "precision": "fp32"'):
        load("small-wav2vec2-ctc", quantization="int8-dynamic-torch", precision="bf16")
