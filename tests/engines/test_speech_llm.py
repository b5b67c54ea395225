"""What holds for every language model that hears: stages, stated work, and what variants change."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.config import Limits, Variant
from runner.engines import speech_llm
from runner.engines.base import Unmeasurable
from runner.engines.speech_llm import SpeechLLMEngine
from runner.errors import Refused
from runner.flops import workload_flops
from runner.flops.counter import count
from runner.flops.hearing import HEARING
from runner.flops.memory import model_memory
from runner.flops.models import SPEECH_LLMS
from runner.load import load_engine
from runner.measure.decoder import profile_decoder
from tests.checkpoints import save_granite_speech, save_qwen3_asr, save_voxtral
from tests.engines.loading import noise, request
from tests.test_counting import shallow


@dataclass(frozen=True)
class Family:
    """A small checkpoint of one family."""

    save: Callable[[Path], Path]
    seconds: tuple[float, ...]
    """Of the clips: a part of a second, less than the least that is heard, and more than a
    window."""
    largest: int
    """Bytes of the encoder's largest tensor for two clips of three seconds."""
    at_once: int
    """Fewer tensors of that size live at once."""


FAMILIES = {
    # A convolution of 16 channels that halves both sides of three chunks.
    "qwen3_asr": Family(save_qwen3_asr, (2.5, 0.1, 9.0), 2 * 3 * 4 * 16 * 64 * 50, 4),
    # The weights of attention, two heads on three windows of 50 positions.
    "voxtral": Family(save_voxtral, (2.5, 0.1, 3.2), 2 * 3 * 4 * 2 * 50 * 50, 5),
    # Attention, two heads on four blocks of 40 pairs of frames.
    "granite_speech": Family(save_granite_speech, (2.5, 0.1, 9.0), 2 * 4 * 4 * 2 * 40 * 40, 8),
}


def test_every_model_type_is_here() -> None:
    assert set(FAMILIES) == set(SPEECH_LLMS) == set(HEARING)


@pytest.fixture(scope="module", params=FAMILIES)
def family(request) -> Family:
    return FAMILIES[request.param]


@pytest.fixture(scope="module")
def folder(family, tmp_path_factory) -> Path:
    return family.save(tmp_path_factory.mktemp("speech-llm"))


@pytest.fixture(scope="module")
def clips(family) -> list[np.ndarray]:
    return noise(family.seconds)


def load(folder: Path, **parts: object) -> SpeechLLMEngine:
    variant = Variant.model_validate({"name": "x", **parts}) if parts else Variant(name="fp32")
    engine = load_engine(request(str(folder), weights="pretrained", variant=variant))
    assert isinstance(engine, SpeechLLMEngine)
    return engine


def test_an_empty_clip_is_heard_among_others_and_alone(folder, clips):
    engine = load(folder)
    engine.cap = 12
    empty = np.zeros(0, np.float32)
    assert len(engine.transcribe([clips[0], empty]).texts) == 2
    assert engine.transcribe([empty]).windows == 1


def test_stages_are_marked_in_order_and_change_no_text(folder, clips):
    engine = load(folder)
    stages: list[str] = []
    with engine.shortened(12):
        assert engine.transcribe(clips, stages.append).texts == engine.transcribe(clips).texts
    assert stages == ["features", "transfer", "encode", "prefill", "decode", "text"]


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("seconds", [2, 21.3])
def test_flops_are_those_of_a_real_run(folder, cached, seconds):
    engine = load(folder, cache="dynamic" if cached else "off")
    samples = round(seconds * 16_000)
    clips = [np.zeros(samples, np.float32)] * 2
    readings = {
        reading.stage: reading.flops
        for reading in workload_flops(engine.workload(samples=samples, batch=2, decoder_calls=4))
    }
    features, masks = engine.features(clips), engine.masks(clips)
    heard = count(lambda: engine.hear(features, masks))
    assert readings["encoder"] == heard.flops
    with engine.exactly(4):
        whole = count(lambda: engine.model.generate(input_features=features, **masks))
    assert not whole.missed
    assert readings["total"] == whole.flops


def test_memory_from_shapes_is_that_of_the_model(family, folder):
    engine = load(folder)
    config = engine.model.config
    size = model_memory(config, samples=48_000, batch=2, tokens=5, prompt_tokens=engine.prompt)
    assert size.parameters == engine.parameters
    held = engine.prompt + engine.positions(48_000) + 4
    assert size.cache_bytes == 2 * position_bytes(engine) * held
    # With what it is made of, or into.
    assert 2 * family.largest <= size.activations_bytes < family.at_once * family.largest


def position_bytes(engine: SpeechLLMEngine) -> int:
    """Bytes of the keys and values of a position."""
    text = engine.model.config.text_config
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return 2 * 4 * text.num_hidden_layers * text.num_key_value_heads * head


@pytest.mark.parametrize("kind", ["dynamic", "static", "off"])
def test_caches_are_proven_and_change_no_text(folder, clips, kind):
    engine, usual = load(folder, cache=kind), load(folder)
    with engine.shortened(12), usual.shortened(12):
        assert engine.transcribe(clips).texts == usual.transcribe(clips).texts
        _, proof = engine.verify(clips)
    assert proof.found.startswith(f"{kind} in ")


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"attention": "eager"}, "aten::softmax"),
        ({"precision": "bf16"}, "bfloat16"),
        ({"quantization": "int8-dynamic"}, "integer products"),
        ({"beams": 2}, "2 decoder rows"),
    ],
)
def test_parts_of_a_variant_are_proven(folder, clips, parts, found):
    if not parts.keys() <= load(folder).capabilities | {"precision", "quantization", "beams"}:
        with pytest.raises(Refused, match="does not fit granite-speech: it has no"):
            load(folder, **parts)
        return
    engine = load(folder, **parts)
    with engine.shortened(12):
        proofs = {proof.technique: proof.found for proof in engine.verify(clips[:1])}
    assert found in proofs[next(iter(parts))]


def test_its_decoder_can_be_profiled(folder, clips):
    engine = load(folder)
    steps, figures = profile_decoder(
        engine,
        clips,
        Limits(decoder_tokens=20, decoder_iterations=1),
        clock=time.process_time,
        progress=lambda *_: None,
    )
    assert len(steps) == 20
    values = {figure.name: figure.value for figure in figures}
    longest = engine.masks(clips)["input_ids"].shape[1] + 19
    assert values["self_cache_bytes"] == len(clips) * position_bytes(engine) * longest
    assert values["cross_cache_bytes"] == 0
    shares = [value for name, value in values.items() if name.endswith("_share")]
    assert len(shares) == 3
    assert 0 < sum(shares) <= 1


def test_without_a_cache_a_model_that_says_the_audio_token_is_heard_all_the_same(folder, clips):
    engine = load(folder, cache="off")
    said: list[int] = []
    engine.texts_of = lambda ids: said.extend(ids[:, 0].tolist()) or [""]
    with engine.shortened(3), torch.no_grad():
        engine.transcribe(clips[:1])
        head = engine.model.lm_head.weight
        head[engine.audio_prompt.audio] = 2 * head[said[0]]
        engine.transcribe(clips[:1])
    assert said[0] == said[1] != engine.audio_prompt.audio


def test_a_decoder_without_a_cache_cannot_be_profiled(folder, clips):
    # It would be handed the embeddings once, and go on without the prompt.
    with pytest.raises(Unmeasurable, match="without a cache every pass encodes the audio anew"):
        load(folder, cache="off").decoder_passes(clips, 4)


@pytest.mark.parametrize(
    ("name", "prompt"),
    # Before the audio, two seconds of it, after it.
    [
        ("Qwen/Qwen3-ASR-0.6B-hf", 9 + 26 + 9),
        ("mistralai/Voxtral-Mini-3B-2507", 3 + 375 + 5),
        ("ibm-granite/granite-speech-3.3-2b", 52 + 21 + 16),
    ],
)
def test_random_weights_do_exactly_the_stated_work(name, prompt, monkeypatch):
    # One narrow layer of the published architecture: its tokens are what is looked at.
    config = shallow(name)
    if config.model_type == "voxtral":
        config.audio_config.intermediate_size = 4 * config.audio_config.hidden_size
    monkeypatch.setattr(speech_llm, "published_config", lambda _: config)
    engine = load_engine(request(name))
    clips = [np.zeros(32_000, np.float32)]
    outcome = engine.transcribe(clips)
    assert outcome.decoder_calls == outcome.tokens == 2 * 2
    assert engine.masks(clips)["input_ids"].shape == (1, prompt)
    assert outcome.at_limit is None
    assert outcome.input_samples >= 32_000
