"""Parakeet transducers: steps that are known, texts without blanks, FLOPs by step."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    ParakeetEncoderConfig,
    ParakeetFeatureExtractor,
    ParakeetForRNNT,
    ParakeetForTDT,
    ParakeetRNNTConfig,
    ParakeetTDTConfig,
)

import runner.engines.transducer as module
from runner.engines.transducer import _nearest_duration
from runner.engines.vocabulary import piece_tokenizer
from runner.flops import workload_flops
from runner.load import load_engine
from tests.engines.loading import noise, request

NAME = "nvidia/parakeet-tdt-0.6b-v3"
RNNT = "nvidia/parakeet-rnnt-0.6b"
FRAMES_OF_5_S = 63


def small(kind: type = ParakeetTDTConfig, vocabulary: int = 33, *, mels: int = 128):
    encoder = ParakeetEncoderConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        num_mel_bins=mels,
        subsampling_conv_channels=8,
    )
    return kind(
        encoder_config=encoder,
        vocab_size=vocabulary,
        blank_token_id=vocabulary - 1,
        decoder_hidden_size=16,
        pad_token_id=2,
    )


@pytest.fixture
def tdt(monkeypatch):
    """The engine with random weights, at a small size."""
    monkeypatch.setattr(module, "published_config", lambda _: small())

    def make(**changes):
        return load_engine(request(NAME, **changes))

    return make


@pytest.mark.parametrize(
    ("tokens_per_second", "skip", "steps"),
    [(2.0, 4, 16), (4.0, 3, 21), (6.0, 2, 32), (20.0, 1, 63)],
)
def test_the_work_is_fixed_and_near_what_is_asked_for(
    tdt, speech_like, tokens_per_second: float, skip: int, steps: int
) -> None:
    assert _nearest_duration((0, 1, 2, 3, 4), tokens_per_second) == skip
    for seed in (0, 1):
        engine = tdt(tokens_per_audio_second=tokens_per_second, seed=seed)
        outcome = engine.transcribe(speech_like(5, count=2))
        assert outcome.decoder_calls == steps == -(-FRAMES_OF_5_S // skip)
        assert outcome.tokens == 2 * steps
        assert all(text.split() == ["1"] * steps for text in outcome.texts), "no token is merged"


def test_stages_are_marked_in_order(tdt, speech_like) -> None:
    stages: list[str] = []
    tdt().transcribe(speech_like(1), stages.append)
    assert stages == ["features", "transfer", "encode", "prefill", "decode", "text"]


def test_flops_are_those_of_the_steps(tdt) -> None:
    engine = tdt()
    found = {
        r.stage: r.flops
        for r in workload_flops(engine.workload(samples=80_000, batch=2, decoder_calls=16))
    }
    # Two LSTM layers (input and hidden, four gates), the projection and the joint network.
    step = 2 * 2 * (2 * 2 * 4 * 16 * 16 + 16 * 16 + 16 * (33 + 5))
    assert found["token"] == step
    assert found["decode"] == 16 * step
    assert found["total"] == found["encoder"] + found["decode"]


@pytest.mark.parametrize(
    ("config", "cls"), [(ParakeetTDTConfig, ParakeetForTDT), (ParakeetRNNTConfig, ParakeetForRNNT)]
)
def test_local_checkpoints(tmp_path, speech_like, config: type, cls: type) -> None:
    torch.manual_seed(0)
    made = small(config)
    model = cls(made)
    with torch.no_grad():
        model.joint.head.bias[made.blank_token_id] += 2e4
        if config is ParakeetTDTConfig:
            model.joint.head.bias[made.vocab_size + 1] += 1e4
    model.save_pretrained(tmp_path)
    ParakeetFeatureExtractor(feature_size=128).save_pretrained(tmp_path)
    piece_tokenizer(33, special=32, blank=32).save_pretrained(tmp_path)
    engine = load_engine(request(str(tmp_path), weights="pretrained"))
    outcome = engine.transcribe(speech_like(5))
    assert (outcome.texts, outcome.tokens, outcome.decoder_calls) == (("",), 0, FRAMES_OF_5_S)


@pytest.mark.parametrize("tokens_per_second", [2.0, 5.0])
def test_an_rnnt_takes_a_step_for_each_frame_and_each_token(
    monkeypatch, speech_like, tokens_per_second: float
) -> None:
    monkeypatch.setattr(module, "published_config", lambda _: small(ParakeetRNNTConfig, mels=80))
    for seed in (0, 1):
        engine = load_engine(request(RNNT, tokens_per_audio_second=tokens_per_second, seed=seed))
        for _ in range(2):
            outcome = engine.transcribe(speech_like(5, count=2))
            tokens = outcome.tokens // 2
            assert outcome.decoder_calls == FRAMES_OF_5_S + tokens
            assert tokens == pytest.approx(5 * tokens_per_second, abs=1)
            assert all(text.split() == ["1"] * tokens for text in outcome.texts)


@pytest.mark.parametrize(
    ("config", "cls", "seed"),
    [(ParakeetTDTConfig, ParakeetForTDT, 0), (ParakeetRNNTConfig, ParakeetForRNNT, 1)],
)
def test_a_clip_says_nothing_of_the_padding_after_it(
    tmp_path, config: type, cls: type, seed: int
) -> None:
    made = small(config, mels=16)
    made.initializer_range = made.encoder_config.initializer_range = 0.3
    torch.manual_seed(seed)
    model = cls(made)
    with torch.no_grad():
        model.joint.head.bias[made.blank_token_id] += 1
        if config is ParakeetTDTConfig:
            model.joint.head.bias[made.vocab_size] -= 1e4  # It goes on with each token.
    model.save_pretrained(tmp_path)
    ParakeetFeatureExtractor(feature_size=16).save_pretrained(tmp_path)
    piece_tokenizer(33, special=32, blank=32).save_pretrained(tmp_path)
    engine = load_engine(request(str(tmp_path), weights="pretrained"))
    clips = noise((2.0, 0.5, 1.0))
    together = engine.transcribe(clips)
    alone = [engine.transcribe([clip]) for clip in clips]
    assert together.texts == tuple(one.texts[0] for one in alone)
    assert together.tokens == sum(one.tokens for one in alone)
    assert alone[1].texts[0]
