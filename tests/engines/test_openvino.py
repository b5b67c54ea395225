"""OpenVINO: the number format that was asked for, threads, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.clips.builtin import read_builtin
from runner.config import Variant
from runner.engines.base import Engine
from runner.errors import NoEffect, Refused
from runner.load import load_engine
from tests.checkpoints import save_ctc, save_unknown_operator
from tests.engines.loading import request

openvino = pytest.importorskip("openvino")
runtime = pytest.importorskip("runner.engines.openvino_runtime")


pytestmark = pytest.mark.usefixtures("kept_conversions")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CTC model of a few thousand parameters."""
    return save_ctc(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def speech() -> list[np.ndarray]:
    return [one.audio for one in read_builtin(4).utterances]


def load(name: str, **parts: object) -> Engine:
    variant = Variant.model_validate({"name": "tried", **parts})
    return load_engine(request(name, weights="pretrained", variant=variant, engine="openvino"))


@pytest.mark.e2e
def test_it_computes_in_what_was_asked_for(checkpoint: Path, speech) -> None:
    engine = load(str(checkpoint))
    graph = engine.graphs["frames"]
    assert graph.precision == "f32"
    assert set(graph.products) == {"f32"}
    (proof,) = engine.verify(speech[:1])
    assert proof.found == f"compiled for f32; products of f32 x {graph.products['f32']}"
    own = load_engine(request(str(checkpoint), weights="pretrained"))
    assert engine.transcribe(speech).texts == own.transcribe(speech).texts


def test_another_format_than_asked_for_is_no_result(checkpoint: Path, speech) -> None:
    """What OpenVINO makes of a hint is its own affair, so the compiled graph is read."""
    engine = load(str(checkpoint))
    engine.techniques[0].variant = Variant.model_validate({"name": "tried", "precision": "bf16"})
    with pytest.raises(NoEffect, match="OpenVINO computes in f32: f32 x"):
        engine.verify(speech[:1])


def test_a_format_that_the_cpu_lacks_is_refused(checkpoint: Path) -> None:
    there = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    lacking = [name for name in ("bf16", "fp16") if name.upper() not in there]
    if not lacking:
        pytest.skip("this CPU has every format: GPU or CUDA are not asked")
    with pytest.raises(Refused, match=rf"OpenVINO has no {lacking[0]} on this CPU; it has .*fp32"):
        load(str(checkpoint), precision=lacking[0])


def test_int8_weights_are_held(checkpoint: Path, speech) -> None:
    plain = load(str(checkpoint))
    small = load(str(checkpoint), quantization="int8-weight-only")
    _, proof = small.verify(speech[:1])
    # Four projections of attention, two of the feed-forward part, and those at either end.
    assert proof.found.startswith("products of ")
    assert "i8 x 8" in proof.found
    assert small.exported.folder == plain.exported.folder
    products = sum(w.numel() for w in own_matrices(checkpoint))
    assert plain.weights_bytes - small.weights_bytes == pytest.approx(3 * products, rel=0.1)
    assert len(small.transcribe(speech).texts) == len(speech)


def own_matrices(checkpoint: Path) -> list[torch.Tensor]:
    """Weights of the linear layers of the model in PyTorch."""
    model = load_engine(request(str(checkpoint), weights="pretrained")).model
    return [m.weight for m in model.modules() if isinstance(m, torch.nn.Linear)]


def test_floats_are_no_result_where_int8_was_asked_for(checkpoint: Path, speech) -> None:
    engine = load(str(checkpoint), quantization="int8-weight-only")
    engine.graphs = load(str(checkpoint)).graphs
    with pytest.raises(NoEffect, match="products are of f32 x"):
        engine.verify(speech[:1])


def test_threads_are_those_of_the_limits(checkpoint: Path) -> None:
    """In a process of its own: OpenVINO counts the cores once, and a test worker may have one."""
    code = (
        "import os, sys, torch\n"
        "os.sched_setaffinity(0, range(os.cpu_count()))\n"
        "from tests.engines.test_openvino import load\n"
        "for threads in (1, 2):\n"
        "    torch.set_num_threads(threads)\n"
        "    print(load(sys.argv[1]).graphs['frames'].threads)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(checkpoint)],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.stdout.split() == ["1", "2"], done.stderr


def test_an_operator_that_it_lacks_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    file = save_unknown_operator(tmp_path)
    with pytest.raises(Refused, match=r"OpenVINO cannot run odd.onnx: .*Whistle") as no:
        runtime.OpenVinoGraph(file, "f32", int8=False)
    assert "\n" not in str(no.value)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"precision": "tf32"}, "OpenVINO has no tf32 on this CPU"),
        ({"quantization": "int8-dynamic"}, "use int8-weight-only"),
        ({"beams": 2}, "beams 2 does not fit openvino: it has no"),
    ],
)
def test_what_it_lacks_is_refused(checkpoint: Path, parts: dict[str, object], words: str) -> None:
    with pytest.raises(Refused, match=words) as caught:
        load(str(checkpoint), **parts)
    assert "\n" not in str(caught.value)


def test_a_gpu_is_refused() -> None:
    with pytest.raises(Refused, match="openvino runs on the CPU only"):
        load_engine(
            request("small-whisper", weights="pretrained", engine="openvino", device="cuda")
        )
