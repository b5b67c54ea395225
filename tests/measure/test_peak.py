"""The machine's peak: arithmetic with a fake clock, plausibility with a real one."""

from __future__ import annotations

from itertools import count

import pytest
import torch

from runner.measure.peak import Sizes, measure_peak


def test_figures_are_work_by_the_best_time() -> None:
    ticks = count()
    sizes = Sizes(side=64, copied_bytes=4096)
    peak = measure_peak("cpu", clock=lambda: next(ticks) / 8, sizes=sizes)
    # Each repetition lies between two neighbouring reads, an eighth of a second apart.
    assert peak.flops_per_s == 2 * 64**3 * 8
    assert peak.bytes_per_s == 2 * 4096 * 8
    assert (peak.dtype, peak.threads) == ("float32", torch.get_num_threads())


def test_a_real_machine_is_plausible() -> None:
    peak = measure_peak("cpu", sizes=Sizes(side=512, copied_bytes=2**26))
    # Any processor that runs torch is between these, also while others use it.
    assert 1e8 < peak.flops_per_s < 1e14
    assert 1e7 < peak.bytes_per_s < 1e13


def test_too_little_memory_is_an_error_that_the_case_survives() -> None:
    with pytest.raises(RuntimeError, match="memory"):
        measure_peak("cpu", sizes=Sizes(side=64, copied_bytes=2**60))
