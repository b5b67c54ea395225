"""CTC models: the meta count equals the closed form, a real pass, and the known figures."""

from __future__ import annotations

import time
from typing import Any

import pytest
import torch
from transformers import (
    HubertConfig,
    ParakeetCTCConfig,
    ParakeetEncoderConfig,
    Wav2Vec2BertConfig,
    Wav2Vec2Config,
    Wav2Vec2ConformerConfig,
    WavLMConfig,
)

from runner.engines.architectures import feature_extractor, published_config
from runner.flops import count_flops
from runner.flops.counter import FlopCounter
from runner.flops.ctc import ctc_flops
from runner.flops.models import build, encoder_input
from tests.measure.flops.closed_form import waveform_ctc_macs, waveform_frames

BASE = "facebook/wav2vec2-base-960h"
SMALL: dict[str, Any] = {
    "vocab_size": 13,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 40,
    "conv_dim": (8, 12, 20),
    "conv_kernel": (10, 3, 2),
    "conv_stride": (5, 2, 2),
    "num_conv_pos_embedding_groups": 4,
}


def _bert(**changes: Any) -> Wav2Vec2BertConfig:
    fields = {name: SMALL[name] for name in SMALL if not name.startswith(("conv", "num_conv"))}
    return Wav2Vec2BertConfig(**fields, output_hidden_size=24, **changes)


SMALL_CONFIGS = {
    "wav2vec2": Wav2Vec2Config(**SMALL, num_conv_pos_embeddings=16),
    "wav2vec2, odd kernel": Wav2Vec2Config(**SMALL, num_conv_pos_embeddings=15),
    "wav2vec2, layer norm": Wav2Vec2Config(
        **SMALL,
        num_conv_pos_embeddings=16,
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
    ),
    "hubert": HubertConfig(**SMALL, num_conv_pos_embeddings=16),
    "wavlm": WavLMConfig(**SMALL, num_conv_pos_embeddings=16),
    "wavlm, layer norm": WavLMConfig(
        **SMALL,
        num_conv_pos_embeddings=16,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
    ),
    "w2v-bert": _bert(),
    "w2v-bert, adapter": _bert(add_adapter=True),
    "conformer, relative": Wav2Vec2ConformerConfig(**SMALL, position_embeddings_type="relative"),
    "conformer, rotary": Wav2Vec2ConformerConfig(**SMALL, position_embeddings_type="rotary"),
    "parakeet": ParakeetCTCConfig(
        vocab_size=13,
        pad_token_id=12,
        encoder_config=ParakeetEncoderConfig(
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=40,
            subsampling_conv_channels=8,
            num_mel_bins=16,
        ),
    ),
}


def encoder_flops(config: Any, **arguments: Any) -> int:
    encoder, total = ctc_flops(config, **arguments)
    assert (encoder.stage, total.stage) == ("encoder", "total")
    assert encoder.flops is not None, encoder.note
    assert encoder.flops == total.flops
    return encoder.flops


@pytest.mark.timed
@pytest.mark.parametrize(
    ("name", "seconds", "gflops"),
    [
        (BASE, 5, 71.685),
        (BASE, 15, 229.238),
        (BASE, 30, 500.127),
        (BASE, 60, 1166.321),
        ("nvidia/parakeet-ctc-0.6b", 15, 246.325),
    ],
)
def test_known_figures_soon(name: str, seconds: int, gflops: float) -> None:
    config = published_config(name)
    build(config)  # Importing transformers' classes is not the count's.
    started = time.thread_time()
    flops = encoder_flops(config, samples=seconds * 16_000, batch=1)
    assert time.thread_time() - started < 4  # One on an idle machine.
    assert round(flops / 1e9, 3) == gflops


@pytest.mark.parametrize("seconds", [1, 5, 7.3, 15, 30, 60])
@pytest.mark.parametrize(
    "name",
    [
        BASE,
        "facebook/wav2vec2-large-960h-lv60-self",
        "facebook/hubert-large-ls960-ft",
        "patrickvonplaten/wavlm-libri-clean-100h-large",
    ],
)
def test_closed_form_is_exact(name: str, seconds: float) -> None:
    config, samples = published_config(name), round(seconds * 16_000)
    assert encoder_flops(config, samples=samples, batch=1) == 2 * waveform_ctc_macs(
        config, samples=samples
    )


@pytest.mark.parametrize("name", [n for n in SMALL_CONFIGS if n.startswith(("wav", "hub"))])
@pytest.mark.parametrize("samples", [400, 401, 3333])
def test_closed_form_is_exact_for_small_models(name: str, samples: int) -> None:
    config: Any = SMALL_CONFIGS[name]
    assert encoder_flops(config, samples=samples, batch=1) == 2 * waveform_ctc_macs(
        config, samples=samples
    )


def test_frames_of_the_feature_encoder() -> None:
    # 20 ms a frame less the edges (wav2vec 2.0 paper, section 2).
    config: Any = published_config(BASE)
    assert waveform_frames(config, samples=16_000) == 49
    assert waveform_frames(config, samples=80_000) == 249


@pytest.mark.parametrize(
    ("name", "attention"),
    [
        (name, attention)
        for name in SMALL_CONFIGS
        for attention in ("sdpa", "eager")
        if not (name.startswith("wavlm") and attention == "sdpa")  # WavLM has its own alone.
    ],
)
def test_real_pass_costs_what_meta_says(name: str, attention: str) -> None:
    config = SMALL_CONFIGS[name]
    model = build(config, device="cpu", attention=attention)
    features = encoder_input(config, samples=8_000, batch=2, device="cpu")
    mask = torch.ones(features.shape[:2], dtype=torch.long)
    with torch.inference_mode(), FlopCounter() as counter:
        model(features, attention_mask=mask if name == "parakeet" else None)
    assert counter.count.missed == ()
    assert counter.count.flops == encoder_flops(config, samples=8_000, batch=2)


@pytest.mark.parametrize("name", SMALL_CONFIGS)
def test_batch_is_linear(name: str) -> None:
    one, five = (encoder_flops(SMALL_CONFIGS[name], samples=8_000, batch=n) for n in (1, 5))
    shared = 0
    if name == "conformer, relative":
        # Relative positions are projected once for the whole batch: (2T - 1) x d x d a layer.
        config: Any = SMALL_CONFIGS[name]
        frames, width = waveform_frames(config, samples=8_000), config.hidden_size
        shared = 2 * config.num_hidden_layers * (2 * frames - 1) * width * width
    assert five == 5 * one - 4 * shared


@pytest.mark.parametrize("name", ["nvidia/parakeet-ctc-0.6b", "facebook/w2v-bert-2.0"])
@pytest.mark.parametrize("samples", [15_999, 16_000, 16_079, 16_080, 24_001])
def test_frames_are_those_of_the_feature_extractor(name: str, samples: int) -> None:
    extract = feature_extractor(name)
    features = extract(torch.zeros(samples).numpy(), sampling_rate=16_000, return_tensors="pt")
    assumed = encoder_input(published_config(name), samples=samples, batch=1)
    assert features["input_features"].shape == assumed.shape


def test_parakeet_frames_can_be_told() -> None:
    config = SMALL_CONFIGS["parakeet"]
    assert encoder_flops(config, samples=0, batch=1, feature_frames=51) == encoder_flops(
        config, samples=8_000, batch=1
    )


def test_model_without_a_counter_has_a_reading_without_a_figure() -> None:
    from transformers import SEWConfig

    (reading,) = count_flops(SEWConfig(), samples=16_000, batch=1)
    assert reading.flops is None
    assert reading.note == "no FLOP counter for the model type 'sew'"
