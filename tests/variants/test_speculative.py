"""Speculative decoding: the text stays, drafts and passes add up."""

from __future__ import annotations

import time

import pytest
import torch

from runner.config import Variant
from runner.engines.base import Unmeasurable
from runner.engines.speculation import Speculation
from runner.engines.torch_engine import TorchEngine
from runner.errors import NoEffect, Refused
from runner.flops import workload_flops
from runner.measure.memory_split import split_memory
from runner.measure.stages import StageClock
from store.records import Scalar


def test_the_text_is_the_models_own(load, speech, baseline):
    engine = load("small-whisper", assistant="self", draft_tokens=3)
    outcome = engine.transcribe(speech)
    assert outcome.texts == baseline("small-whisper")
    plain = load("small-whisper")
    alone = [plain.transcribe([wave]) for wave in speech]
    assert outcome.tokens == sum(each.tokens for each in alone)
    assert outcome.decoder_calls < 0.5 * sum(each.decoder_calls for each in alone)


def test_its_own_drafts_are_all_kept(load, speech):
    engine = load("small-whisper", assistant="self", draft_tokens=3)
    _, proof = engine.verify(speech[:1])
    assert "tokens drafted" in proof.found
    engine.transcribe(speech)
    figures = {figure.name: figure for figure in engine.figures()}
    assert figures["acceptance"].value == 1
    assert 2 < figures["tokens_per_pass"].value <= 4


def test_an_assistant_takes_memory_of_its_own(load, speech):
    alone, both = load("small-whisper"), load("small-whisper", assistant="self")
    assert both.weights_bytes == 2 * alone.weights_bytes
    assert both.parameters == alone.parameters, "a row's size is its model's"

    def split(engine: TorchEngine) -> dict[str, Scalar]:
        return {figure.name: figure for figure in split_memory(engine, speech[:1])}

    found, plain = split(both), split(alone)
    assert found["memory_weights_bytes"].value == 2 * plain["memory_weights_bytes"].value
    assert "its assistant" in found["memory_weights_bytes"].note
    assert 1.5 < found["memory_cache_bytes"].value / plain["memory_cache_bytes"].value <= 2.1


@pytest.mark.e2e
def test_drafts_of_a_bad_assistant_are_not_kept(load, speech_like):
    """Two Whispers with random weights agree on nothing; a fixed number of tokens comes out."""
    engine = load("openai/whisper-tiny", weights="random", assistant="openai/whisper-base")
    plain = load("openai/whisper-tiny", weights="random")
    batch = speech_like(3, 1)
    outcome = engine.transcribe(batch)
    assert outcome.texts == plain.transcribe(batch).texts
    assert outcome.tokens == 6
    (acceptance, _) = engine.figures()
    assert acceptance.value < 0.5
    assert outcome.decoder_calls >= 4


PROMPT = [90, 91, 92, 93]


@pytest.mark.parametrize(
    ("passes", "text", "drafted", "accepted"),
    [
        # Three drafts, all kept, then a token of the model's own; then three, none kept.
        ([(0, [*PROMPT, 1, 2, 3]), (7, [4, 9, 9, 9])], [1, 2, 3, 4, 5], 6, 3),
        # The text ends with the second draft of the second pass.
        ([(0, [*PROMPT, 1, 2, 3]), (7, [4, 5, 6, 9])], [1, 2, 3, 4, 5, 6], 6, 5),
        # The first is wrong; what comes after it is dropped though it happens to fit.
        ([(0, [*PROMPT, 9, 2]), (4, [1, 2, 3])], [1, 2, 3], 4, 2),
        # Nothing was drafted.
        ([(0, PROMPT), (4, [1])], [1, 2], 0, 0),
    ],
)
def test_what_becomes_of_drafts(load, passes, text, drafted, accepted):
    speculation = Speculation(load("small-whisper").model, load("small-whisper").model)
    speculation._checked = [(cached, torch.tensor(given)) for cached, given in passes]
    speculation.finish(len(PROMPT), torch.tensor(text))
    assert (speculation.drafted, speculation.accepted) == (drafted, accepted)
    assert (speculation.passes, speculation.tokens) == (2, len(text))


def test_stages(load, speech):
    engine = load("small-whisper", assistant="self")
    stopwatch = StageClock(engine, time.perf_counter)
    stopwatch.start()
    engine.transcribe(speech[:2], stopwatch.mark)
    assert set(stopwatch.seconds) == {
        "features", "transfer", "encode", "prefill", "decode", "text",
    }  # fmt: skip
    outcome = engine.transcribe(speech[:3])
    assert outcome.prefills == 3


def test_an_assistant_that_is_not_asked_is_no_result(load, speech):
    engine = load("small-whisper", assistant="self")
    engine.speculation = None
    with pytest.raises(NoEffect, match="assistant self did not take effect"):
        engine.verify(speech[:1])


def test_what_cannot_be_known_of_it_is_said(load, speech):
    engine = load("small-whisper", assistant="self")
    with pytest.raises(Unmeasurable, match="drafts decide"):
        workload_flops(engine.workload(samples=80_000, batch=1, decoder_calls=4))
    with pytest.raises(Unmeasurable, match="no one position"):
        engine.decoder_passes(speech[:1], 8)


def test_an_assistant_of_another_vocabulary_is_refused(load):
    with pytest.raises(Refused, match="cannot draft for openai/whisper-tiny: vocab_size is 51864"):
        load("openai/whisper-tiny", weights="random", assistant="openai/whisper-tiny.en")


@pytest.mark.parametrize("name", ["small-parakeet-ctc", "UsefulSensors/moonshine-tiny"])
def test_an_assistant_of_another_family_is_refused(load, name):
    with pytest.raises(
        Refused, match="an assistant must be a smaller Whisper of the same"
    ) as caught:
        load("small-whisper", assistant=name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"assistant": "self", "cache": "static"}, "dynamic cache"),
        ({"assistant": "self", "beams": 2}, "one beam"),
        ({"draft_tokens": 3}, 'needs "assistant"'),
        ({"prompt_lookup": 3, "beams": 2}, '"prompt_lookup" works with'),
        ({"prompt_lookup": 3, "assistant": "self"}, "not from both"),
        ({"assistant": "openai/whisper-tny"}, None),
        ({"assistant": "whisper-tny"}, "did you mean"),
    ],
)
def test_configs(parts, words):
    if words is None:
        Variant.model_validate({"name": "x", **parts})
        return
    with pytest.raises(ValueError, match=words):
        Variant.model_validate({"name": "x", **parts})


def test_looked_up_drafts_leave_the_text_as_it_is(load, speech, baseline):
    engine = load("small-whisper", prompt_lookup=3)
    (_, proof) = engine.verify(speech)
    assert (proof.technique, proof.requested) == ("prompt_lookup", "3")
    assert proof.found.startswith(f"{len(speech)} rows looked up")
    assert engine.figures() == ()
    outcome = engine.transcribe(speech)
    assert outcome.texts == baseline("small-whisper")
    assert outcome.prefills == len(speech)
    found = {figure.name: figure.value for figure in engine.figures()}
    assert 0 <= found["acceptance"] <= 1
    # A kept draft saves a pass; the rest of a pass is a token of the model's own.
    assert found["tokens_per_pass"] == pytest.approx(outcome.tokens / outcome.decoder_calls)
    assert found["tokens_per_pass"] >= 1


def test_drafts_that_are_not_looked_up_are_no_result(load, speech):
    engine = load("small-whisper", prompt_lookup=3)
    engine.model.generation_config.prompt_lookup_num_tokens = None
    with pytest.raises(NoEffect, match="prompt_lookup 3 did not take effect"):
        engine.verify(speech[:1])


def test_random_weights_would_make_look_ups_look_good(load):
    with pytest.raises(Refused, match="random weights repeat themselves"):
        load("openai/whisper-tiny", weights="random", prompt_lookup=3)
