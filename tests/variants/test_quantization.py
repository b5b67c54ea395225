"""INT8: layers that hold integers, products of integers, size, what is left of the signal."""

from __future__ import annotations

import pytest
import torch

from runner.engines.weights import stored_bytes
from runner.errors import NoEffect, Refused
from runner.variants import int4, quantization
from runner.variants.quantization import IntegerProducts, Quantization

METHODS = ["int8-dynamic", "int8-weight-only", "int8-dynamic-torch"]
SMALL = ["small-wav2vec2-ctc", "small-parakeet-ctc", "small-whisper"]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("method", METHODS)
def test_it_takes_effect_shrinks_and_still_hears(load, speech, baseline, name, method):
    engine = load(name, quantization=method)
    texts = engine.transcribe(speech).texts
    assert sum(a == b for a, b in zip(texts, baseline(name), strict=True)) >= len(speech) // 2
    _, proof = engine.verify(speech[:1])
    assert (proof.technique, proof.requested) == ("quantization", method)
    assert ("integer products" in proof.found) == ("weight-only" not in method)
    assert engine.weights_bytes < 4 * engine.parameters
    (figure,) = engine.figures()
    assert figure.name == "size_ratio"
    assert 0.25 < figure.value < 0.95
    if name == "small-whisper":  # The output layer shares its weights with the embedding.
        held = 55 if method == "int8-dynamic-torch" else 54
        assert proof.found.startswith(f"{held} of 55 linear layers hold int8")


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
    _, proof = engine.verify(speech[:1])
    layers = 2 * engine.model.config.decoder_layers
    assert proof.found.startswith(f"{layers} of 55 linear layers hold int8")
    both = load("small-whisper", quantization="int8-dynamic", quantize_only="*.fc1,*.fc2")
    blocks = engine.model.config.encoder_layers + engine.model.config.decoder_layers
    assert both.verify(speech[:1])[1].found.startswith(f"{2 * blocks} of 55 ")
    with pytest.raises(Refused, match='no linear layer matches "quantize_only": "nothing"'):
        load("small-whisper", quantization="int8-dynamic", quantize_only="nothing")


def test_layers_that_stayed_as_they_were_are_no_result(load, speech):
    engine = load("small-wav2vec2-ctc", quantization="int8-dynamic")
    engine.model = load("small-wav2vec2-ctc").model
    with pytest.raises(NoEffect, match="0 of 32 linear layers hold int8"):
        engine.verify(speech[:1])


def test_int8_weights_whose_products_are_not_of_integers_are_no_result(load, speech):
    engine = load("small-wav2vec2-ctc", quantization="int8-dynamic")
    engine.model = load("small-wav2vec2-ctc", quantization="int8-weight-only").model
    with pytest.raises(NoEffect, match="32 of 32 linear layers hold int8; 0 integer products"):
        engine.verify(speech[:1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kept", [slice(0, 1), slice(1, None)])
def test_some_of_the_layers_are_no_result(load, speech, monkeypatch, method, kept):
    library = "_quantize_with_torch" if method == "int8-dynamic-torch" else "_quantize_with_torchao"
    quantize = getattr(quantization, library)
    monkeypatch.setattr(
        quantization, library, lambda model, names, **how: quantize(model, names[kept], **how)
    )
    engine = load("small-wav2vec2-ctc", quantization=method)
    held = len(range(32)[kept])
    with pytest.raises(NoEffect, match=f"{held} of 32 linear layers hold int8; 32 were chosen"):
        engine.verify(speech[:1])


def test_more_layers_than_were_chosen_are_no_result(load, speech, monkeypatch):
    engine = load("small-wav2vec2-ctc", quantization="int8-weight-only")
    (technique,) = [t for t in engine.techniques if isinstance(t, Quantization)]
    technique.chosen = technique.chosen[:5]
    with pytest.raises(NoEffect, match="32 of 32 linear layers hold int8; 5 were chosen"):
        engine.verify(speech[:1])


def test_products_that_fall_back_to_floating_point_are_no_result(load, speech, monkeypatch):
    """As torchao does it on a GPU: it tries, and multiplies floats where that fails."""
    from torchao.quantization.quantize_.workflows.int8 import int8_tensor

    multiply, tried = int8_tensor.int_scaled_matmul, []

    def sometimes(a, b, scales):
        tried.append(a)
        if len(tried) % 2:
            return multiply(a, b, scales)
        try:
            return torch._int_mm(a, b[:-1])
        except RuntimeError:
            return (a.float() @ b.float()) * scales

    engine = load("small-wav2vec2-ctc", quantization="int8-dynamic")
    monkeypatch.setattr(int8_tensor, "int_scaled_matmul", sometimes)
    with pytest.raises(NoEffect, match="; 16 integer products in 32 passes"):
        engine.verify(speech[:1])


def test_a_product_counts_once_it_has_a_result():
    from torch._higher_order_ops.out_dtype import out_dtype

    a = torch.randint(-9, 9, (4, 8), dtype=torch.int8)
    with torch.inference_mode(), IntegerProducts(("aten._int_mm", "out_dtype")) as products:
        torch._int_mm(a, a.t())
        assert products.count == 1
        with pytest.raises(RuntimeError):
            torch._int_mm(a, a)
        assert products.count == 1
        # What torchao asks for on a GPU.
        found = out_dtype(torch.ops.aten.mm.default, torch.int32, a, a.t().contiguous())
        assert products.count == 2
    assert torch.equal(found, a.int() @ a.int().t())


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.mark.gpu
@needs_gpu
def test_a_gpu_multiplies_integers(load_on, speech):
    name = "small-wav2vec2-ctc"
    plain = load_on("cuda", name)
    # Not its head, whose width is no multiple of 8: that has no integer product there.
    engine = load_on("cuda", name, quantization="int8-dynamic", quantize_only="*.encoder.*")
    texts = engine.transcribe(speech).texts, plain.transcribe(speech).texts
    assert sum(a == b for a, b in zip(*texts, strict=True)) >= len(speech) // 2
    _, proof = engine.verify(speech)
    assert "integer products" in proof.found


@pytest.mark.gpu
@needs_gpu
def test_a_decoders_few_rows_are_no_integer_products_on_a_gpu(load_on, speech):
    engine = load_on("cuda", "small-whisper", quantization="int8-dynamic")
    engine.transcribe(speech[:1])
    with pytest.raises(NoEffect, match="integer products in"):
        engine.verify(speech[:1])


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


@pytest.mark.e2e
@pytest.mark.parametrize("name", SMALL)
def test_int4_packs_two_weights_a_byte_and_still_hears(load, speech, baseline, name):
    engine = load(name, quantization="int4-weight-only")
    texts = engine.transcribe(speech).texts
    assert sum(a == b for a, b in zip(texts, baseline(name), strict=True)) >= len(speech) // 3
    _, proof = engine.verify(speech[:1])
    assert "linear layers hold int4" in proof.found
    assert "products by packed weights in" in proof.found
    (figure,) = engine.figures()
    (eight,) = load(name, quantization="int8-weight-only").figures()
    assert figure.name == "size_ratio"
    assert 0.125 < figure.value < eight.value


def test_int4_is_proven_by_what_lies_in_memory(load, speech):
    engine = load("small-wav2vec2-ctc", quantization="int4-weight-only")
    chosen = dict(engine.model.named_modules())
    packed = [one for one in chosen.values() if int4.holds(one)]
    assert packed
    for layer in packed:
        assert layer.weight.qdata.numel() == layer.in_features * layer.out_features // 2
    engine.model = load("small-wav2vec2-ctc", quantization="int8-weight-only").model
    with pytest.raises(NoEffect, match=r"0 of \d+ linear layers hold int4"):
        engine.verify(speech[:1])


def test_int4_is_refused_where_it_cannot_run(load):
    assert int4.unsupported_reason("cuda") == 'is for CPUs; use "int8-weight-only"'
    with pytest.raises(Refused, match="no linear layer matches"):
        load("small-whisper", quantization="int4-weight-only", quantize_only="nothing")
    assert not int4.fits(torch.nn.Linear(32, 24))
    assert not int4.fits(torch.nn.Linear(40, 32))
