"""Sharing a benchmark's cases out: each to one part, variants beside their baseline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.config import Benchmark
from runner.errors import UserError
from runner.grid import expand
from runner.parts import parts, points, share

BENCHMARK = Benchmark.model_validate(
    {
        "name": "grid",
        "models": ["small-wav2vec2-ctc", "small-whisper"],
        "audio_seconds": [5, 10, 15],
        "batch_sizes": [1, 2],
        "variants": ["fp32", {"name": "bf16", "precision": "bf16"}],
    }
)
CASES = expand(BENCHMARK)


@given(st.integers(1, 20))
def test_each_case_is_in_one_part(count: int) -> None:
    shares = [share(CASES, part) for part in parts(count)]
    assert sorted(case.key for one in shares for case in one) == sorted(c.key for c in CASES)
    sizes = [len(one) for one in shares]
    assert max(sizes) - min(sizes) <= 2  # A point has two variants.
    for one in shares:
        for case in one:
            twin = [
                c for c in one if (c.model, c.audio_seconds) == (case.model, case.audio_seconds)
            ]
            assert {c.variant.name for c in twin} == {"fp32", "bf16"}


def test_no_part_is_all() -> None:
    assert share(CASES, None) == CASES
    assert points(CASES) == 12


@pytest.mark.parametrize("part", ["0/2", "3/2", "x", "1/", "1/0", "-1/2"])
def test_no_such_part(part: str) -> None:
    with pytest.raises(UserError, match="such as 2/4"):
        share(CASES, part)
