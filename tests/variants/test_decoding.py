"""The decoder's cache and its beams: what each pass is handed, the text, the work."""

from __future__ import annotations

import time

import pytest
import torch

from runner.errors import NoEffect, Refused
from runner.flops import workload_flops
from runner.measure.stages import StageClock


def flops(engine, calls: int) -> dict[str, int]:
    readings = workload_flops(engine.workload(samples=80_000, batch=1, decoder_calls=calls))
    return {reading.stage: reading.flops for reading in readings}


@pytest.mark.parametrize("kind", ["dynamic", "static", "off"])
def test_every_cache_gives_the_same_text(load, speech, baseline, kind):
    engine = load("small-whisper", cache=kind)
    assert engine.transcribe(speech).texts == baseline("small-whisper")
    _, proof = engine.verify(speech[:2])
    assert (proof.technique, proof.requested) == ("cache", kind)
    assert proof.found.startswith(f"{kind} in ")
    sizes = {figure.name: figure.value for figure in engine.figures()}
    if kind == "off":
        assert set(sizes.values()) == {0}
    else:
        config = engine.model.config
        # Keys and values, four bytes each, of two rows.
        row = 2 * 4 * 2 * config.decoder_layers * config.d_model
        assert sizes["cross_cache_bytes"] == row * config.max_source_positions
        assert sizes["self_cache_bytes"] % row == 0


def test_a_static_cache_has_its_full_length_from_the_start(load, speech):
    sizes = {}
    for kind in ("dynamic", "static"):
        engine = load("small-whisper", cache=kind)
        engine.verify(speech[:1])
        sizes[kind] = {figure.name: figure.value for figure in engine.figures()}
    assert sizes["static"]["self_cache_bytes"] > 4 * sizes["dynamic"]["self_cache_bytes"]
    assert sizes["static"]["cross_cache_bytes"] == sizes["dynamic"]["cross_cache_bytes"]


def test_a_cache_that_the_decoder_is_not_handed_is_no_result(load, speech):
    engine = load("small-whisper", cache="static")
    engine.model.generation_config.cache_implementation = None
    with pytest.raises(NoEffect, match=r"cache static did not take effect.*handed dynamic in"):
        engine.verify(speech[:1])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_static_cache_on_a_gpu_compiles_nothing(load_on, speech):
    from torch._dynamo.utils import counters

    plain, engine = (
        load_on("cuda", "small-whisper"),
        load_on("cuda", "small-whisper", cache="static"),
    )
    before = counters["stats"]["unique_graphs"]
    assert engine.transcribe(speech).texts == plain.transcribe(speech).texts
    _, proof = engine.verify(speech)
    assert proof.found.startswith("static in ")
    assert counters["stats"]["unique_graphs"] == before


def test_without_a_cache_the_work_is_many_times_as_much(load):
    cached, off = (flops(load("small-whisper", cache=kind), 12) for kind in ("dynamic", "off"))
    assert off["encoder"] == cached["encoder"]
    assert off["decode"] > 5 * cached["decode"]


def test_beams_are_rows_of_the_decoder(load, speech, baseline):
    engine = load("small-whisper", beams=3)
    outcome = engine.transcribe(speech[:4])
    same = sum(a == b for a, b in zip(outcome.texts, baseline("small-whisper"), strict=False))
    assert same >= 3
    _, proof = engine.verify(speech[:4])
    assert proof.found == "3 decoder rows a window in 4 passes"
    greedy = load("small-whisper").transcribe(speech[:4])
    assert outcome.decoder_calls >= greedy.decoder_calls
    assert outcome.tokens >= greedy.tokens - 2
    one, three = flops(load("small-whisper"), 9), flops(engine, 9)
    assert three["encoder"] == one["encoder"]
    assert three["decode"] == 3 * one["decode"]
    assert three["prefill"] == 3 * one["prefill"]


def test_stages_of_a_beam_search(load, speech):
    engine = load("small-whisper", beams=2)
    stopwatch = StageClock(engine, time.perf_counter)
    stopwatch.start()
    engine.transcribe(speech[:1], stopwatch.mark)
    assert list(stopwatch.seconds) == [
        "features", "transfer", "encode", "prefill", "decode", "text",
    ]  # fmt: skip
    assert all(seconds > 0 for seconds in stopwatch.seconds.values())


def test_beams_that_do_not_reach_the_decoder_are_no_result(load, speech):
    engine = load("small-whisper", beams=3)
    engine.model.generation_config.num_beams = 1
    with pytest.raises(NoEffect, match="beams 3 did not take effect"):
        engine.verify(speech[:1])


@pytest.mark.parametrize("part", [{"cache": "static"}, {"beams": 2}])
def test_a_ctc_model_has_no_decoder(load, part):
    with pytest.raises(Refused, match="does not fit ctc: it has no "):
        load("small-wav2vec2-ctc", **part)
