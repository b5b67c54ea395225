"""Cases on a real NVIDIA GPU, through the same process a user's run takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from runner.clips import prepare
from runner.config import Data, Limits, Model, Variant
from runner.grid import Case
from runner.isolation import prepare as start_server
from runner.isolation import run_isolated
from runner.load import load_engine
from runner.task import CaseTask
from tests.engines.loading import request

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.version.cuda, reason="this torch has no CUDA"),
]

LIMITS = Limits(
    warmup_seconds=5,
    min_seconds=1,
    energy_window_seconds=3,
    energy_windows=2,
    energy_idle_seconds=2,
    energy_cooldown_seconds=1,
)


@pytest.fixture
def needs_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU here")


def task_for(tmp_path: Path, name: str, **changes) -> CaseTask:
    clips = prepare(Data(cache=str(tmp_path)), audio_seconds=5.0, seed=42)
    case = Case(
        model=Model(name=name, weights=changes.pop("weights", "random")),
        device=changes.pop("device", "cuda"),
        variant=Variant(name="fp32"),
        audio_seconds=5.0,
        batch_size=changes.pop("batch_size", 4),
    )
    measures = ["latency", "stages", "energy", "memory", "flops", "operators", "quality"]
    return CaseTask(case, clips.path, frozenset(measures), LIMITS, 42, None)


def run(task: CaseTask):
    start_server()
    return run_isolated(task, on_message=lambda _: None, should_stop=lambda: False)


def test_a_case_has_every_figure_and_joules_of_the_counter(needs_gpu, tmp_path):
    result = run(task_for(tmp_path, "openai/whisper-tiny"))
    assert result.state == "ok", result.reason
    assert result.environment.gpu_name
    assert result.environment.gpu_uuid.startswith("GPU-")
    readings = {reading.source: reading for reading in result.energy}
    counter, sampled = readings["nvml-counter"], readings["nvml-sampled"]
    assert counter.label == "measured"
    assert sampled.label == "sampled"
    assert result.energy_primary == "nvml-counter", counter.reason
    assert counter.mean_w > counter.idle_w > 10
    assert sampled.gross_j == pytest.approx(counter.gross_j, rel=0.15)
    # The joules of a batch are the mean power over its own time, not some other span's.
    per_batch_s = counter.window_s / counter.batches
    assert counter.gross_j == pytest.approx(counter.mean_w * per_batch_s, rel=0.1)
    assert per_batch_s == pytest.approx(result.latency.mean_s, rel=0.25)
    assert result.memory.gpu_allocated_bytes > result.memory.weights_bytes
    assert result.memory.gpu_board_bytes > result.memory.gpu_reserved_bytes
    assert {operator.device for operator in result.operators} == {"cpu", "cuda"}
    stages = sum(stage.median_s for stage in result.stages)
    assert stages == pytest.approx(result.latency.median_s, rel=0.35)


def test_a_gpu_that_is_not_there_is_refused(needs_gpu, tmp_path):
    result = run(task_for(tmp_path, "openai/whisper-tiny", device="cuda:63"))
    assert result.state == "refused"
    assert "GPU" in result.reason


def test_out_of_gpu_memory_is_a_row(needs_gpu, tmp_path):
    torch_free = torch.cuda.mem_get_info()[0]
    hog = torch.empty(max(0, torch_free - 600 * 2**20), dtype=torch.uint8, device="cuda")
    try:
        result = run(task_for(tmp_path, "openai/whisper-medium", batch_size=16))
    finally:
        del hog
        torch.cuda.empty_cache()
    assert result.state == "oom", result.reason
    assert "out of memory" in result.reason


def test_the_gpu_computes_what_the_cpu_does(needs_gpu, speech_like):
    batch = speech_like(3, 2)
    logits = []
    for device in ("cpu", "cuda"):
        engine = load_engine(request("facebook/wav2vec2-base-960h", device=device))
        inputs = torch.from_numpy(np.stack(batch)).to(device)
        with torch.inference_mode():
            logits.append(engine.model(inputs).logits.cpu())
    # fp32 proper: with TF32 on, the difference is a hundred times this.
    error = (logits[0] - logits[1]).norm() / logits[0].norm()
    assert error < 1e-4
