"""ONNX Runtime: exports that are whole or not there, proofs, and what is refused."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest

from runner.clips.builtin import read_builtin
from runner.config import Model, Variant
from runner.engines.base import Engine
from runner.engines.onnx_export import Export, exported, is_whole
from runner.errors import NoEffect, Refused
from runner.flops import workload_flops
from runner.load import load_engine
from tests.checkpoints import save_ctc, save_moonshine, save_unknown_operator
from tests.engines.loading import request

onnx_runtime = pytest.importorskip("runner.engines.onnx_runtime")
pytest.importorskip("onnxscript")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache for this file: an export takes its time."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("ASRPROF_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CTC model of a few thousand parameters."""
    return save_ctc(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def speech() -> list[np.ndarray]:
    return [one.audio for one in read_builtin(4).utterances]


def load(name: str, *, weights: str = "pretrained", **parts: object) -> Engine:
    variant = Variant.model_validate({"name": "tried", **parts})
    return load_engine(request(name, weights=weights, variant=variant, engine="onnx"))


@pytest.mark.e2e
def test_every_node_is_where_it_was_asked_for(checkpoint: Path, speech) -> None:
    engine = load(str(checkpoint))
    (proof,) = engine.verify(speech[:1])
    assert (proof.technique, proof.requested) == ("precision", "fp32")
    total = sum(engine.graphs["frames"].placed.values())
    assert proof.found.startswith(f"{total} of {total} nodes on {onnx_runtime.CPU} (100%)")
    assert total > 20
    own = load_engine(request(str(checkpoint), weights="pretrained"))
    assert engine.parameters == own.parameters
    assert engine.weights_bytes == pytest.approx(own.weights_bytes, rel=0.3)
    samples = {"samples": 16_000, "batch": 2, "decoder_calls": None}
    ours, theirs = (workload_flops(one.workload(**samples)) for one in (engine, own))
    assert [reading.flops for reading in ours] == [reading.flops for reading in theirs]


def test_work_that_fell_back_to_the_cpu_is_no_result(checkpoint: Path, speech) -> None:
    engine = load(str(checkpoint))
    engine.graphs["frames"].provider = "CUDAExecutionProvider"
    with pytest.raises(NoEffect, match=r"not on CUDAExecutionProvider: .*MatMul"):
        engine.verify(speech[:1])


@pytest.mark.parametrize("quantization", ["int8-dynamic", "int8-dynamic-channel"])
def test_int8_is_products_of_integers(checkpoint: Path, speech, quantization: str) -> None:
    plain, small = load(str(checkpoint)), load(str(checkpoint), quantization=quantization)
    precision, proof = small.verify(speech[:1])
    assert (precision.technique, proof.technique, proof.requested) == (
        "precision",
        "quantization",
        quantization,
    )
    # Four projections of attention, two of the feed-forward part, and those at either end.
    assert proof.found.startswith("8 products of integers; ")
    assert small.weights_bytes < plain.weights_bytes
    assert len(small.transcribe(speech).texts) == len(speech)


def test_floats_are_no_result_where_integers_were_asked_for(checkpoint: Path, speech) -> None:
    engine, plain = load(str(checkpoint), quantization="int8-dynamic"), load(str(checkpoint))
    engine.graphs = plain.graphs
    with pytest.raises(NoEffect, match="no product is of integers"):
        engine.verify(speech[:1])


def test_an_export_is_made_once(checkpoint: Path, cache: Path) -> None:
    first, again = load(str(checkpoint)), load(str(checkpoint))
    assert again.exported.folder == first.exported.folder
    assert again.figures() == ()
    assert not list((cache / "onnx").glob(".part-*"))


@pytest.mark.e2e
def test_an_entry_that_was_cut_short_is_made_anew(
    checkpoint: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(str(checkpoint))
    shutil.copytree(cache, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path))
    folder = load(str(checkpoint)).exported.folder
    assert folder.is_relative_to(tmp_path)
    weights = folder / "frames.onnx.data"
    size = weights.stat().st_size
    os.truncate(weights, size // 2)
    assert not is_whole(folder)
    assert load(str(checkpoint)).exported.seconds is not None
    assert weights.stat().st_size == size
    assert is_whole(folder)


def test_a_killed_export_leaves_nothing(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path))
    over = threading.Event()

    def kill() -> None:
        while not over.is_set():
            for child in psutil.Process().children():
                if "runner.engines.onnx_export" in child.cmdline():
                    child.send_signal(signal.SIGKILL)
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(MemoryError, match=r"for ONNX: exit code -9"):
            load(str(checkpoint))
    finally:
        over.set()
        killer.join()
    assert list((tmp_path / "onnx").iterdir()) == []


@pytest.mark.e2e
def test_a_disk_that_is_full_is_one_line_and_leaves_nothing(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the limit on a file's size, which a process inherits."""
    monkeypatch.setenv("ASRPROF_CACHE", str(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
    try:
        with pytest.raises(Refused, match=r"tiny for ONNX: .*File too large") as no:
            load(str(checkpoint))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(no.value)
    assert list((tmp_path / "onnx").iterdir()) == []


def test_an_operator_that_it_lacks_is_one_line(tmp_path: Path) -> None:
    file = save_unknown_operator(tmp_path)
    with pytest.raises(Refused, match=r"ONNX Runtime cannot run odd.onnx: .*Whistle") as no:
        onnx_runtime.OnnxGraph(file, onnx_runtime.CPU, 0)
    assert "\n" not in str(no.value)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"precision": "bf16"}, "onnx has fp32 alone"),
        ({"quantization": "int8-weight-only"}, "use int8-dynamic or int8-dynamic-channel"),
        ({"cache": "off"}, "cache off does not fit onnx: it has no"),
        ({"beams": 2}, "beams 2 does not fit onnx: it has no"),
    ],
)
def test_what_it_lacks_is_refused(checkpoint: Path, parts: dict[str, object], words: str) -> None:
    with pytest.raises(Refused, match=words) as caught:
        load(str(checkpoint), **parts)
    assert "\n" not in str(caught.value)


def test_a_gpu_without_its_provider_is_refused() -> None:
    with pytest.raises(Refused, match="onnxruntime-gpu"):
        load_engine(request("small-whisper", weights="pretrained", engine="onnx", device="cuda"))


def test_models_that_it_does_not_run() -> None:
    with pytest.raises(ValueError, match="model: onnx runs those alone"):
        Model(name="pocketsphinx", engine="onnx")


@pytest.mark.e2e
def test_a_moonshine_hears_clips_of_any_length(
    tmp_path_factory: pytest.TempPathFactory, speech
) -> None:
    """Alone and padded to the longest; on OpenVINO by the same files."""
    name = str(save_moonshine(tmp_path_factory.mktemp("moonshine") / "tiny"))
    own = load_engine(request(name, weights="pretrained"))
    expected = own.transcribe(speech)
    assert len(set(expected.texts)) > 1
    for engine in ("onnx", "openvino") if find_spec("openvino") else ("onnx",):
        found = load_engine(request(name, weights="pretrained", engine=engine))
        assert found.transcribe(speech) == expected
        for wave in speech:
            assert found.transcribe([wave]) == own.transcribe([wave])


@pytest.mark.e2e  # Exporting takes its time.
def test_random_weights_do_exactly_the_stated_work(speech_like) -> None:
    engine = load("openai/whisper-tiny", weights="random")
    (figure,) = engine.figures()
    assert figure.name == "conversion_s"
    outcome = engine.transcribe(speech_like(5, 2))
    assert (outcome.decoder_calls, outcome.tokens) == (10, 20)
    with engine.shortened(3):
        assert engine.transcribe(speech_like(31)).tokens == 2 * 3
    own = load_engine(request("openai/whisper-tiny"))
    assert outcome.texts == own.transcribe(speech_like(5, 2)).texts
    passes = []
    decoder = engine.decoder_passes(speech_like(5, 2), 8)
    decoder.run(lambda: passes.append(1))
    assert (decoder.rows, len(passes)) == (2, 8)
    theirs = own.decoder_passes(speech_like(5, 2), 8).cache()
    assert [(f.name, f.value) for f in decoder.cache()] == [(f.name, f.value) for f in theirs]


def test_what_is_exported_says_it(checkpoint: Path) -> None:
    source = Export.of(request(str(checkpoint), weights="pretrained"), None)
    assert (source.family, source.format, source.seed) == ("ctc", "fp32", None)
    assert {path.name for path in exported(source).folder.iterdir()} >= {
        "frames.onnx", "frames.onnx.data", "config.json", "vocab.json", "sizes.json",
    }  # fmt: skip
