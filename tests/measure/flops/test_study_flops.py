"""The study-compatible figures are those that the study printed, and leave nothing behind."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from transformers import PretrainedConfig, Wav2Vec2ConformerConfig, WhisperConfig

from runner.engines.architectures import published_config
from runner.flops import study_flops
from runner.flops.__main__ import main
from runner.flops.models import build, encoder_input
from store.records import FlopsReading

pytest.importorskip("fvcore")


SMALL_WHISPER = WhisperConfig(
    vocab_size=50,
    d_model=16,
    encoder_layers=4,
    decoder_layers=2,
    encoder_attention_heads=2,
    decoder_attention_heads=2,
    encoder_ffn_dim=32,
    decoder_ffn_dim=32,
    max_source_positions=50,
    pad_token_id=0,
)
SMALL_CONFORMER = Wav2Vec2ConformerConfig(
    vocab_size=13,
    hidden_size=16,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=32,
    conv_dim=(8, 8),
    conv_kernel=(10, 3),
    conv_stride=(5, 2),
)


def study(
    config: PretrainedConfig, method: str, *, seconds: float = 30, batch: int = 1
) -> FlopsReading:
    samples = round(seconds * 16_000)
    (reading,) = study_flops(config, samples=samples, batch=batch, methods=[method])
    assert (reading.method, reading.stage) == (method, "encoder")
    return reading


@pytest.mark.parametrize(
    ("name", "seconds", "gflops"),
    [
        ("openai/whisper-tiny", 30, 23.155),
        ("openai/whisper-medium", 30, 917.484),
        ("facebook/wav2vec2-base-960h", 5, 67.080),
        ("facebook/wav2vec2-base-960h", 60, 806.927),
    ],
)
def test_thop_doubled_is_the_study_for_whisper(name: str, seconds: int, gflops: float) -> None:
    reading = study(published_config(name), "thop", seconds=seconds)
    assert reading.flops is not None, reading.note
    assert reading.macs is not None
    assert reading.flops == 2 * reading.macs
    assert round(reading.flops / 1e9, 3) == gflops
    assert "fused attention excluded" in (reading.note or "")


@pytest.mark.parametrize(
    ("seconds", "gmacs"), [(5, 34.765), pytest.param(60, 418.170, marks=pytest.mark.e2e)]
)
def test_fvcore_undoubled_is_the_study_for_wav2vec2(seconds: int, gmacs: float) -> None:
    config = published_config("facebook/wav2vec2-base-960h")
    reading = study(config, "fvcore", seconds=seconds)
    assert reading.flops is not None, reading.note
    assert reading.flops == reading.macs
    assert round(reading.flops / 1e9, 3) == gmacs


@pytest.mark.parametrize("config", [SMALL_WHISPER, SMALL_CONFORMER])
@pytest.mark.parametrize("batch", [1, 5])
def test_small_passes_give_the_figure_of_the_whole(config: Any, batch: int) -> None:
    from fvcore.nn import FlopCountAnalysis

    model = build(config, device="cpu", attention="sdpa")
    subject = model.get_encoder() if config is SMALL_WHISPER else model
    inputs = encoder_input(config, samples=16_000, batch=batch, device="cpu")
    analysis = FlopCountAnalysis(subject, inputs)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    with torch.no_grad():
        whole = int(analysis.total())
    assert study(config, "fvcore", seconds=1, batch=batch).macs == whole


def test_a_tool_that_is_not_installed_is_a_reading_without_a_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What `import thop` meets on a Python without distutils.
    monkeypatch.setitem(sys.modules, "thop", None)
    reading = study(SMALL_WHISPER, "thop")
    assert (reading.flops, reading.macs) == (None, None)
    assert (reading.note or "").startswith("thop cannot be imported")


def test_a_tool_that_fails_is_a_reading_without_a_figure() -> None:
    # Shorter than the first convolution's kernel: both tools run the model, and it fails.
    for method in ("thop", "fvcore"):
        reading = study(SMALL_CONFORMER, method, seconds=5 / 16_000)
        assert reading.flops is None
        assert (reading.note or "").startswith(f"{method} failed: RuntimeError")


def test_nothing_is_left_behind() -> None:
    described, linear = SMALL_CONFORMER.to_dict(), torch.nn.functional.linear
    for samples in (16_000, 5):  # Works, and fails.
        study_flops(SMALL_CONFORMER, samples=samples)
    assert SMALL_CONFORMER.to_dict() == described
    assert torch.nn.functional.linear is linear
    assert not torch.nn.modules.module._global_forward_hooks
    assert not any("total_ops" in name for name in build(SMALL_CONFORMER).state_dict())


def test_command_prints_the_count_beside_the_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--model", "openai/whisper-tiny", "--seconds", "30"]) == 0
    lines = capsys.readouterr().out.splitlines()
    figures = {tuple(line.split()[:2]): line.split()[2:4] for line in lines[2:]}
    assert figures["meta", "encoder"] == ["36.9377", "18.4689"]
    assert figures["meta", "total"] == ["47.2626", "23.6313"]
    assert figures["thop", "encoder"] == ["23.1552", "11.5776"]
    assert figures["fvcore", "encoder"] == ["11.5828", "11.5828"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "whisper-tiny"], "did you mean 'openai/whisper-tiny'?"),
        (["--model", "openai/whisper-tiny", "--seconds", "0"], "must be more than 0"),
        (["--model", "openai/whisper-tiny", "--tokens", "445"], "change the number of tokens"),
    ],
)
def test_command_refuses_bad_input_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line
