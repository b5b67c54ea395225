"""Memory from shapes alone: against sums by hand, real allocations, and all models in time."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest
import torch

from runner.engines.architectures import PUBLISHED, published_config
from runner.flops.memory import model_memory, peak_bytes

MB = 1_000_000


def test_the_peak_is_what_lives_at_once():
    def run() -> torch.Tensor:
        a = torch.zeros(1000, device="meta")  # 4000 bytes
        b = a + 1  # 8000
        c = b.view(10, 100) * 2  # 12000; the view holds nothing of its own
        del a, b
        d = c + 1  # 8000: what was deleted does not count
        return d.sum()

    assert peak_bytes(run) == 12_000


def test_weights_and_in_place_changes_are_not_activations():
    weight = torch.zeros(1000, device="meta")

    def run() -> None:
        weight.view(10, 100).add_(1)
        weight.add_(1)

    assert peak_bytes(run) == 0


def test_whisper_tiny():
    found = model_memory(
        published_config("openai/whisper-tiny"), samples=480_000, batch=1, tokens=100
    )
    assert found.parameters == pytest.approx(37.8e6, rel=0.002)
    assert found.weights_bytes == 4 * found.parameters
    # Attention's scores and their softmax: 6 heads, 1500 x 1500 frames, four bytes, and the rest.
    scores = 6 * 1500 * 1500 * 4
    assert 2 * scores < found.activations_bytes < 2.4 * scores
    # Four layers, keys and values of 384, of 1500 frames and 4 + 99 tokens.
    assert found.cache_bytes == 4 * 2 * 384 * 4 * (1500 + 103)


@pytest.mark.parametrize("name", ["openai/whisper-tiny", "facebook/wav2vec2-base-960h"])
def test_activations_grow_with_the_batch_and_weights_do_not(name):
    one, four = (
        model_memory(published_config(name), samples=80_000, batch=batch, tokens=10)
        for batch in (1, 4)
    )
    assert four.weights_bytes == one.weights_bytes
    assert four.activations_bytes == pytest.approx(4 * one.activations_bytes, rel=0.05)
    assert four.cache_bytes == 4 * one.cache_bytes


@pytest.mark.e2e
def test_all_models_at_30_s_within_minutes():
    """About 23 s of CPU time on an idle machine, twice as much on a busy one."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "runner.flops", "--all"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # Idle threads would take time as well.
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(PUBLISHED)
    assert all(float(line.split()[-1]) > 1 for line in lines[2:])
    assert after.ru_utime - before.ru_utime < 120
    assert (after.ru_maxrss - before.ru_maxrss) * 1024 < 2_000 * MB, "nothing was allocated"
