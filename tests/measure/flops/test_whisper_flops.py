"""Whisper: the meta count equals the closed form, a real pass, and the known figures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from transformers import WhisperConfig

from runner.engines.architectures import published_config
from runner.errors import UserError
from runner.flops import count_flops
from runner.flops.counter import FlopCounter, count
from runner.flops.models import build, encoder_input
from runner.flops.whisper import whisper_flops
from store.records import FlopsReading
from tests.measure.flops.closed_form import (
    whisper_encoder_macs,
    whisper_prefill_macs,
    whisper_step_macs,
)

WINDOW = 480_000
"""Samples of one Whisper window."""


@dataclass(frozen=True)
class Known:
    """GFLOP of one window, a prompt of 4 and 100 tokens."""

    encoder: float
    decoder: float
    """Prefill and 99 steps, with a cache."""
    uncached: float


KNOWN = {
    "openai/whisper-tiny": Known(36.938, 10.32, 706.9),
    "openai/whisper-base": Known(87.368, 21.41, 1566.6),
    "openai/whisper-small": Known(344.162, 76.98, 6042.7),
    "openai/whisper-medium": Known(1138.065, 250.2, 20262.8),
    "openai/whisper-large-v3": Known(2273.772, 505.6, 41396.8),
}
ODD = WhisperConfig(
    vocab_size=97,
    num_mel_bins=10,
    d_model=24,
    encoder_layers=3,
    decoder_layers=2,
    encoder_attention_heads=3,
    decoder_attention_heads=2,
    encoder_ffn_dim=40,
    decoder_ffn_dim=56,
    max_source_positions=50,
    max_target_positions=40,
    pad_token_id=0,
)
"""No two sizes alike, so that none can stand in for another."""


def by_stage(readings: tuple[FlopsReading, ...]) -> dict[str, int]:
    stages = {}
    for reading in readings:
        assert reading.method == "meta"
        assert reading.flops is not None, reading.note
        assert reading.macs is not None
        assert reading.flops == 2 * reading.macs
        stages[reading.stage] = reading.flops
    return stages


@pytest.mark.parametrize("name", KNOWN)
def test_encoder_has_the_known_figure_soon(name: str) -> None:
    build(ODD)  # Importing transformers' classes is not the count's.
    config = published_config(name)
    started = time.thread_time()
    model = build(config)
    encoder = model.get_encoder()
    counted = count(lambda: encoder(encoder_input(config, samples=WINDOW, batch=1)))
    assert time.thread_time() - started < 4  # One on an idle machine.
    assert counted.missed == ()
    assert round(counted.flops / 1e9, 3) == KNOWN[name].encoder
    assert counted.flops == 2 * whisper_encoder_macs(config)


@pytest.mark.e2e
@pytest.mark.parametrize("name", KNOWN)
def test_decoder_has_the_known_sums(name: str) -> None:
    config = published_config(name)
    stages = by_stage(whisper_flops(config, batch_windows=1, prompt_tokens=4, tokens=100))
    decoder = (stages["prefill"] + stages["decode"]) / 1e9
    assert float(f"{decoder:.4g}") == KNOWN[name].decoder
    assert stages["total"] == stages["encoder"] + stages["prefill"] + stages["decode"]
    assert stages["token"] * 99 == stages["decode"]


@pytest.mark.parametrize("name", ["openai/whisper-tiny", "openai/whisper-base"])
def test_no_cache_has_the_known_sum(name: str) -> None:
    config = published_config(name)
    stages = by_stage(
        whisper_flops(config, batch_windows=1, prompt_tokens=4, tokens=100, cached=False)
    )
    assert round((stages["prefill"] + stages["decode"]) / 1e9, 1) == KNOWN[name].uncached


@pytest.mark.parametrize("config", [ODD, published_config("openai/whisper-tiny")])
@pytest.mark.parametrize(("prompt", "tokens"), [(4, 1), (4, 2), (1, 3), (3, 36)])
@pytest.mark.parametrize("cached", [True, False])
def test_every_stage_is_the_sum_of_its_passes(
    config: Any, prompt: int, tokens: int, cached: bool
) -> None:
    rows = 3
    readings = whisper_flops(
        config, batch_windows=rows, prompt_tokens=prompt, tokens=tokens, cached=cached
    )
    stages = {reading.stage: reading.flops for reading in readings}
    if cached:
        steps = [
            whisper_step_macs(config, earlier_tokens=prompt + step) for step in range(tokens - 1)
        ]
    else:
        steps = [
            whisper_prefill_macs(config, prompt_tokens=prompt + step) for step in range(1, tokens)
        ]
    assert stages["encoder"] == 2 * rows * whisper_encoder_macs(config)
    assert stages["prefill"] == 2 * rows * whisper_prefill_macs(config, prompt_tokens=prompt)
    assert stages["decode"] == 2 * rows * sum(steps)
    assert stages["token"] == (None if tokens == 1 else stages["decode"] // (tokens - 1))


@pytest.mark.e2e
def test_real_generation_with_whisper_tiny_costs_what_meta_says() -> None:
    config = published_config("openai/whisper-tiny")
    model = build(config, device="cpu", attention="sdpa")
    settings: dict[str, Any] = {
        "decoder_start_token_id": 50_258,
        "bos_token_id": 50_257,
        "eos_token_id": 50_257,
        "pad_token_id": 50_257,
        "no_timestamps_token_id": 50_363,
        "lang_to_id": {"<|en|>": 50_259},
        "task_to_id": {"transcribe": 50_359},
        "is_multilingual": True,
        "language": "en",
        "task": "transcribe",
        "force_unique_generate_call": True,
        "max_length": 100,
        "min_length": 104,
    }
    for name, value in settings.items():
        setattr(model.generation_config, name, value)
    features = encoder_input(config, samples=WINDOW, batch=1, device="cpu")
    with torch.inference_mode(), FlopCounter() as counter:
        generated = model.generate(features)
    assert generated.shape[-1] == 104
    stages = by_stage(count_flops(config, samples=WINDOW, batch=1, tokens=100))
    assert counter.count.missed == ()
    assert counter.count.flops == stages["total"]
    assert round(stages["total"] / 1e9, 4) == 47.2626


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_real_odd_model_costs_what_meta_says(attention: str) -> None:
    model = build(ODD, device="cpu", attention=attention)
    with torch.inference_mode(), FlopCounter() as counter:
        output = model(
            input_features=encoder_input(ODD, samples=16_000, batch=2, device="cpu"),
            decoder_input_ids=torch.zeros(2, 3, dtype=torch.long),
            use_cache=True,
        )
        for _ in range(5):
            output = model(
                encoder_outputs=(output.encoder_last_hidden_state,),
                decoder_input_ids=torch.zeros(2, 1, dtype=torch.long),
                past_key_values=output.past_key_values,
                use_cache=True,
            )
    stages = by_stage(count_flops(ODD, samples=16_000, batch=2, prompt_tokens=3, tokens=6))
    assert counter.count.missed == ()
    assert counter.count.flops == stages["total"]


def test_rows_are_clips_times_windows() -> None:
    one = by_stage(count_flops(ODD, samples=16_000, batch=1, tokens=5))
    # The odd model's window is 100 mel frames, 16 000 samples; one sample more is one more window.
    two = by_stage(count_flops(ODD, samples=16_001, batch=1, tokens=5))
    eight = by_stage(count_flops(ODD, samples=16_001, batch=4, tokens=5))
    told = by_stage(count_flops(ODD, samples=1, batch=4, tokens=5, windows=2))
    for stage, flops in one.items():
        assert two[stage] == 2 * flops
        assert eight[stage] == told[stage] == 8 * flops


def test_unknown_number_of_tokens_leaves_the_decoder_open() -> None:
    readings = count_flops(ODD, samples=16_000, batch=1)
    assert [r.stage for r in readings if r.flops is None] == ["decode", "token", "total"]
    assert {r.note for r in readings if r.flops is None} == {
        "the number of generated tokens is unknown"
    }
    assert by_stage(readings[:2]) == {
        "encoder": 2 * whisper_encoder_macs(ODD),
        "prefill": 2 * whisper_prefill_macs(ODD, prompt_tokens=4),
    }


@pytest.mark.parametrize("tokens", [0, 37])
def test_more_tokens_than_positions_are_refused(tokens: int) -> None:
    with pytest.raises(UserError, match=f"1 to 36 tokens after a prompt of 4, not {tokens}"):
        count_flops(ODD, samples=16_000, batch=1, tokens=tokens)


def test_precision_and_attention_of_the_config_change_nothing() -> None:
    expected = count_flops(ODD, samples=16_000, batch=1, tokens=5)
    half = WhisperConfig.from_dict(ODD.to_dict() | {"dtype": "float16", "use_cache": False})
    half._attn_implementation = "sdpa"
    assert count_flops(half, samples=16_000, batch=1, tokens=5) == expected
    assert half.dtype == torch.float16
    assert half._attn_implementation == "sdpa"
