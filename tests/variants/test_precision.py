"""Number formats: what is converted, what is proven, what is refused."""

from __future__ import annotations

import pytest
import torch

from runner.config import Variant
from runner.errors import NoEffect, Refused
from runner.variants.precision import TF32_ERROR, _product_error

SMALL = ["small-whisper", "small-wav2vec2-ctc", "small-parakeet-ctc"]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("autocast", [False, True])
def test_bf16_takes_effect_and_still_hears(load, speech, baseline, name, autocast):
    engine = load(name, precision="bf16", autocast=autocast)
    if name == "small-wav2vec2-ctc" and not few_channels_are_convolved_rightly():
        with pytest.raises(Refused, match=r"wrongly on this device: .*pos_conv_embed\.conv is off"):
            engine.verify(speech[:1])
        return
    texts = engine.transcribe(speech).texts
    same = sum(a == b for a, b in zip(texts, baseline(name), strict=True))
    assert same >= len(speech) // 2
    (proof,) = engine.verify(speech[:1])
    assert (proof.technique, proof.requested) == (
        "precision",
        "bf16 autocast" if autocast else "bf16",
    )
    stored = {p.dtype for p in engine.model.parameters()}
    assert stored == {torch.float32 if autocast else torch.bfloat16}
    assert engine.weights_bytes == (4 if autocast else 2) * engine.parameters
    assert ("linear layers give bfloat16" in proof.found) == autocast


def few_channels_are_convolved_rightly() -> bool:
    """Whether this processor convolves few channels in bfloat16; not all with AMX do."""
    layer = torch.nn.Conv1d(16, 16, 32, groups=2)
    x = torch.randn(1, 16, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        right, found = layer(x), layer.bfloat16()(x.bfloat16()).float()
    return float((found - right).norm() / right.norm()) < 0.1


@pytest.mark.parametrize("autocast", [False, True])
def test_a_convolution_that_this_device_computes_wrongly_is_refused(load, speech, autocast):
    engine = load("small-whisper", precision="bf16", autocast=autocast)
    assert engine.verify(speech[:1])
    layer = engine.model.get_encoder().conv2
    hook = layer.register_forward_hook(lambda module, given, output: output.flip(-1))
    with pytest.raises(
        Refused, match=r"the convolution model\.encoder\.conv2 is off by 1\d\d%; use"
    ):
        engine.verify(speech[:1])
    hook.remove()
    # More than rounding, and less than another sum.
    layer.register_forward_hook(lambda module, given, output: output * 1.01)
    assert engine.verify(speech[:1])


def test_fp16_runs_on_the_cpu(load, speech, baseline):
    engine = load("small-whisper", precision="fp16")
    assert engine.transcribe(speech[:2]).texts == baseline("small-whisper")[:2]
    assert "float16 x" in engine.verify(speech[:1])[0].found


def test_a_precision_that_is_not_there_is_no_result(load, speech):
    engine = load("small-wav2vec2-ctc", precision="bf16")
    engine.model.float()
    with pytest.raises(NoEffect, match="precision bf16 did not take effect: parameters are float3"):
        engine.verify(speech[:1])


def test_autocast_that_does_not_cast_is_no_result(load, speech):
    engine = load("small-wav2vec2-ctc", precision="bf16", autocast=True)
    engine.inference = torch.inference_mode  # As if a context had been forgotten.
    with pytest.raises(NoEffect, match="linear layers give float32"):
        engine.verify(speech[:1])


def test_tf32_is_refused_on_a_cpu(load):
    with pytest.raises(Refused, match="needs an NVIDIA GPU") as caught:
        load("small-whisper", precision="tf32")
    assert "\n" not in str(caught.value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_tf32_takes_effect_on_a_gpu(load_on, speech):
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("this GPU has no TF32")
    plain = load_on("cuda", "small-wav2vec2-ctc")
    engine = load_on("cuda", "small-wav2vec2-ctc", precision="tf32")
    texts = engine.transcribe(speech).texts, plain.transcribe(speech).texts
    assert sum(a == b for a, b in zip(*texts, strict=True)) >= len(speech) // 2
    # Both in one process: the flag is the process's.
    for each in (engine, plain, engine):
        (proof,) = each.verify(speech[:1])
        assert "a product of matrices is off by" in proof.found
    engine.tf32 = False
    with pytest.raises(NoEffect, match="precision tf32 did not take effect"):
        engine.verify(speech[:1])


def test_the_error_of_a_product_tells_tf32_from_fp32(load):
    engine = load("small-wav2vec2-ctc")
    assert _product_error(engine) < TF32_ERROR / 100
    # TF32 keeps ten of the 23 bits of the mantissa of what it multiplies.
    a, b = (torch.randn(256, 256, generator=torch.Generator().manual_seed(i)) for i in (1, 2))
    exact = a.double() @ b.double()
    short = _ten_bits(a).double() @ _ten_bits(b).double()
    error = (short - exact).square().mean().sqrt() / exact.square().mean().sqrt()
    assert error > 2 * TF32_ERROR


def _ten_bits(values: torch.Tensor) -> torch.Tensor:
    return (values.view(torch.int32) & ~0x1FFF).view(torch.float32)


def test_autocast_needs_a_half_precision():
    with pytest.raises(ValueError, match='"autocast" needs "precision"'):
        Variant(name="x", autocast=True)
