"""Weights, activations and cache: from real tensors and peaks, and beside what shapes predict."""

from __future__ import annotations

import sys

import pytest
import torch

from runner.engines.base import Unmeasurable
from runner.flops.memory import model_memory
from runner.load import load_engine
from runner.measure.memory_split import ResidentMeter, split_memory, weights_alone
from tests.engines.loading import request

MIB = 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's procfs")


class FakeMeter:
    """Gives stated peaks."""

    source = "of a fake"

    def __init__(self, before: int, *peaks: int) -> None:
        self.before, self.peaks = before, list(peaks)

    def reset(self) -> int:
        return self.before

    def peak(self) -> int:
        return self.peaks.pop(0) if len(self.peaks) > 1 else self.peaks[0]


def split(engine, batch, meter=None) -> dict[str, float]:
    return {figure.name: figure.value for figure in split_memory(engine, batch, meter=meter)}


@pytest.fixture(scope="module")
def whisper():
    return load_engine(request("small-whisper", weights="pretrained"))


def test_the_cache_is_taken_out_of_a_peak_in_the_decoder_alone(whisper, speech_like):
    batch = speech_like(2, 2)
    config = whisper.model.config
    cross = 2 * 2 * config.decoder_layers * config.d_model * 4 * config.max_source_positions
    in_encoder = split(whisper, batch, FakeMeter(100 * MIB, 150 * MIB, 150 * MIB))
    cache = in_encoder["memory_cache_bytes"]
    assert cross < cache < 1.5 * cross
    assert in_encoder["memory_activations_bytes"] == 50 * MIB
    later = split(whisper, batch, FakeMeter(100 * MIB, 110 * MIB, 150 * MIB))
    assert later["memory_activations_bytes"] == 50 * MIB - cache
    weights = sum(p.numel() * p.element_size() for p in whisper.model.parameters())
    assert later["memory_weights_bytes"] == weights


@linux
def test_the_resident_meter_sees_memory_that_is_gone_again():
    meter = ResidentMeter()
    try:
        before = meter.reset()
    except Unmeasurable as reason:
        pytest.skip(str(reason))
    block = torch.ones(64 * MIB // 4)
    del block
    assert 60 * MIB < meter.peak() - before < 90 * MIB
    assert meter.reset() - before < 16 * MIB


@pytest.mark.e2e
@linux
@pytest.mark.parametrize(
    ("name", "seconds", "widest"),
    [
        pytest.param("openai/whisper-tiny", 4, 1500 * 1536, marks=pytest.mark.e2e),
        # The second convolution's output: 512 channels, one every 10 samples.
        ("facebook/wav2vec2-base-960h", 3, 512 * 3 * 1600),
    ],
)
def test_what_is_measured_is_near_what_shapes_predict(name, seconds, widest, speech_like):
    engine = load_engine(request(name, tokens_per_audio_second=2.0))
    batch = speech_like(seconds, 2)
    engine.transcribe(batch)
    try:
        found = split(engine, batch)
    except Unmeasurable as reason:
        pytest.skip(str(reason))
    expected = model_memory(
        engine.model.config, samples=seconds * 16_000, batch=2, tokens=2 * seconds
    )
    assert found["memory_weights_bytes"] == expected.weights_bytes
    assert found["memory_cache_bytes"] == expected.cache_bytes
    # Shapes count attention's weights, which a fused kernel never holds, and know nothing of a
    # kernel's work space: no pass needs less than its widest tensor, nor many times the count.
    assert 2 * 4 * widest < found["memory_activations_bytes"] < 3 * expected.activations_bytes
    more = split(engine, speech_like(seconds, 4))
    assert more["memory_activations_bytes"] > found["memory_activations_bytes"]


def test_an_engine_that_shows_its_weights_alone():
    (figure,) = weights_alone(7, "it does not run on PyTorch")
    assert (figure.name, figure.value) == ("memory_weights_bytes", 7)
    assert "not known: it does not run on PyTorch" in figure.note
    with pytest.raises(Unmeasurable, match="PyTorch"):
        weights_alone(None, "it does not run on PyTorch")
