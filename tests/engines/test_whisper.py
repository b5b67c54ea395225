"""Whisper: fixed work with random weights, windows, stages, refusals."""

from __future__ import annotations

import math
import time

import pytest
import torch
from transformers import (
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizerFast,
)

from runner.config import Variant
from runner.engines.whisper import WhisperEngine
from runner.engines.whisper_settings import generation_config
from runner.errors import Refused
from runner.flops import workload_flops
from runner.load import load_engine
from runner.measure.stages import StageClock
from tests.engines.loading import request

ABSENT = "absent"


@pytest.fixture(scope="module")
def tiny() -> WhisperEngine:
    engine = load_engine(request("openai/whisper-tiny"))
    assert isinstance(engine, WhisperEngine)
    return engine


class Calls:
    """Counts forward passes of the encoder and the decoder."""

    def __init__(self, engine: WhisperEngine) -> None:
        self.encoder: list[int] = []
        self.decoder = 0
        model = engine.model.model
        self._hooks = [
            model.encoder.register_forward_hook(
                lambda module, arguments, output: self.encoder.append(
                    output.last_hidden_state.shape[0]
                )
            ),
            model.decoder.register_forward_hook(self._count),
        ]

    def _count(self, *_: object) -> None:
        self.decoder += 1

    def remove(self) -> None:
        for hook in self._hooks:
            hook.remove()


def test_random_weights_do_exactly_the_stated_work(tiny, speech_like):
    calls = Calls(tiny)
    outcome = tiny.transcribe(speech_like(5, 2))
    calls.remove()
    tokens = math.ceil(5 * 2.0)
    assert outcome.decoder_calls == tokens == calls.decoder
    assert outcome.tokens == 2 * tokens
    assert calls.encoder == [2], "one encoder pass a batch: no hidden language detection"
    assert len(outcome.texts) == 2
    assert all(outcome.texts)


def test_work_does_not_drift_between_calls(tiny, speech_like):
    counts = [tiny.transcribe(speech_like(4, seed=i)).decoder_calls for i in range(3)]
    assert counts == [8, 8, 8]


def test_sixty_seconds_are_two_windows_in_one_batch(tiny, speech_like):
    calls = Calls(tiny)
    with tiny.shortened(3):
        outcome = tiny.transcribe(speech_like(60, 2))
    calls.remove()
    assert calls.encoder == [4]
    assert outcome.windows == 4
    assert outcome.tokens == 4 * 3
    assert len(outcome.texts) == 2, "windows of a clip are joined"


@pytest.mark.timed
def test_stages_come_in_order_and_sum_to_the_pass(tiny, speech_like):
    batch = speech_like(2, 1)
    tiny.transcribe(batch)
    stopwatch = StageClock(tiny, time.perf_counter)
    start = time.perf_counter()
    stopwatch.start()
    tiny.transcribe(batch, stopwatch.mark)
    total = time.perf_counter() - start
    assert list(stopwatch.seconds) == [
        "features", "transfer", "encode", "prefill", "decode", "text",
    ]  # fmt: skip
    assert all(seconds >= 0 for seconds in stopwatch.seconds.values())
    assert sum(stopwatch.seconds.values()) == pytest.approx(total, rel=0.05, abs=0.005)


def test_seed_decides_random_weights():
    first = load_engine(request("openai/whisper-tiny", seed=1))
    again = load_engine(request("openai/whisper-tiny", seed=1))
    other = load_engine(request("openai/whisper-tiny", seed=2))
    weight = "model.encoder.conv1.weight"
    a, b, c = (dict(e.model.named_parameters())[weight] for e in (first, again, other))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_precision_takes_effect():
    engine = load_engine(
        request("openai/whisper-tiny", variant=Variant(name="b", precision="bf16"))
    )
    assert {p.dtype for p in engine.model.parameters()} == {torch.bfloat16}
    assert engine.weights_bytes == 2 * engine.parameters


def test_flops_follow_the_measured_decoder_calls(tiny):
    readings = {
        reading.stage: reading.flops
        for reading in workload_flops(tiny.workload(samples=60 * 16000, batch=2, decoder_calls=10))
        if reading.method == "meta"
    }
    assert readings["encoder"] / 1e9 == pytest.approx(4 * 36.938, abs=0.01)
    assert readings["total"] == readings["encoder"] + readings["prefill"] + readings["decode"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_refused_not_replaced():
    with pytest.raises(Refused, match="cuda"):
        load_engine(request("openai/whisper-tiny", device="cuda"))


def test_unknown_architecture_for_random_weights_is_refused():
    with pytest.raises(Refused, match="pretrained"):
        load_engine(request("someone/whisper-special"))


@pytest.fixture
def checkpoint(tmp_path):
    """A tiny Whisper saved as its makers would, with some generation settings changed."""

    def save(*, english: bool = False, **settings) -> str:
        config = WhisperConfig(
            vocab_size=51_864 if english else 51_865,
            d_model=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=16,
            decoder_ffn_dim=16,
            decoder_start_token_id=50_257 if english else 50_258,
            bos_token_id=50_256 if english else 50_257,
            eos_token_id=50_256 if english else 50_257,
            pad_token_id=50_256 if english else 50_257,
        )
        torch.manual_seed(0)
        model = WhisperForConditionalGeneration(config)
        model.generation_config = generation_config(config)
        for name, value in settings.items():
            if value == ABSENT:
                delattr(model.generation_config, name)
            else:
                setattr(model.generation_config, name, value)
        model.save_pretrained(tmp_path)
        WhisperFeatureExtractor(feature_size=80).save_pretrained(tmp_path)
        tokens = {f"t{i}": i for i in range(config.vocab_size)}
        for name, i in (
            ("<|endoftext|>", config.eos_token_id),
            ("<|startoftranscript|>", config.decoder_start_token_id),
        ):
            del tokens[f"t{i}"]
            tokens[name] = i
        WhisperTokenizerFast(vocab=tokens, merges=[]).save_pretrained(tmp_path)
        return str(tmp_path)

    return save


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("settings", "prompt"),
    [
        ({}, 4),
        ({"english": True}, 2),
        ({"no_timestamps_token_id": ABSENT}, 3),
        ({"return_timestamps": True}, 4),
        ({"max_length": None, "max_new_tokens": 6}, 4),
    ],
    ids=["multilingual", "english", "no-timestamps-token", "timestamps", "own-length"],
)
def test_pretrained_checkpoints_of_every_form(checkpoint, speech_like, settings, prompt):
    engine = load_engine(request(checkpoint(**settings), weights="pretrained"))
    calls = Calls(engine)
    outcome = engine.transcribe(speech_like(1))
    calls.remove()
    assert engine.prompt == prompt
    assert calls.encoder == [1]
    assert outcome.decoder_calls == calls.decoder
    # Random weights never say the end, so the decoder runs to its last position: not to 20
    # tokens, nor to the checkpoint's own idea of enough.
    assert outcome.decoder_calls == 448 - prompt
    with engine.shortened(5):
        assert engine.transcribe(speech_like(1)).decoder_calls == 5
    assert engine.transcribe(speech_like(1)).decoder_calls == 448 - prompt


def test_a_multilingual_checkpoint_without_languages_is_refused(checkpoint):
    with pytest.raises(Refused, match="lang_to_id"):
        load_engine(request(checkpoint(lang_to_id=None), weights="pretrained"))


def test_out_of_memory_while_loading_is_not_a_refusal(checkpoint, monkeypatch):
    folder = checkpoint()

    def no_room(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1")

    monkeypatch.setattr(WhisperForConditionalGeneration, "from_pretrained", no_room)
    with pytest.raises(RuntimeError, match="allocate"):
        load_engine(request(folder, weights="pretrained"))
