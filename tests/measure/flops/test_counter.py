"""The counter is exact on real and on meta tensors, and says what it cannot count."""

from __future__ import annotations

import contextlib

import pytest
import torch
from torch import nn

from runner.flops.counter import FlopCounter, count
from runner.flops.readings import meta_reading


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, contextlib.nullcontext])
def test_products_and_convolutions(device: str, mode: type) -> None:
    with torch.device(device):
        linear, conv = nn.Linear(6, 10), nn.Conv1d(6, 8, 3, stride=2, padding=1, groups=2)
        x = torch.zeros(4, 7, 6)
    with mode(), FlopCounter() as counter:
        linear(x)
        conv(x.transpose(1, 2))
        x @ x.transpose(1, 2)
    # (rows x in x out) + (batch x frames x kernel x in / groups x out) + (batch x 7 x 6 x 7)
    assert counter.count.flops == 2 * (4 * 7 * 6 * 10 + 4 * 4 * 3 * 3 * 8 + 4 * 7 * 6 * 7)
    assert counter.count.missed == ()


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_fused_attention_of_unequal_lengths(device: str) -> None:
    query = torch.zeros(2, 3, 5, 16, device=device)
    key = torch.zeros(2, 3, 11, 16, device=device)
    counted = count(lambda: nn.functional.scaled_dot_product_attention(query, key, key))
    assert counted.flops == 2 * (2 * 3 * 5 * 11 * 16) * 2
    assert counted.missed == ()


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_lstm(device: str, mode: type) -> None:
    batch, steps, inputs, hidden, layers = 2, 9, 12, 20, 2
    with torch.device(device):
        lstm = nn.LSTM(inputs, hidden, num_layers=layers, batch_first=True).eval()
        x = torch.zeros(batch, steps, inputs)
    with mode(), FlopCounter() as counter:
        lstm(x)
    gates = 4 * hidden
    macs = batch * steps * gates * ((inputs + hidden) + (layers - 1) * (hidden + hidden))
    assert counter.count.flops == 2 * macs
    assert counter.count.missed == ()


def test_weight_normalised_convolution_under_inference_mode() -> None:
    conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 4, 3))
    with torch.inference_mode(), FlopCounter() as counter:
        conv(torch.zeros(1, 4, 10))
    assert counter.count.flops == 2 * 8 * 3 * 4 * 4


def test_largest_operation_comes_first() -> None:
    a, b = torch.zeros(4, 4), torch.zeros(2, 8, 8)
    counted = count(lambda: (a @ a, torch.bmm(b, b)))
    assert counted.by_operation == (("aten.bmm", 2048), ("aten.mm", 128))


def test_operation_without_a_formula_is_missed_not_free() -> None:
    x = torch.zeros(3, 4)
    counted = count(lambda: nn.functional.bilinear(x, x, torch.zeros(5, 4, 4)))
    assert counted.missed == ("aten._trilinear",)
    assert count(lambda: torch.mv(x, torch.zeros(4))).missed == ("aten.mv",)


def test_the_fused_layer_of_an_encoder_is_missed_not_free() -> None:
    """PyTorch's own encoder layers take this operation in eval mode, with everything in it."""
    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    fused = count(lambda: layer(torch.zeros(1, 4, 16)))
    assert fused.missed == ("aten._transformer_encoder_layer_fwd",)
    assert meta_reading("encoder", fused.flops, missed=fused.missed).flops is None


def test_missed_operation_leaves_no_figure() -> None:
    reading = meta_reading("encoder", 10, missed=("aten._trilinear",))
    assert (reading.flops, reading.macs) == (None, None)
    assert reading.note == "no FLOP formula for aten._trilinear"


def test_harmless_operations_are_not_missed() -> None:
    x = torch.rand(2, 3, 8)

    def run() -> None:
        y = nn.functional.layer_norm(torch.exp(x).expand(2, 3, 8), (8,))
        torch.cat([nn.functional.gelu(y), y.softmax(-1).cumsum(-1)]).argmax()

    assert count(run) == count(lambda: None)
