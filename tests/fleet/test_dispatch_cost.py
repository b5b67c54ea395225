"""What a job costs the dispatcher must not grow with the queue."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fleet import MOST_GROWTH, measure


@pytest.mark.e2e
@pytest.mark.timed
def test_a_job_costs_as_much_in_a_long_queue_as_in_a_short_one(tmp_path: Path) -> None:
    measure(100, 100, tmp_path)  # Imports, and what SQLite reads once.
    short, long = measure(300, 300, tmp_path), measure(2400, 300, tmp_path)
    assert long.dispatch_s < MOST_GROWTH * short.dispatch_s
    assert long.queue_s < MOST_GROWTH * short.queue_s
