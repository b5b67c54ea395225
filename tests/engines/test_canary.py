"""Canary: the published prompt, texts of plain transformers, stated work, a decoder's variants."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CanaryForConditionalGeneration, CanaryProcessor

import runner.engines.canary as module
from runner.config import Limits, Variant
from runner.engines.architectures import published_config
from runner.engines.base import Workload
from runner.engines.canary import CanaryEngine
from runner.engines.torch_engine import padded_features
from runner.errors import Refused
from runner.flops import workload_flops
from runner.flops.counter import count
from runner.flops.memory import model_memory
from runner.flops.models import build
from runner.load import load_engine
from runner.measure.decoder import profile_decoder
from tests.checkpoints import save_canary
from tests.engines.loading import noise, request
from tests.test_counting import shallow

NAME = "nvidia/canary-1b-v2"
SECONDS = (2.5, 0.1, 1, 9.0)
TOKENS = 30
PROMPT = (
    "<|startofcontext|><|startoftranscript|><|emo:undefined|><|de|><|de|><|pnc|><|noitn|>"
    "<|notimestamp|><|nodiarize|>"
)
"""Of a request in German, as transformers' tests of the published checkpoint have it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_canary(tmp_path_factory.mktemp("canary"))


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    return noise(SECONDS)


def load(folder: Path, *, language: str | None = None, **parts: object) -> CanaryEngine:
    variant = Variant.model_validate({"name": "x", **parts}) if parts else Variant(name="fp32")
    asked = request(str(folder), weights="pretrained", variant=variant, language=language)
    engine = load_engine(asked)
    assert isinstance(engine, CanaryEngine)
    return engine


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> CanaryEngine:
    """Random weights at a small size."""
    monkeypatch.setattr(module, "published_config", shallow)
    engine = load_engine(request(NAME))
    assert isinstance(engine, CanaryEngine)
    return engine


def heard(engine: CanaryEngine, clips: list[np.ndarray]) -> list[str]:
    with engine.shortened(TOKENS):
        return list(engine.transcribe(clips).texts)


def publishers_texts(folder: Path, clips: list[np.ndarray], language: str) -> list[str]:
    """By plain code of transformers, as the model card has it, greedily."""
    processor = CanaryProcessor.from_pretrained(folder)
    model = CanaryForConditionalGeneration.from_pretrained(folder)
    inputs = processor.apply_transcription_request(audio=clips, source_language=language)
    ids = model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
    return [text.strip() for text in processor.batch_decode(ids, skip_special_tokens=True)]


@pytest.mark.parametrize("language", ["en", "de"])
def test_texts_are_those_of_plain_transformers(folder, clips, language):
    engine = load(folder, language=language)
    theirs = publishers_texts(folder, clips, language)
    assert heard(engine, clips) == theirs
    assert len(set(theirs)) > 2, "texts depend on what is heard"
    assert heard(engine, clips[:1]) == publishers_texts(folder, clips[:1], language)


def test_a_clip_says_the_same_alone_beside_others_and_again(folder, clips):
    engine = load(folder)
    batch = [*clips, np.zeros(0, np.float32), np.zeros(16_000, np.float32)]
    together = heard(engine, batch)
    assert [heard(engine, [clip])[0] for clip in batch] == together
    assert heard(engine, batch) == together


def test_the_prompt_is_the_published_one_in_the_language_that_is_asked_for(folder):
    engine = load(folder, language="de")
    assert engine.tokenizer.decode(engine.prompt_ids).replace(" ", "") == PROMPT
    assert (engine.prompt, engine.longest) == (9, 128 - 9)
    assert (engine.language.code, engine.language.by) == ("de", "config")
    told = load(folder).language
    assert (told.code, told.by) == ("en", "default")
    assert heard(engine, noise([1])) != heard(load(folder), noise([1]))


@pytest.mark.parametrize(
    ("language", "why"), [("detect", "detects no language"), ("zh", 'does not support "zh"')]
)
def test_a_language_that_it_lacks_is_refused(folder, language, why):
    with pytest.raises(Refused, match=why):
        load(folder, language=language)


def test_a_checkpoint_without_a_chat_template_is_refused(tmp_path):
    save_canary(tmp_path)
    (tmp_path / "chat_template.jinja").unlink()
    with pytest.raises(Refused, match=r"has no chat template: copy chat_template\.jinja"):
        load(tmp_path)


@pytest.mark.parametrize("seconds", [(2.5, 1), (1, 1)])
def test_masks_are_those_of_the_front_end(folder, seconds):
    engine, waves = load(folder), noise(seconds)
    theirs = padded_features(engine.extractor, waves).attention_mask
    assert torch.equal(engine.masks(waves)["attention_mask"], theirs)


def test_stages_are_marked_in_order_and_change_no_text(folder, clips):
    engine = load(folder)
    stages: list[str] = []
    with engine.shortened(12):
        assert engine.transcribe(clips, stages.append).texts == engine.transcribe(clips).texts
    assert stages == ["features", "transfer", "encode", "prefill", "decode", "text"]


def test_random_weights_do_exactly_the_stated_work(made, speech_like):
    passes = []
    hook = made.model.get_decoder().register_forward_hook(lambda *_: passes.append(1))
    outcome = made.transcribe(speech_like(5, 2))
    hook.remove()
    tokens = math.ceil(5 * 2.0)
    assert outcome.decoder_calls == len(passes) == tokens == made.fixed_calls(80_000)
    assert (outcome.tokens, outcome.windows, len(outcome.texts)) == (2 * tokens, 2, 2)
    assert made.prompt == 9


def test_a_long_clip_is_heard_in_one_piece(made, speech_like):
    with made.shortened(3):
        outcome = made.transcribe(speech_like(40))
    assert (outcome.windows, outcome.decoder_calls) == (1, 3)


@pytest.mark.parametrize("parts", [{}, {"cache": "off"}, {"beams": 2}], ids=str)
def test_flops_are_those_of_a_real_run(folder, parts):
    engine = load(folder, **parts)
    clips = noise([2, 2])
    readings = {
        reading.stage: reading.flops
        for reading in workload_flops(engine.workload(samples=32_000, batch=2, decoder_calls=4))
    }
    features, masks = engine.features(clips), engine.masks(clips)
    encoder = count(lambda: engine.model.get_encoder()(features, **masks))
    assert readings["encoder"] == encoder.flops
    with engine.exactly(4):
        whole = count(lambda: engine.model.generate(features, **masks, **engine.beginnings(2)))
    assert not whole.missed
    assert readings["total"] == whole.flops


def test_flops_of_the_decoder_are_those_of_the_formula():
    """Of the published sizes: width d, inner width f, L layers, V tokens, T frames."""
    config = published_config(NAME)
    work = Workload(config, samples=160_000, batch=1, prompt_tokens=9, tokens=3)
    readings = {reading.stage: reading.flops for reading in workload_flops(work)}
    d, f, layers, vocabulary, frames, prompt = 1024, 4096, 8, 16_384, 126, 9
    macs = layers * (6 * d * d + 2 * d * f + d * (2 * frames + prompt + 1 + prompt + 2))
    assert readings["token"] == 2 * (macs + d * vocabulary)
    prefill = layers * (
        prompt * (6 * d * d + 2 * d * f) + 2 * frames * d * d + 2 * d * prompt * (prompt + frames)
    )
    # The output layer is asked for every token of the prompt.
    assert readings["prefill"] == 2 * (prefill + prompt * d * vocabulary)


def test_memory_from_shapes_is_that_of_the_model(folder):
    engine = load(folder)
    config = engine.model.config
    size = model_memory(config, samples=48_000, batch=2, tokens=5, prompt_tokens=engine.prompt)
    assert size.parameters == engine.parameters
    # 38 frames of the encoder and 13 positions of the decoder, in two layers of width 32.
    assert size.cache_bytes == 2 * 2 * 4 * 2 * 32 * (38 + 13)
    with engine.inference():
        features = engine.features(noise([3, 3]))
        assert engine.model.get_encoder()(features).last_hidden_state.shape[1] == 38


@pytest.mark.parametrize("kind", ["dynamic", "static", "off"])
def test_caches(folder, clips, kind):
    engine = load(folder, cache=kind)
    assert heard(engine, clips) == heard(load(folder), clips)
    with engine.shortened(5):
        _, proof = engine.verify(clips)
    assert proof.found.startswith(f"{kind} in ")


def test_int8_and_beams_are_proven(folder, clips):
    engine = load(folder, quantization="int8-dynamic", beams=2)
    proofs = {proof.technique: proof.found for proof in engine.verify(clips[:1])}
    assert "integer products" in proofs["quantization"]
    assert proofs["beams"].startswith("2 decoder rows")


@pytest.mark.parametrize("parts", [{"attention": "eager"}, {"attention": "sdpa"}], ids=str)
def test_attention_is_proven_and_changes_no_text(folder, clips, parts):
    engine = load(folder, **parts)
    assert len(engine.verify(clips[:1])) == 2
    assert heard(engine, clips) == heard(load(folder), clips)


def test_half_precision_is_proven(made, monkeypatch, speech_like):
    engine = load_engine(request(NAME, variant=Variant(name="x", precision="bf16")))
    proofs = {proof.technique: proof.found for proof in engine.verify(speech_like(1))}
    assert "bfloat16" in proofs["precision"]
    assert engine.weights_bytes == made.weights_bytes / 2


def test_chunks_are_heard_one_by_one(folder, clips):
    engine = load(folder, chunk_seconds=1, left_seconds=0, right_seconds=0)
    with engine.shortened(4):
        (proof,) = [one for one in engine.verify(clips[:1]) if one.technique == "chunk_seconds"]
    assert proof.found == "3 encoder passes for 3 chunks"


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"long_form": "overlap"}, "canary"),
        ({"fallback": True}, "canary"),
        ({"prompt_lookup": 3}, "canary"),
    ],
    ids=str,
)
def test_what_does_not_apply_is_refused(folder, parts, why):
    with pytest.raises(Refused, match=why):
        load(folder, **parts)


def test_its_decoder_can_be_profiled(folder):
    engine = load(folder)
    steps, figures = profile_decoder(
        engine,
        noise([2]),
        Limits(decoder_tokens=20, decoder_iterations=1),
        clock=time.process_time,
        progress=lambda *_: None,
    )
    assert len(steps) == 20
    values = {figure.name: figure.value for figure in figures}
    # Two layers of width 32; the prompt and all tokens but the last.
    assert values["self_cache_bytes"] == 2 * 4 * 2 * 32 * (9 + 19)
    shares = [value for name, value in values.items() if name.endswith("_share")]
    assert len(shares) == 4
    assert all(0 < share < 1 for share in shares)
    assert sum(shares) < 1


def test_the_published_size():
    model = build(published_config(NAME))
    parameters = sum(weight.numel() for weight in model.parameters())
    # Model card: 978 million, which has the vocabulary's matrix twice, once for the input and once
    # for the output. A checkpoint has it once.
    twice = parameters + model.get_output_embeddings().weight.numel()
    assert twice == pytest.approx(978e6, rel=0.005)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    # Paper: an encoder of 32 layers, a decoder of 8.
    assert (len(model.get_encoder().layers), len(model.get_decoder().layers)) == (32, 8)
