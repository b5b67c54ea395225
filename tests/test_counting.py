"""FLOPs without weights: the same to the digit as with them, once for equal work, or why not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import MimiConfig

import runner.engines.canary
import runner.engines.cohere_asr
import runner.engines.ctc
import runner.engines.kyutai
import runner.engines.moonshine
import runner.engines.speech_llm
import runner.engines.transducer
import runner.engines.voxtral_realtime
import runner.engines.whisper
from runner.config import Limits, Model, Variant
from runner.counting import UNKNOWN_TEXT, count_case
from runner.engines.architectures import published_config
from runner.engines.base import Unmeasurable
from runner.flops import workload_flops
from runner.grid import Case
from runner.load import load_engine
from runner.task import CaseTask, Counted
from store.records import Result
from tests.checkpoints import save_ctc, save_moonshine
from tests.engines.loading import request
from tests.engines.small_whisper import save_whisper

_MODULES = (
    runner.engines.canary,
    runner.engines.cohere_asr,
    runner.engines.ctc,
    runner.engines.kyutai,
    runner.engines.moonshine,
    runner.engines.speech_llm,
    runner.engines.transducer,
    runner.engines.voxtral_realtime,
    runner.engines.whisper,
)
FAMILIES = (
    "openai/whisper-tiny",
    "UsefulSensors/moonshine-tiny",
    "UsefulSensors/moonshine-streaming-small",
    "CohereLabs/cohere-transcribe-03-2026",
    "Qwen/Qwen3-ASR-0.6B-hf",
    "mistralai/Voxtral-Mini-3B-2507",
    "ibm-granite/granite-speech-3.3-2b",
    "nvidia/canary-1b-v2",
    "kyutai/stt-1b-en_fr-trfs",
    "mistralai/Voxtral-Mini-4B-Realtime-2602",
    "facebook/wav2vec2-base-960h",
    "facebook/hubert-large-ls960-ft",
    "facebook/wav2vec2-conformer-rope-large-960h-ft",
    "facebook/data2vec-audio-base-960h",
    "patrickvonplaten/wavlm-libri-clean-100h-base-plus",
    "facebook/w2v-bert-2.0",
    "nvidia/parakeet-ctc-0.6b",
    "nvidia/parakeet-tdt-0.6b-v3",
    "nvidia/parakeet-rnnt-0.6b",
    "nvidia/nemotron-speech-streaming-en-0.6b",
)
FP32 = Variant(name="fp32")


SMALL = {
    "num_hidden_layers": 1,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_num_hidden_layers": 1,
    "decoder_num_hidden_layers": 1,
    "d_model": 32,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "encoder_num_attention_heads": 4,
    "decoder_num_attention_heads": 4,
    "encoder_num_key_value_heads": 4,
    "decoder_num_key_value_heads": 4,
    "num_key_value_heads": 4,
    "conv_dim": (16,) * 7,
    "subsampling_conv_channels": 8,
    "output_hidden_size": 64,
    "encoder_hidden_size": 64,
    "num_layers": 1,
    "hidden_dim": 64,
    "output_dim": 64,
}


def shallow(name: str) -> Any:
    """A published architecture of one narrow layer."""
    config: Any = copy.deepcopy(published_config(name))
    inner = ("encoder_config", "audio_config", "projector_config", "text_config", "decoder_config")
    for part in (config, *(getattr(config, name, None) for name in inner)):
        for field, value in SMALL.items():
            if getattr(part, field, None) is not None:
                setattr(part, field, value)
    if hasattr(config, "codec_config"):
        config.codec_config = MimiConfig(
            num_filters=4,
            hidden_size=64,
            upsample_groups=64,
            num_hidden_layers=1,
            intermediate_size=64,
        )
    return config


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Published names stand for models of one layer."""
    for module in _MODULES:
        monkeypatch.setattr(module, "published_config", shallow)


def task(name: str, **changes: Any) -> CaseTask:
    """A case that asks for FLOPs alone."""
    case = {
        "weights": changes.pop("weights", "random"),
        "variant": changes.pop("variant", FP32),
        "seconds": changes.pop("seconds", 2.0),
        "batch": changes.pop("batch", 2),
        "engine": changes.pop("engine", None),
        "device": changes.pop("device", "cpu"),
    }
    model = Model(name=name, weights=case["weights"], engine=case["engine"])
    fields: dict[str, Any] = {
        "case": Case(model, case["device"], case["variant"], case["seconds"], case["batch"]),
        "clips": None,
        "measures": frozenset({"flops"}),
        "limits": Limits(tokens_per_audio_second=3.0),
        "seed": 42,
        "trace": None,
    }
    return CaseTask(**{**fields, **changes})


def counted(asked: CaseTask) -> tuple[Result, list[Any]]:
    """The row of a case, and what it said."""
    said: list[Any] = []
    return count_case(asked, said.append, "2026-01-01T00:00:00.000000+00:00"), said


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.usefixtures("small")
def test_a_count_without_weights_is_that_of_the_model_that_ran(name, speech_like):
    asked = task(name)
    engine = load_engine(request(name, tokens_per_audio_second=3.0))
    with torch.inference_mode():
        ran = engine.transcribe(speech_like(2, count=2))
    work = engine.workload(samples=32_000, batch=2, decoder_calls=ran.decoder_calls)
    result, _ = counted(asked)
    assert result.flops == workload_flops(work)
    totals = [one.flops for one in result.flops if one.stage == "total"]
    assert totals[0] and result.flops_reason is None
    assert result.parameters == engine.parameters
    assert (result.state, result.reason, result.latency) == ("ok", None, None)
    assert result.latency_reason == "latency is not among the measures"


@pytest.mark.parametrize(
    ("variant", "windows"),
    [
        (Variant(name="beams", beams=2), 1),
        (Variant(name="no-cache", cache="off"), 1),
        (Variant(name="overlap", long_form="overlap"), 2),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.usefixtures("small")
def test_a_variant_counts_as_the_model_that_ran(variant, windows, speech_like):
    name, seconds = "openai/whisper-tiny", 2 if windows == 1 else 31
    engine = load_engine(request(name, variant=variant, tokens_per_audio_second=0.1))
    ran = engine.transcribe(speech_like(seconds))
    assert ran.windows == windows
    samples = seconds * 16_000
    work = engine.workload(samples=samples, batch=1, decoder_calls=ran.decoder_calls)
    changes = {"variant": variant, "seconds": seconds, "batch": 1}
    result, _ = counted(task(name, **changes, limits=Limits(tokens_per_audio_second=0.1)))
    assert result.flops == workload_flops(work)


@pytest.mark.parametrize("changes", [{"quantization": "int8-dynamic"}, {"precision": "bf16"}])
def test_a_number_format_leaves_the_count_as_it_is(tmp_path, changes):
    name = str(save_ctc(tmp_path))
    result, _ = counted(task(name, weights="pretrained", variant=Variant(name="x", **changes)))
    assert result.flops == counted(task(name, weights="pretrained"))[0].flops


def test_a_chunked_model_counts_its_chunks(tmp_path, speech_like):
    variant = Variant(name="chunks", chunk_seconds=1, left_seconds=1, right_seconds=0)
    name = str(save_ctc(tmp_path / "ctc"))
    engine = load_engine(request(name, weights="pretrained", variant=variant))
    work = engine.workload(samples=32_000, batch=2, decoder_calls=None)
    result, _ = counted(task(name, weights="pretrained", variant=variant))
    assert result.flops == workload_flops(work)


def test_a_folder_needs_no_weights_and_a_text_of_unknown_length_has_no_total(tmp_path):
    for save, decodes in ((save_ctc, False), (save_whisper, True), (save_moonshine, True)):
        folder: Path = save(tmp_path / save.__name__)
        full = load_engine(request(str(folder), weights="pretrained"))
        (folder / "model.safetensors").unlink()
        result, _ = counted(task(str(folder), weights="pretrained"))
        work = full.workload(samples=32_000, batch=2, decoder_calls=None)
        assert result.flops == workload_flops(work)
        found = {one.stage: one.flops for one in result.flops}
        assert found["encoder"]
        assert (found["total"] is None) == decodes
        assert result.flops_reason == (UNKNOWN_TEXT if decodes else None)
        assert result.parameters == full.parameters


@pytest.mark.usefixtures("small")
def test_a_published_checkpoint_is_neither_looked_for_nor_read():
    result, _ = counted(task("openai/whisper-tiny", weights="pretrained"))
    found = {one.stage: one.flops for one in result.flops}
    random, _ = counted(task("openai/whisper-tiny"))
    assert found["encoder"] == {one.stage: one.flops for one in random.flops}["encoder"]
    assert found["total"] is None
    assert result.weights == "pretrained"


def test_equal_work_is_counted_once(tmp_path, monkeypatch):
    calls: list[int] = []

    def count(work: Any) -> Any:
        calls.append(1)
        return workload_flops(work)

    monkeypatch.setattr("runner.passes.flops.workload_flops", count)
    known: dict[str, Any] = {}
    whisper, ctc = str(save_whisper(tmp_path / "whisper")), str(save_ctc(tmp_path / "ctc"))

    def run(name: str, **changes: Any) -> None:
        result, said = counted(task(name, weights="pretrained", counted=known, **changes))
        assert result.flops
        known.update({one.key: one.readings for one in said if isinstance(one, Counted)})

    # Both lengths fill one window; precisions and devices compute alike.
    for seconds, precision, device in ((2, "fp32", "cpu"), (5, "bf16", "cpu"), (5, "fp32", "cuda")):
        variant = Variant(name="x", precision=precision)
        for batch in (1, 2):
            run(whisper, variant=variant, seconds=seconds, batch=batch, device=device)
    assert len(calls) == 2, "one for each batch size"
    for seconds in (2, 5, 2):
        run(ctc, seconds=seconds)
    assert len(calls) == 4, "one for each length"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"name": "openai/whisper-tiny", "engine": "onnx"},
            "onnx has no configuration to count without weights; its model, by its own engine, "
            "can be counted",
        ),
        (
            {"name": "pocketsphinx", "weights": "pretrained"},
            "pocketsphinx has no configuration to count without weights",
        ),
        (
            {
                "name": "openai/whisper-tiny",
                "variant": Variant(name="vad", long_form="vad"),
                "seconds": 40.0,
            },
            "long_form vad: what is said decides how much is computed",
        ),
        (
            {"name": "openai/whisper-tiny", "variant": Variant(name="pl", prompt_lookup=3)},
            "the drafts decide how much is computed",
        ),
    ],
    ids=["exported", "no tensors", "speech decides", "drafts"],
)
@pytest.mark.usefixtures("small")
def test_what_cannot_be_counted_says_why(changes, reason):
    result, _ = counted(task(**changes))
    assert (result.state, result.flops, result.flops_reason) == ("ok", (), reason)


def test_the_work_of_texts_is_unknown_to_an_engine_without_passes(tmp_path):
    engine = load_engine(request(str(save_moonshine(tmp_path)), weights="pretrained"))
    assert engine.fixed_calls(32_000) is None
    with pytest.raises(Unmeasurable, match="chunk"):
        engine.chunks = object()
        engine.workload(samples=32_000, batch=1, decoder_calls=None)
