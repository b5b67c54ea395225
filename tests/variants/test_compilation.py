"""torch.compile and CUDA graphs: what is compiled, how long it takes, where it is refused."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
import torch
from torch._dynamo.callback import CallbackTrigger, callback_handler
from torch._dynamo.utils import counters
from torch.utils._pytree import tree_flatten, tree_unflatten

from runner.clips.clip import Waveform
from runner.config import Variant
from runner.engines.base import Unmeasurable
from runner.engines.hooks import hooked
from runner.engines.torch_engine import TorchEngine
from runner.errors import NoEffect, Refused
from runner.load import load_engine
from runner.variants.compilation import CompileWatch
from runner.variants.cuda_graphs import (
    MOST_RECORDINGS,
    CudaGraph,
    Recorded,
    Recording,
    difference,
)
from tests.engines.loading import request

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.mark.timed
@pytest.mark.e2e
def test_a_compiled_encoder_hears_the_same_and_its_time_is_apart(load, speech, baseline):
    engine = load("small-whisper", compile="default")
    began = time.perf_counter()
    assert engine.transcribe(speech[:2]).texts == baseline("small-whisper")[:2]
    cold_s = time.perf_counter() - began
    began = time.perf_counter()
    engine.transcribe(speech[:2])
    warm_s = time.perf_counter() - began
    _, proof = engine.verify(speech[:2])
    assert (proof.technique, proof.requested) == ("compile", "default")
    assert proof.found == "1 graphs, 0 breaks"
    figures = {figure.name: figure.value for figure in engine.figures()}
    assert figures["compiled_graphs"] == 1
    assert 0.5 * (cold_s - warm_s) < figures["compile_s"] < cold_s


def test_compiling_what_is_never_called_is_no_result(load, speech):
    engine = load("small-whisper", compile="default")
    # As `torch.compile(model).generate()` does: another method than the one that was compiled.
    engine.model.get_encoder()._compiled_call_impl = None
    engine.transcribe(speech[:1])
    with pytest.raises(NoEffect, match="compile default did not take effect: 0 graphs"):
        engine.verify(speech[:1])


@pytest.mark.timed
@pytest.mark.e2e
def test_a_compiled_decoder_says_the_same(load, speech, baseline):
    engine = load("small-whisper", cache="static", compile_decoder="default")
    began = time.perf_counter()
    assert engine.transcribe(speech[:2]).texts == baseline("small-whisper")[:2]
    cold_s = time.perf_counter() - began
    _, cache, proof = engine.verify(speech[:2])
    assert "static" in cache.found
    steps = engine.transcribe(speech[:2]).decoder_calls - 1
    assert proof.found == f"{steps} of {steps} steps after the prefill, 1 graphs, 0 breaks"
    figures = {figure.name: figure.value for figure in engine.figures()}
    assert figures["compiled_graphs"] == 1
    assert 0.5 * cold_s < figures["compile_s"] < cold_s
    with pytest.raises(Unmeasurable, match="compiled code"):
        engine.decoder_passes(speech[:1], 8)


def test_a_decoder_that_is_not_compiled_is_no_result(load, speech):
    engine = load("small-whisper", cache="static", compile_decoder="default")
    engine.model.generation_config.disable_compile = True
    engine.transcribe(speech[:1])
    with pytest.raises(NoEffect, match="compile_decoder default did not take effect: nothing"):
        engine.verify(speech[:1])


def graphs() -> int:
    return int(counters["stats"]["unique_graphs"])


def linear_calls(engine: TorchEngine, batch: Sequence[Waveform]) -> int:
    """Passes of the encoder's linear layers that hooks see: none in compiled code."""
    calls: list[int] = []
    layers = [m for m in engine.encoder.modules() if isinstance(m, torch.nn.Linear)]
    with hooked(layers, lambda *_: calls.append(1), before=False):
        engine.transcribe(batch)
    return len(calls)


def prove_beside_a_compiled_encoder(engine: TorchEngine, batch: Sequence[Waveform]) -> list[str]:
    said, made = engine.transcribe(batch).texts, graphs()
    proven = [proof.technique for proof in engine.verify(batch)]
    assert linear_calls(engine, batch) == 0, "compiled code is in use again"
    with torch.compiler.set_stance("fail_on_recompile"):
        assert engine.transcribe(batch).texts == said
    assert graphs() == made
    return proven


PAIRS = [
    ("small-parakeet-ctc", {"precision": "bf16", "autocast": True}),
    ("small-wav2vec2-ctc", {"attention": "eager"}),
    ("small-wav2vec2-ctc", {"attention": "sdpa"}),
    ("small-wav2vec2-ctc", {"quantization": "int8-dynamic"}),
    ("small-wav2vec2-ctc", {"chunk_seconds": 2.0}),
    ("small-whisper", {"beams": 2}),
    ("small-whisper", {"assistant": "self", "attention": "eager"}),
]


@pytest.fixture(autouse=True)
def _forget_what_others_compiled():
    """Code that was compiled eight times over is no longer compiled: by that of other tests."""
    torch._dynamo.reset()


@pytest.mark.e2e
@pytest.mark.parametrize(("name", "parts"), [PAIRS[0], PAIRS[3], PAIRS[6]])
def test_other_parts_are_proven_beside_a_compiled_encoder(load, speech, name, parts):
    engine = load(name, compile="default", **parts)
    proven = prove_beside_a_compiled_encoder(engine, speech[:2])
    assert {"precision", "compile", *parts} - {"autocast"} == set(proven)


@pytest.mark.e2e
@pytest.mark.parametrize(("name", "parts"), PAIRS)
def test_proofs_leave_what_was_compiled_as_it_is(load, speech, name, parts):
    """As above, without the half minute of a compiler's back end."""
    engine = load(name, compile="default", **parts)
    engine.encoder.compile(backend="eager")
    assert "compile" in prove_beside_a_compiled_encoder(engine, speech[:1])


def test_what_ran_without_a_cuda_graph_is_counted():
    before = CompileWatch()
    counters["inductor"]["cudagraph_skips"] += 1
    watch = CompileWatch()
    assert (before.skips, watch.skips) == (1, 0), "what others skipped is not its own"
    assert not watch.recorded_all(1), "nothing was recorded"
    for compiled in ("0/0", "0/0", "1/0"):
        with callback_handler.install_callbacks(CallbackTrigger.CUDAGRAPH_RECORDING, compiled):
            pass
    with callback_handler.install_callbacks(CallbackTrigger.DYNAMO, "2/0"):
        pass
    assert watch.cuda_graphs == "3 CUDA graphs recorded, 0 skipped"
    assert watch.recorded_all(2)
    assert not watch.recorded_all(3)
    counters["inductor"]["cudagraph_skips"] += 1
    assert watch.cuda_graphs == "3 CUDA graphs recorded, 1 skipped"
    assert not watch.recorded_all(1)


def test_the_compiler_still_counts_what_it_skips():
    from torch._inductor.cudagraph_utils import log_cudagraph_skip_and_bump_counter

    watch = CompileWatch()
    log_cudagraph_skip_and_bump_counter("skipping cudagraphs due to a test")
    assert watch.skips == 1


@pytest.mark.parametrize("parts", [{}, {"cache": "dynamic"}, {"cache": "static", "beams": 2}])
def test_a_decoder_is_compiled_over_a_static_cache(parts):
    with pytest.raises(ValueError, match='needs "cache": "static"'):
        Variant.model_validate({"name": "x", "compile_decoder": "default", **parts})


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            {"cache": "static", "compile_decoder": "reduce-overhead"},
            "compile_decoder reduce-overhead: is CUDA graphs",
        ),
        ({"compile": "reduce-overhead"}, "compile reduce-overhead: is CUDA graphs"),
        ({"cuda_graph": True}, "cuda_graph True: needs an NVIDIA GPU"),
    ],
)
def test_what_needs_a_gpu_is_refused_on_a_cpu(load, parts, words):
    name = "small-whisper" if "cache" in parts else "small-wav2vec2-ctc"
    with pytest.raises(Refused, match=words) as caught:
        load(name, **parts)
    assert "\n" not in str(caught.value)


def test_one_kind_of_graph_at_a_time():
    with pytest.raises(ValueError, match="neither"):
        Variant.model_validate({"name": "x", "cuda_graph": True, "compile": "default"})


class Replayed:
    """A graph on the CPU: a replay computes the pass once more, or does nothing."""

    def __init__(self, forward, leaves, form, outputs, works):
        self.forward, self.leaves, self.form = forward, leaves, form
        self.outputs, self.works = outputs, works

    def replay(self) -> None:
        if not self.works:
            return
        arguments, keywords = tree_unflatten(self.leaves, self.form)
        fresh = tree_flatten(self.forward(*arguments, **keywords))[0]
        for place, value in zip(self.outputs, fresh, strict=True):
            if isinstance(place, torch.Tensor):
                place.copy_(value)


def recorder(*, works: bool = True):
    def record(forward, leaves, form) -> Recording:
        own = [leaf.clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
        arguments, keywords = tree_unflatten(own, form)
        outputs, output_form = tree_flatten(forward(*arguments, **keywords))
        inputs = [leaf for leaf in own if isinstance(leaf, torch.Tensor)]
        return Recording(Replayed(forward, own, form, outputs, works), inputs, outputs, output_form)

    return record


def with_recording(engine: TorchEngine, *, works: bool = True) -> CudaGraph:
    """Gives an engine on the CPU an encoder that is replayed."""
    variant = Variant(name="tried", cuda_graph=True)
    technique = CudaGraph(
        request("small-whisper", weights="pretrained", variant=variant), load_engine
    )
    technique.recorded = Recorded(engine.encoder.forward, record=recorder(works=works))
    engine.encoder.forward = technique.recorded
    engine.techniques = (*engine.techniques, technique)
    return technique


@pytest.mark.e2e
@pytest.mark.parametrize("name", ["small-whisper", "small-wav2vec2-ctc"])
@pytest.mark.parametrize("parts", [{"attention": "eager"}, {"quantization": "int8-dynamic"}])
def test_a_replay_is_set_against_the_pass_it_stands_for(load, speech, name, parts):
    engine = load(name, **parts)
    technique = with_recording(engine)
    texts = engine.transcribe(speech[:2]).texts
    *_, proof = engine.verify(speech[:2])
    assert proof.found.startswith("1 recordings, replayed 1 times in a batch; other audio is off")
    assert len(technique.recorded.recordings) == 1
    assert engine.encoder.forward is technique.recorded
    assert engine.transcribe(speech[:2]).texts == texts


def test_a_replay_that_does_nothing_is_no_result(load, speech):
    engine = load("small-wav2vec2-ctc")
    with_recording(engine, works=False)
    engine.transcribe(speech[:2])
    # What it gives for this very batch is still right.
    with pytest.raises(NoEffect, match="replayed 1 times in a batch; other audio is off by"):
        engine.verify(speech[:2])


def test_shapes_beyond_the_most_are_not_recorded():
    """Utterances at their natural lengths would fill the GPU with recordings."""
    recorded = Recorded(lambda x: x * 2, record=recorder())
    for length in range(1, MOST_RECORDINGS + 4):
        given = torch.full((length,), float(length))
        assert recorded(given).tolist() == [2.0 * length] * length
    assert len(recorded.recordings) == recorded.replays == MOST_RECORDINGS
    assert recorded.without == 3
    recorded(torch.ones(1))
    assert (recorded.replays, recorded.without) == (MOST_RECORDINGS + 1, 3)


def test_passes_without_a_recording_are_told(load, speech):
    engine = load("small-wav2vec2-ctc")
    technique = with_recording(engine)
    engine.transcribe(speech[:1])
    assert [figure.name for figure in technique.figures(engine)] == ["cuda_graphs"]
    plain = load("small-wav2vec2-ctc")
    waves = [speech[0][: len(speech[0]) - 800 * cut] for cut in range(MOST_RECORDINGS + 2)]
    for wave in waves:
        assert engine.transcribe([wave]).texts == plain.transcribe([wave]).texts
    graphs, without = technique.figures(engine)
    assert (graphs.value, without.value) == (MOST_RECORDINGS, 2)


def test_the_difference_of_two_outputs():
    a = torch.tensor([3.0, 4.0])
    assert difference((a, None), (a, None)) == 0
    assert difference((a * 1.1,), (a,)) == pytest.approx(0.1)
    assert not difference((a * float("nan"),), (a,)) <= 1
    assert not difference((None,), (None,)) <= 1, "nothing to compare"


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("name", ["small-whisper", "small-wav2vec2-ctc", "small-parakeet-ctc"])
def test_a_recorded_encoder_hears_the_same(load_on, speech, name):
    plain, engine = load_on("cuda", name), load_on("cuda", name, cuda_graph=True)
    for _ in range(2):
        assert engine.transcribe(speech).texts == plain.transcribe(speech).texts
    _, proof = engine.verify(speech)
    assert proof.found.startswith("1 recordings, replayed 1 times in a batch; other audio is off")


@pytest.mark.gpu
@needs_gpu
def test_a_decoder_of_cuda_graphs_says_the_same(load_on, speech):
    plain = load_on("cuda", "small-whisper")
    engine = load_on("cuda", "small-whisper", cache="static", compile_decoder="reduce-overhead")
    for _ in range(2):
        assert engine.transcribe(speech).texts == plain.transcribe(speech).texts
    *_, proof = engine.verify(speech)
    assert proof.found.endswith("CUDA graphs recorded, 0 skipped")
    assert " 0 CUDA graphs" not in proof.found


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("name", ["small-whisper", "small-wav2vec2-ctc"])
def test_a_compiled_encoder_of_cuda_graphs_hears_the_same(load_on, speech, name):
    plain, engine = load_on("cuda", name), load_on("cuda", name, compile="reduce-overhead")
    for _ in range(3):  # Compiled, recorded, replayed.
        assert engine.transcribe(speech).texts == plain.transcribe(speech).texts
    _, proof = engine.verify(speech)
    assert proof.found.endswith(", 1 CUDA graphs recorded, 0 skipped")


@pytest.mark.gpu
@needs_gpu
def test_a_compiler_that_records_no_cuda_graphs_is_no_result(load_on, speech):
    engine = load_on("cuda", "small-wav2vec2-ctc", compile="reduce-overhead")
    engine.encoder.compile(mode="default")
    engine.transcribe(speech)
    with pytest.raises(NoEffect, match="0 CUDA graphs recorded"):
        engine.verify(speech)
