"""faster-whisper beside transformers: the same checkpoint, the same clips, the same work."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import psutil
import pytest

from runner.clips.builtin import read_builtin
from runner.config import Model, Variant
from runner.engines.base import Engine, Unmeasurable
from runner.engines.conversion import sweep
from runner.errors import NoEffect, Refused
from runner.flops import workload_flops
from runner.load import load_engine
from runner.measure.stages import StageClock
from tests.conftest import ROOT
from tests.engines.loading import request

pytest.importorskip("faster_whisper")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """One cache for this file: a conversion takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("ASRPROF_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def speech():
    waves = [utterance.audio for utterance in read_builtin(12).utterances]
    longest = max(map(len, waves))
    return [np.pad(wave, (0, longest - len(wave))) for wave in waves]


def load(name: str = "small-whisper", *, weights: str = "pretrained", **parts) -> Engine:
    variant = Variant.model_validate({"name": "tried", **parts})
    return load_engine(request(name, weights=weights, variant=variant, engine="faster-whisper"))


def ours(**parts) -> Engine:
    variant = Variant.model_validate({"name": "tried", **parts})
    return load_engine(request("small-whisper", weights="pretrained", variant=variant))


@pytest.mark.e2e
@pytest.mark.parametrize("beams", [1, 3])
def test_it_hears_what_transformers_hears(speech, beams):
    engine, other = load(beams=beams), ours(beams=beams)
    found, expected = engine.transcribe(speech), other.transcribe(speech)
    same = sum(a == b for a, b in zip(found.texts, expected.texts, strict=True))
    assert same >= len(speech) - (0 if beams == 1 else 2)
    assert found.windows == expected.windows == len(speech)
    if beams == 1:
        assert (found.tokens, found.decoder_calls) == (expected.tokens, expected.decoder_calls)
    assert engine.parameters == other.parameters
    assert [reading.flops for reading in _flops(engine)] == [r.flops for r in _flops(other)]


def _flops(engine: Engine):
    return workload_flops(engine.workload(samples=80_000, batch=2, decoder_calls=9))


@pytest.mark.e2e
def test_int8_is_smaller_and_proven(speech):
    plain, small = load(), load(quantization="int8-dynamic")
    proofs = small.verify(speech[:1])
    assert [(proof.technique, proof.requested) for proof in proofs] == [
        ("precision", "fp32"), ("quantization", "int8-dynamic"),
    ]  # fmt: skip
    assert all(proof.found.startswith("int8_float32, ") for proof in proofs)
    assert plain.verify(speech[:1])[0].found.startswith("float32, ")
    assert small.weights_bytes < 0.4 * plain.weights_bytes
    texts = small.transcribe(speech).texts, plain.transcribe(speech).texts
    same = [a == b for a, b in zip(*texts, strict=True)]
    assert sum(same) >= len(speech) // 2


def test_another_format_than_asked_for_is_no_result(speech):
    engine = load()
    engine.compute_type = "int8_float32"
    with pytest.raises(NoEffect, match="CTranslate2 computes in float32"):
        engine.verify(speech[:1])


def test_beams_are_hypotheses_of_the_search(speech):
    engine = load(beams=3)
    precision, proof = engine.verify(speech[:2])
    assert (precision.technique, proof.technique, proof.requested) == ("precision", "beams", "3")
    assert proof.found == "3 hypotheses of each window"
    assert engine.cap is None
    assert [proof.technique for proof in load().verify(speech[:1])] == ["precision"]


def test_fewer_beams_than_asked_for_are_no_result(speech):
    engine = load(beams=3)
    engine.beams = 1
    with pytest.raises(NoEffect, match="beams 3 did not take effect: The number of hypotheses"):
        engine.verify(speech[:1])


def test_its_decoder_cannot_be_watched(speech):
    with pytest.raises(Unmeasurable, match="its steps cannot be seen"):
        load().decoder_passes(speech[:1], 8)


def test_a_conversion_is_made_once(cache):
    first = load(quantization="int8-dynamic")
    again = load(quantization="int8-dynamic")
    assert again.converted.folder == first.converted.folder
    assert again.figures() == ()
    assert not list((cache / "ctranslate2").glob(".part-*"))


@pytest.mark.e2e  # Converting takes its time.
def test_random_weights_do_exactly_the_stated_work(speech_like):
    engine = load("openai/whisper-tiny", weights="random")
    (figure,) = engine.figures()
    assert figure.name == "conversion_s"
    outcome = engine.transcribe(speech_like(5, 2))
    tokens = math.ceil(5 * 2.0)
    assert (outcome.decoder_calls, outcome.tokens) == (tokens, 2 * tokens)
    assert len(outcome.texts) == 2
    with engine.shortened(3):
        assert engine.transcribe(speech_like(31)).tokens == 2 * 3
    assert engine.parameters == pytest.approx(37.8e6, rel=0.01)


def test_stages(speech):
    engine = load()
    stopwatch = StageClock(engine, time.perf_counter)
    stopwatch.start()
    engine.transcribe(speech[:1], stopwatch.mark)
    assert list(stopwatch.seconds) == ["features", "transfer", "encode", "decode", "text"]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            {"cache": "static"},
            "static does not fit faster-whisper: it has no key-value cache",
        ),
        ({"precision": "tf32"}, "faster-whisper has no tf32"),
        ({"quantization": "int8-weight-only"}, "use int8-dynamic"),
        ({"precision": "fp16"}, "CTranslate2 has no float16 on this cpu; it has float32"),
    ],
)
def test_what_it_lacks_is_refused(parts, words):
    with pytest.raises(Refused, match=words) as caught:
        load(**parts)
    assert "\n" not in str(caught.value)


def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(Refused, match="cuda:7"):
        load_engine(
            request("small-whisper", weights="pretrained", engine="faster-whisper", device="cuda:7")
        )


def test_it_runs_whispers_alone():
    with pytest.raises(ValueError, match="is no whisper model"):
        Model(name="small-wav2vec2-ctc", engine="faster-whisper")
    with pytest.raises(Refused, match="is no whisper model"):
        load_engine(request("small-wav2vec2-ctc", weights="pretrained", engine="faster-whisper"))


def test_a_conversion_ends_with_the_process_that_asked_for_it(tmp_path):
    """Its parent is killed, as a case that takes too long is."""
    waits = (
        "import os, sys, time; from runner.engines.conversion import end_with; "
        "end_with(int(sys.argv[1])); print(os.getpid(), flush=True); time.sleep(60)"
    )
    starts = (
        "import os, subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, '-c', {waits!r}, str(os.getpid())]); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", starts], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    conversion = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    with suppress(psutil.NoSuchProcess):
        conversion.wait(timeout=10)
    assert not conversion.is_running() or conversion.status() == psutil.STATUS_ZOMBIE


def test_what_a_killed_conversion_left_is_swept_away(tmp_path):
    mine, gone = tmp_path / f".part-{os.getpid()}-a", tmp_path / ".part-4194305-b"
    for folder in (mine, gone):
        folder.mkdir()
    sweep(tmp_path)
    assert mine.is_dir()
    assert not gone.exists()
