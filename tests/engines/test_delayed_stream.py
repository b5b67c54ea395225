"""What holds for every model of delayed streams: a token a frame, stages, work, and variants."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from runner.config import Limits, Variant
from runner.engines.delayed_stream import DelayedStreamEngine
from runner.errors import Refused
from runner.flops import workload_flops
from runner.flops.counter import count
from runner.flops.delayed_stream import STREAMING
from runner.flops.memory import model_memory
from runner.flops.models import DELAYED_STREAMS
from runner.load import load_engine
from runner.measure.decoder import profile_decoder
from runner.measure.memory_split import split_memory
from runner.measure.stages import StageClock
from tests.engines.loading import noise, request
from tests.stream_checkpoints import save_kyutai, save_voxtral_realtime

SECONDS = (2.5, 0.1, 0, 4.0)
"""Of the clips: the last one fills every context of the small models."""


@dataclass(frozen=True)
class Family:
    """A small checkpoint of one family."""

    save: Callable[[Path], Path]
    around_s: float
    """Silence around a clip."""
    frames: Callable[[float], int]
    """Frames that give a token, from the seconds of a clip."""
    largest: int
    """Bytes of the encoder's largest tensor of a step, for two clips."""
    at_once: int
    """Fewer tensors of that size live at once."""


FAMILIES = {
    # The first convolution, of 4 channels on the samples of a frame.
    "kyutai_speech_to_text": Family(
        save_kyutai, 0.25 + 0.5 + 1, lambda s: math.floor(12.5 * (s + 1.75)), 2 * 4 * 4 * 1920, 6
    ),
    # Attention, two heads on the four frames of each token of the prompt, which is heard at once.
    "voxtral_realtime": Family(
        save_voxtral_realtime,
        0.08 * (32 + 17),
        lambda s: math.ceil(12.5 * s) + 32 + 17 - (1 + 32 + 6),
        2 * 4 * 2 * 156 * 156,
        6,
    ),
}


def test_every_model_type_is_here() -> None:
    assert set(FAMILIES) == set(DELAYED_STREAMS) == set(STREAMING)


@pytest.fixture(scope="module", params=FAMILIES)
def family(request) -> Family:
    return FAMILIES[request.param]


@pytest.fixture(scope="module")
def folder(family, tmp_path_factory) -> Path:
    return family.save(tmp_path_factory.mktemp("delayed-stream"))


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    return noise(SECONDS)


def load(folder: Path, **parts: object) -> DelayedStreamEngine:
    variant = Variant.model_validate({"name": "x", **parts}) if parts else Variant(name="fp32")
    engine = load_engine(request(str(folder), weights="pretrained", variant=variant))
    assert isinstance(engine, DelayedStreamEngine)
    engine.model.generation_config.eos_token_id = None  # What one says is chance.
    return engine


def test_the_text_of_a_clip_does_not_depend_on_those_beside_it(folder, clips):
    engine = load(folder)
    together = engine.transcribe(clips)
    assert together.texts == tuple(engine.transcribe([clip]).texts[0] for clip in clips)
    assert len(set(together.texts)) == len(clips)
    assert engine.transcribe(clips) == together


def test_tokens_follow_from_the_audio_and_the_silence_around_it(family, folder, clips):
    engine = load(folder)
    frames = [family.frames(seconds) for seconds in SECONDS]
    assert [engine.stream_tokens(len(clip)) for clip in clips] == frames
    outcome = engine.transcribe(clips)
    assert outcome.decoder_calls == max(frames) == engine.fixed_calls(len(clips[3]))
    assert outcome.tokens == sum(frames)
    assert outcome.at_limit is None
    assert outcome.prefills == 1
    padded_s = outcome.input_samples / len(clips) / 16_000
    assert padded_s == pytest.approx(max(SECONDS) + family.around_s, abs=0.08)


def test_only_the_beginning_is_decoded_where_a_few_steps_are_asked_for(folder, clips):
    engine = load(folder)
    with engine.shortened(5):
        outcome = engine.transcribe(clips[:2])
        assert (outcome.decoder_calls, outcome.tokens) == (5, 10)
    assert engine.transcribe(clips[:1]).texts[0].startswith(outcome.texts[0])


def test_stages_are_told_in_turns_and_change_no_text(folder, clips):
    engine = load(folder)
    stages: list[str] = []
    with engine.shortened(4):
        assert engine.transcribe(clips, stages.append).texts == engine.transcribe(clips).texts
    assert stages[:4] == ["features", "transfer", "encode", "prefill"]
    assert stages[4:] == ["decode", "encode"] * 3 + ["decode", "text"]
    clock = StageClock(engine, time.perf_counter)
    clock.start()
    engine.transcribe(clips, clock.mark)
    assert list(clock.seconds) == ["features", "transfer", "encode", "prefill", "decode", "text"]


@pytest.mark.parametrize("seconds", [0.5, 5.3])
def test_flops_are_those_of_a_real_run(folder, seconds):
    engine = load(folder)
    samples = round(seconds * 16_000)
    clips = [np.zeros(samples, np.float32)] * 2
    work = engine.workload(samples=samples, batch=2, decoder_calls=None)
    readings = {reading.stage: reading.flops for reading in workload_flops(work)}
    features = engine.features(clips)
    whole = count(lambda: engine.answer(engine.inputs(features), work.tokens))
    assert not whole.missed
    assert readings["total"] == whole.flops
    assert readings["total"] == sum(readings[s] for s in ("encoder", "prefill", "decode"))
    passes = engine.decoder_passes(clips, work.tokens)
    decoder = count(lambda: passes.run(lambda: None))
    assert decoder.flops == readings["prefill"] + readings["decode"]


def test_a_stream_of_one_token_encodes_nothing_after_it(folder):
    engine = load(folder)
    work = engine.workload(samples=0, batch=1, decoder_calls=None)
    readings = workload_flops(type(work)(**{**vars(work), "tokens": 1}))
    found = {reading.stage: reading.flops for reading in readings}
    assert found["decode"] == 0
    assert found["token"] is None
    unknown = workload_flops(type(work)(**{**vars(work), "tokens": None}))
    known = {reading.stage: reading.flops for reading in unknown if reading.flops is not None}
    assert known == {"prefill": found["prefill"]}


def test_memory_from_shapes_is_that_of_the_model(family, folder):
    engine = load(folder)
    config = engine.model.config
    text = config.get_text_config(decoder=True)
    position = 2 * 4 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim
    for tokens in (5, 200):
        size = model_memory(
            config, samples=48_000, batch=2, tokens=tokens, prompt_tokens=engine.prompt
        )
        assert size.parameters == engine.parameters
        held = min(engine.prompt + tokens - 1, text.sliding_window - 1)
        assert size.cache_bytes == 2 * position * held
    assert 2 * family.largest <= size.activations_bytes < family.at_once * family.largest


def test_memory_is_split_by_what_the_decoder_holds(folder, clips):
    engine = load(folder)
    split = {figure.name: figure.value for figure in split_memory(engine, clips)}
    size = model_memory(engine.model.config, samples=1, batch=4, tokens=999, prompt_tokens=1)
    assert split["memory_cache_bytes"] == size.cache_bytes
    assert split["memory_weights_bytes"] == engine.weights_bytes


@pytest.mark.parametrize("kind", ["dynamic", "static"])
def test_caches_are_proven_and_change_no_text(folder, clips, kind):
    engine = load(folder, cache=kind)
    assert engine.transcribe(clips).texts == load(folder).transcribe(clips).texts
    _, proof = engine.verify(clips)
    assert proof.found == f"{kind} in {engine.stream_tokens(len(clips[3]))} passes"


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"attention": "eager"}, "aten::softmax"),
        ({"attention": "sdpa"}, "aten::scaled_dot_product_attention"),
        ({"precision": "bf16"}, "bfloat16"),
        ({"precision": "bf16", "autocast": True}, "linear layers give bfloat16"),
        ({"quantization": "int8-dynamic"}, "integer products"),
        ({"quantization": "int8-dynamic-torch"}, "integer products"),
    ],
)
def test_parts_of_a_variant_are_proven(folder, clips, parts, found):
    engine = load(folder, **parts)
    with engine.shortened(12):
        proofs = {proof.technique: proof.found for proof in engine.verify(clips[:1])}
    assert found in proofs[next(iter(parts))]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"beams": 2}, 'follows one hypothesis: leave out "beams"'),
        ({"cache": "off"}, 'by its cache alone: leave out "cache": "off"'),
        ({"chunk_seconds": 2.0}, "it has no way to transcribe a clip in chunks"),
        ({"long_form": "overlap"}, "it has no window"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(folder, parts, why):
    with pytest.raises(Refused, match=why) as refused:
        load(folder, **parts)
    assert "\n" not in str(refused.value)


def test_its_decoder_can_be_profiled(folder, clips):
    engine = load(folder)
    steps, figures = profile_decoder(
        engine,
        clips,
        Limits(decoder_tokens=40, decoder_iterations=1),
        clock=time.process_time,
        progress=lambda *_: None,
    )
    assert len(steps) == 40
    values = {figure.name: figure.value for figure in figures}
    text = engine.model.config.get_text_config(decoder=True)
    position = 2 * 4 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim
    assert values["self_cache_bytes"] == len(clips) * position * (text.sliding_window - 1)
    shares = [value for name, value in values.items() if name.endswith("_share")]
    assert len(shares) == 3
    assert 0 < sum(shares) <= 1


def test_a_profiled_decoder_reads_what_it_heard_before_and_is_left_as_it_was(folder, clips):
    engine = load(folder)
    before = engine.transcribe(clips)
    passes = engine.decoder_passes(clips, 10_000)
    seen = 0

    def after_pass() -> None:
        nonlocal seen
        seen += 1

    passes.run(after_pass)
    assert seen == before.decoder_calls, "no more than there is audio"
    assert engine.transcribe(clips) == before
