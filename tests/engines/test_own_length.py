"""Encoders with a decoder that take a clip at its own length, up to a window, in every family."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.config import Limits, Model, Variant
from runner.engines.seq2seq import Seq2SeqEngine
from runner.engines.speech_detector import detector_missing
from runner.errors import Refused
from runner.estimate import batch_seconds
from runner.flops import workload_flops
from runner.flops.counter import count
from runner.flops.memory import model_memory
from runner.grid import Case
from runner.load import load_engine
from runner.measure.decoder import profile_decoder
from runner.measure.memory_split import split_memory
from tests.engines.loading import noise, request
from tests.seq2seq_checkpoints import save_cohere_asr, save_moonshine_streaming


@dataclass(frozen=True)
class Family:
    """A family, and what its small checkpoint comes to."""

    save: Callable[[Path], Path]
    window_s: float
    frames: int
    """Positions of the encoder's output for 1.5 s."""
    prompt: int
    """Tokens of the decoder's prompt."""
    position_bytes: int
    """Of the keys and values of a position."""
    largest: int
    """Bytes of the encoder's largest tensor for two clips of 1.5 s."""
    at_once: int
    """Fewer tensors of that size live at once."""


FAMILIES = {
    # The largest is the first convolution's, of eight channels, which halves 151 frames of 16 mels.
    "cohere-asr": Family(save_cohere_asr, 2.0, 19, 10, 2 * 4 * 2 * 48, 2 * 4 * 8 * 76 * 8, 6),
    # The largest are the waveform's frames.
    "moonshine-streaming": Family(
        save_moonshine_streaming, 2.0, 75, 1, 2 * 4 * 2 * 32, 2 * 4 * 24_000, 6
    ),
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request) -> Family:
    return FAMILIES[request.param]


@pytest.fixture(scope="module")
def folder(family, tmp_path_factory) -> Path:
    return family.save(tmp_path_factory.mktemp("own-length"))


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    return noise((1.5, 0.6, 0.1, 1.9))


def load(folder: Path, **parts: object) -> Seq2SeqEngine:
    variant = Variant.model_validate({"name": "x", **parts}) if parts else Variant(name="fp32")
    engine = load_engine(request(str(folder), weights="pretrained", variant=variant))
    assert isinstance(engine, Seq2SeqEngine)
    return engine


def test_a_text_is_the_same_each_time_and_depends_on_the_audio(folder, clips):
    engine = load(folder)
    first = engine.transcribe(clips)
    engine.transcribe(clips[1:2])
    assert engine.transcribe(clips) == first
    assert len(set(first.texts)) == len(clips)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.1])
def test_a_clip_with_next_to_nothing_in_it(folder, clips, seconds):
    """Alone, where it is a clip like others, and beside speech."""
    engine = load(folder)
    clip = np.zeros(round(seconds * 16_000), np.float32)
    alone = engine.transcribe([clip])
    assert alone.windows == 1
    assert len(engine.transcribe([clip, clips[0]]).texts) == 2
    features, masks = engine.features([clip]), engine.masks([clip])
    encoded = engine.encoder(features, attention_mask=masks["attention_mask"])
    assert encoded.last_hidden_state.isfinite().all()


def test_silence_is_finite(folder, family):
    engine = load(folder)
    silence = [np.zeros(round(family.window_s * 16_000), np.float32)]
    assert engine.features(silence).isfinite().all()
    assert engine.transcribe(silence) == engine.transcribe(silence)


def test_more_than_a_window_is_cut_into_full_ones(folder, family):
    engine = load(folder)
    long, short = noise((2.4 * family.window_s, 0.5))
    found = engine.transcribe([long, short])
    size = round(family.window_s * 16_000)
    windows = [long[start : start + size] for start in range(0, len(long), size)]
    assert engine.window_s == family.window_s
    assert found.windows == len(windows) + 1 == 4
    alone = engine.transcribe(windows)
    assert found.texts[0] == " ".join(text.strip() for text in alone.texts)


def test_stages_are_marked_in_order_and_change_no_text(folder, clips):
    engine = load(folder)
    stages: list[str] = []
    assert engine.transcribe(clips, stages.append).texts == engine.transcribe(clips).texts
    assert stages == ["features", "transfer", "encode", "prefill", "decode", "text"]


@pytest.mark.parametrize("parts", [{}, {"cache": "off"}, {"beams": 2}], ids=str)
@pytest.mark.parametrize("windows", [0.75, 1.4])
def test_flops_are_those_of_a_real_run(folder, family, windows, parts):
    engine = load(folder, **parts)
    samples = round(windows * family.window_s * 16_000)
    clips = [np.zeros(samples, np.float32)] * 2
    work = engine.workload(samples=samples, batch=2, decoder_calls=4)
    readings = {reading.stage: reading.flops for reading in workload_flops(work)}
    size = round(family.window_s * 16_000)
    cut = [clip[start : start + size] for clip in clips for start in range(0, samples, size)]
    features, masks = engine.features(cut), engine.masks(cut)
    mask = masks["attention_mask"]
    masks |= engine.beginnings(len(cut))
    with torch.no_grad():
        heard = count(lambda: engine.encoder(features, attention_mask=mask))
        assert readings["encoder"] == heard.flops
        with engine.exactly(4):
            whole = count(lambda: engine.model.generate(features, **masks))
    assert not whole.missed
    assert readings["total"] == whole.flops


def test_memory_from_shapes_is_that_of_the_model(family, folder):
    engine = load(folder)
    config = engine.model.config
    size = model_memory(config, samples=24_000, batch=2, tokens=5, prompt_tokens=engine.prompt)
    assert size.parameters == engine.parameters
    assert engine.prompt == family.prompt
    held = family.frames + family.prompt + 4
    assert size.cache_bytes == 2 * family.position_bytes * held
    # With what it is made of, or into.
    assert 2 * family.largest <= size.activations_bytes < family.at_once * family.largest


def test_memory_is_split(folder, family, clips):
    engine = load(folder)
    with engine.shortened(5):
        figures = {one.name: one.value for one in split_memory(engine, [clips[0]] * 2)}
    assert figures["memory_weights_bytes"] == 4 * engine.parameters
    held = family.frames + family.prompt + 4
    assert figures["memory_cache_bytes"] == 2 * family.position_bytes * held


@pytest.mark.parametrize("kind", ["dynamic", "static", "off"])
def test_caches_are_proven_and_change_no_text(folder, clips, kind):
    engine, usual = load(folder, cache=kind), load(folder)
    assert engine.transcribe(clips).texts == usual.transcribe(clips).texts
    _, proof = engine.verify(clips)
    assert proof.found.startswith(f"{kind} in ")


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"attention": "eager"}, "aten::softmax"),
        ({"precision": "bf16"}, "bfloat16"),
        ({"precision": "fp16"}, "float16"),
        ({"quantization": "int8-dynamic"}, "integer products"),
        ({"beams": 2}, "2 decoder rows"),
        ({"long_form": "overlap"}, "4 windows of"),
        ({"chunk_seconds": 1.0}, "encoder passes for 2 chunks"),
    ],
    ids=str,
)
def test_parts_of_a_variant_are_proven(folder, clips, parts, found):
    engine = load(folder, **parts)
    with engine.shortened(12):
        proofs = {proof.technique: proof.found for proof in engine.verify(clips[:1])}
    assert any(found in each for each in proofs.values()), proofs


@pytest.mark.e2e  # It compiles for half a minute.
def test_a_compiled_encoder_is_one_graph_and_hears_the_same(folder, clips):
    engine, usual = load(folder, compile="default"), load(folder)
    assert engine.transcribe(clips).texts == usual.transcribe(clips).texts
    proofs = {proof.technique: proof.found for proof in engine.verify(clips)}
    assert proofs["compile"] == "1 graphs, 0 breaks"


@pytest.mark.skipif(detector_missing() is not None, reason="no detector of speech is installed")
def test_silence_has_no_window_by_a_detector_of_speech(folder, family):
    engine = load(folder, long_form="vad")
    outcome = engine.transcribe([np.zeros(round(3 * family.window_s * 16_000), np.float32)])
    assert (outcome.texts, outcome.windows) == (("",), 0)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"long_form": "sequential"}, 'writes no time stamps, by which "sequential" finds'),
        ({"assistant": "self"}, "it has no decoder that checks drafts"),
        (
            {"compile_decoder": "default", "cache": "static"},
            "it has no decoder step that can be compiled",
        ),
        ({"fallback": True}, "it has no text whose probability is known"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_a_line(folder, parts, why):
    with pytest.raises(Refused, match=why) as refused:
        load(folder, **parts)
    assert "\n" not in str(refused.value)


def test_its_decoder_can_be_profiled(folder, family, clips):
    engine = load(folder)
    clips = [clips[0], clips[0][:16_000]]
    steps, figures = profile_decoder(
        engine,
        clips,
        Limits(decoder_tokens=20, decoder_iterations=1),
        clock=time.process_time,
        progress=lambda *_: None,
    )
    assert len(steps) == 20
    values = {figure.name: figure.value for figure in figures}
    assert values["self_cache_bytes"] == 2 * family.position_bytes * (family.prompt + 19)
    assert values["cross_cache_bytes"] == 2 * family.position_bytes * family.frames
    shares = {name: value for name, value in values.items() if name.endswith("_share")}
    assert len(shares) == 4
    assert all(shares.values())
    assert sum(shares.values()) <= 1


def test_a_decoder_that_is_profiled_says_what_it_says_otherwise(folder, clips):
    engine = load(folder)
    said: list[torch.Tensor] = []
    generate = engine.model.generate
    engine.model.generate = lambda *args, **kwargs: said.append(generate(*args, **kwargs))
    passes = engine.decoder_passes(clips[:2], 8)
    passes.run(lambda: None)
    passes.run(lambda: None)
    engine.model.generate = generate
    features = engine.features(clips[:2])
    masks = engine.masks(clips[:2]) | engine.beginnings(2)
    with engine.exactly(8), torch.no_grad():
        expected = generate(features, **masks)
    assert torch.equal(said[0], expected)
    assert torch.equal(said[1], expected)


@pytest.mark.parametrize(
    "name", ["UsefulSensors/moonshine-streaming-tiny", "CohereLabs/cohere-transcribe-03-2026"]
)
def test_a_short_clip_is_foretold_at_its_own_length(name):
    model = Model(name=name, weights="random")
    short, longer = (
        batch_seconds(Case(model, "cpu", Variant(name="fp32"), seconds, 1), 1)
        for seconds in (4.0, 8.0)
    )
    assert longer == pytest.approx(2 * short)
