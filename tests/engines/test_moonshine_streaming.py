"""Moonshine streaming: published sizes, its windows of attention, texts of plain transformers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    MoonshineStreamingForConditionalGeneration,
    MoonshineStreamingProcessor,
)

from runner.engines.architectures import published_config
from runner.engines.moonshine import TOKENS_PER_SECOND
from runner.engines.moonshine_streaming import MoonshineStreamingEngine
from runner.engines.waveform_frames import frame_samples, streaming_frames, streaming_window
from runner.flops import count_flops
from runner.flops.models import build
from runner.load import load_engine
from tests.engines.loading import noise, request
from tests.seq2seq_checkpoints import save_moonshine_streaming

SIZES = ("tiny", "small", "medium")
SECONDS = (2, 0.601, 0.1, 1.3)
"""A full window, less of it, and one that ends within a frame."""


def name_of(size: str) -> str:
    return f"UsefulSensors/moonshine-streaming-{size}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_moonshine_streaming(tmp_path_factory.mktemp("moonshine-streaming"))


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    return noise(SECONDS)


@pytest.fixture(scope="module")
def engine(folder: Path) -> MoonshineStreamingEngine:
    found = load_engine(request(str(folder), weights="pretrained"))
    assert isinstance(found, MoonshineStreamingEngine)
    return found


def publishers_ids(folder: Path, clips: list[np.ndarray]) -> torch.Tensor:
    """By the code of the model card, but that a part of a token counts as one."""
    processor = MoonshineStreamingProcessor.from_pretrained(folder)
    model = MoonshineStreamingForConditionalGeneration.from_pretrained(folder)
    inputs = processor(clips, sampling_rate=16_000, return_tensors="pt")
    seconds = inputs.attention_mask.sum(dim=-1).max().item() / 16_000
    most = math.ceil(seconds * TOKENS_PER_SECOND)
    ids: torch.Tensor = model.generate(**inputs, max_new_tokens=most)[:, 1:]
    return ids


@pytest.mark.parametrize("picked", [[0], [1], [2], [3], [0, 1, 2, 3], [2, 1]], ids=str)
def test_texts_are_those_of_plain_transformers_alone_and_in_a_batch(engine, folder, clips, picked):
    batch = [clips[index] for index in picked]
    outcome = engine.transcribe(batch)
    ids = publishers_ids(folder, batch)
    assert outcome.texts == tuple(text.strip() for text in engine.texts_of(ids))
    assert outcome.decoder_calls == ids.shape[1]
    assert any(outcome.texts), "nothing is compared"


def test_features_and_masks_are_the_publishers(engine, folder, clips):
    processor = MoonshineStreamingProcessor.from_pretrained(folder)
    inputs = processor(clips, sampling_rate=16_000, return_tensors="pt")
    assert torch.equal(engine.features(clips), inputs["input_values"])
    assert torch.equal(engine.masks(clips)["attention_mask"], inputs["attention_mask"].long())


def test_a_frame_hears_what_its_windows_reach_and_no_more(engine):
    """Of its two layers one sees three frames ahead, the other none."""
    (wave,) = noise([2])
    changed = wave.copy()
    changed[16_000:] *= -3.0
    outputs = []
    for each in (wave, changed):
        with engine.inference():
            mask = engine.masks([each])["attention_mask"]
            found = engine.encoder(engine.features([each]), attention_mask=mask)
        outputs.append(found.last_hidden_state[0])
    apart = (outputs[0] - outputs[1]).abs().amax(dim=1) > 1e-6
    # 320 samples for a frame of the output.
    assert int(apart.nonzero()[0]) == 16_000 // 320 - 3


def test_padding_behind_a_shorter_clip_is_heard_for_three_frames(engine):
    """As transformers has it: its causal convolutions carry the mask on."""
    batch = noise([2, 1])
    outputs = []
    for each in (batch, batch[1:]):
        with engine.inference():
            mask = engine.masks(each)["attention_mask"]
            outputs.append(engine.encoder(engine.features(each), attention_mask=mask))
    beside, alone = outputs
    assert alone.attention_mask.sum(dim=1).tolist() == [50]
    assert beside.attention_mask.sum(dim=1).tolist() == [100, 50 + 3]
    apart = (beside.last_hidden_state[1, :50] - alone.last_hidden_state[0]).abs().amax(dim=1)
    # What reaches back is the look-ahead alone.
    assert int((apart > 1e-5).nonzero()[0]) == 50 - 3


@pytest.mark.parametrize(
    ("size", "millions"),
    # Kudlur et al. 2026, table 1: preprocessor, encoder, adapter, decoder, and their sum.
    [
        ("tiny", (2.08, 7.39, 1.31, 22.80, 33.57)),
        ("small", (7.74, 43.49, 2.86, 69.27, 123.36)),
        ("medium", (11.86, 93.66, 3.64, 135.77, 244.93)),
    ],
)
def test_the_published_sizes(size, millions):
    model = build(published_config(name_of(size)))

    def of(*parts: torch.nn.Module) -> float:
        return sum(weight.numel() for part in parts for weight in part.parameters()) / 1e6

    encoder, decoder = model.model.encoder, model.model.decoder
    first = of(encoder.embedder)
    adapter = of(decoder.pos_emb, decoder.proj)
    found = (first, of(encoder) - first, adapter, of(decoder) - adapter)
    assert found == pytest.approx(millions[:4], abs=0.006)
    # The head has weights of its own, which the table leaves out.
    head = of(model.get_output_embeddings())
    assert of(model) - head == pytest.approx(millions[4], rel=0.0005)
    assert head == pytest.approx(32_768 * model.config.hidden_size / 1e6)


def test_published_windows_are_as_long_as_the_decoder_has_positions():
    for size in SIZES:
        config = published_config(name_of(size))
        assert streaming_window(config) == 81.92 * 16_000
        assert streaming_frames(streaming_window(config)) == config.max_position_embeddings == 4096
        windows = config.encoder_config.sliding_windows
        assert [later for _, later in windows] == [4, 4, *[0] * (len(windows) - 4), 4, 4]


@pytest.mark.parametrize("samples", [0, 1, 80, 81, 320, 321, 640, 16_000, 24_079])
def test_frames_are_as_many_as_the_encoder_gives(engine, samples):
    clip = [np.zeros(samples, np.float32)]
    features = engine.features(clip)
    assert features.shape == (1, frame_samples(samples))
    encoded = engine.encoder(features, attention_mask=engine.masks(clip)["attention_mask"])
    assert encoded.last_hidden_state.shape[1] == streaming_frames(samples)


def test_a_full_window_is_decoded(engine):
    (clip,) = noise([2])
    assert len(clip) == engine.window
    assert engine.transcribe([clip]).windows == 1
    assert engine.transcribe([np.append(clip, np.float32(0))]).windows == 2


def test_random_weights_do_exactly_the_stated_work():
    tiny = load_engine(request(name_of("tiny")))
    outcome = tiny.transcribe(noise([2, 2]))
    assert (outcome.decoder_calls, outcome.tokens) == (2 * 2, 2 * 2 * 2)
    assert outcome.at_limit is None
    assert outcome.input_samples == 2 * 32_000
    assert tiny.parameters == pytest.approx(44.05e6, rel=0.0005)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seconds", [10, 100])
def test_flops_by_a_closed_form(size, seconds):
    """Of the published sizes; multiplications and additions count as two."""
    config = published_config(name_of(size))
    first, width, layers = (
        config.encoder_config.hidden_size,
        config.hidden_size,
        len(config.encoder_config.sliding_windows),
    )
    inner = config.num_attention_heads * config.head_dim
    # Beyond 81.92 s it is cut into two rows of that length.
    rows, samples = {10: (1, 160_000), 100: (2, 1_310_720)}[seconds]
    frames = samples // 80
    half, length = frames // 2, frames // 4
    readings = {
        each.stage: each.flops
        for each in count_flops(
            config, samples=seconds * 16_000, batch=1, prompt_tokens=1, tokens=2
        )
    }
    front = frames * 80 * first + (half + length) * 5 * first * 2 * first
    # The mask goes through convolutions of five ones.
    front += 5 * (half + length)
    # All of it is computed, what lies beyond the windows of attention too.
    layer = length * (4 * first * inner + 2 * 4 * first**2) + 2 * length**2 * inner
    assert readings["encoder"] == 2 * rows * (front + layers * layer)

    # Where the widths differ, the encoder's output is projected anew in each pass.
    projected = length * first * width if first != width else 0

    def decoded(before: int) -> int:
        each = layers * (6 * width * inner + 3 * 4 * width**2) + width * 32_768
        attended = layers * 2 * inner * (before + 1 + length)
        return rows * (each + attended + projected)

    keys = rows * layers * 2 * length * width * inner
    assert readings["prefill"] == 2 * (decoded(0) + keys)
    assert readings["token"] == readings["decode"] == 2 * decoded(1)
