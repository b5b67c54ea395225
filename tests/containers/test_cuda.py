"""The CUDA image on a machine with a GPU: the boards are passed, and a run uses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from runner.dispatch.container import ContainerLauncher
from runner.dispatch.dispatcher import Dispatcher
from runner.measure.nvml import open_nvml
from store import JobRequest
from tests.containers.conftest import ContainerYard

IMAGE = "asrprof-runner:cuda"


@pytest.mark.gpu
def test_a_run_on_the_gpu(make_yard: Callable[[str], ContainerYard], engine: Any) -> None:
    boards = open_nvml()
    if not boards.gpus:
        pytest.skip(f"no GPU: {boards.reason}")
    if not engine.images.list(name=IMAGE):
        pytest.skip(f"no image {IMAGE} for the GPU")
    yard = make_yard("asrprof-runner:cpu")
    config = {
        "name": "gpu",
        "models": ["openai/whisper-tiny"],
        "weights": "random",
        "devices": ["cuda"],
        "audio_seconds": [5],
        "batch_sizes": [1],
        "measures": ["latency", "energy", "memory"],
    }
    benchmark = yard.store.add_benchmark("gpu", json.dumps(config))
    job = yard.store.queue.add(
        benchmark, JobRequest(target="docker-cuda", folder=str(yard.folder)), cases_total=1
    )
    launcher = ContainerLauncher(yard.path, "cuda", environ=yard.environ)
    launcher.check()
    Dispatcher(yard.store, {"docker-cuda": launcher}, say=yard.said.append).run(drain=True)
    assert yard.store.job(job).state == "done", yard.said
    (row,) = yard.store.leaderboard(job_id=job)
    assert (row.state, row.reason) == ("ok", None)
    assert row.vram_mb and row.latency_ms
    environment = yard.store.result(row.result_id).result.environment
    assert environment is not None
    assert environment.gpu_uuid in {gpu.uuid for gpu in boards.gpus}
