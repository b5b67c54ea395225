"""The decoder's profile: every step, what it is spent on, the cache; and how time grows."""

from __future__ import annotations

import time

import numpy as np
import pytest

from runner.clips.builtin import read_builtin
from runner.config import Limits, Variant
from runner.engines.base import Unmeasurable
from runner.load import load_engine
from runner.measure.decoder import ENDS, profile_decoder
from tests.engines.loading import request

TOKENS = 64


@pytest.fixture(scope="module")
def waves():
    found = [utterance.audio for utterance in read_builtin(2).utterances]
    longest = max(map(len, found))
    return [np.pad(wave, (0, longest - len(wave))) for wave in found]


def profile(waves, **parts):
    engine = load_engine(
        request(
            "small-whisper",
            weights="pretrained",
            variant=Variant.model_validate({"name": "x", **parts}),
        )
    )
    text = engine.transcribe(waves).texts
    limits = Limits(decoder_tokens=TOKENS, decoder_iterations=3)
    # CPU time: other programs on the machine must not look like position.
    steps, figures = profile_decoder(
        engine, waves, limits, clock=time.process_time, progress=lambda *_: None
    )
    assert engine.transcribe(waves).texts == text, "the profile leaves the engine as it was"
    return engine, steps, {figure.name: figure.value for figure in figures}


def late_to_early(steps):
    lows = [step.low_s for step in steps[1:]]
    return sum(lows[-ENDS:]) / sum(lows[:ENDS])


@pytest.mark.e2e
@pytest.mark.timed
def test_with_a_cache_time_is_flat_and_without_it_grows(waves):
    engine, steps, cached = profile(waves)
    _, plain_steps, off = profile(waves, cache="off")
    assert [step.position for step in steps] == list(range(1, TOKENS + 1))
    assert len(plain_steps) == TOKENS
    assert all(step.low_s <= step.median_s <= step.high_s for step in steps)
    # By the quickest of all iterations: another program on the machine only ever adds.
    assert late_to_early(plain_steps) > 1.2 * late_to_early(steps)
    assert off["late_to_early"] > 1
    assert off["tokens_per_second"] < 0.6 * cached["tokens_per_second"]
    assert off["cross_attention_share"] > cached["cross_attention_share"]
    config = engine.model.config
    # Keys and values of every token but the last, four bytes each.
    row = 2 * 4 * config.decoder_layers * config.d_model
    assert cached["self_cache_bytes"] == 2 * row * (engine.prompt + TOKENS - 1)
    assert cached["cross_cache_bytes"] == 2 * row * config.max_source_positions
    assert off["self_cache_bytes"] == off["cross_cache_bytes"] == 0


@pytest.mark.timed
def test_shares_are_shares(waves):
    _, _, figures = profile(waves)
    shares = {name: value for name, value in figures.items() if name.endswith("_share")}
    assert set(shares) == {
        "self_attention_share", "cross_attention_share", "feed_forward_share", "vocabulary_share",
    }  # fmt: skip
    assert all(0.005 < share < 0.7 for share in shares.values())
    assert sum(shares.values()) < 1.05


def test_a_model_without_a_decoder_says_so(waves):
    engine = load_engine(request("small-wav2vec2-ctc", weights="pretrained"))
    with pytest.raises(Unmeasurable, match="ctc has no decoder"):
        profile_decoder(engine, waves, Limits(), clock=time.process_time, progress=lambda *_: None)
