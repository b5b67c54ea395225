"""Putting a benchmark into the queue: one way, for every command and for the terminal UI."""

from __future__ import annotations

import json
from pathlib import Path

from runner.config import Benchmark
from runner.grid import expand
from store import Store


def enqueue(
    store: Store,
    benchmark: Benchmark,
    target: str,
    *,
    priority: int = 0,
    time_limit_s: float | None = None,
    folder: Path | None = None,
) -> int:
    """Queues a benchmark and returns the job's id.

    Args:
        store: The store with the queue.
        benchmark: What to run.
        target: Where.
        priority: A higher one starts first.
        time_limit_s: Longest that one attempt may take.
        folder: Where relative paths of the config start; here when None.
    """
    document = json.dumps(benchmark.model_dump(mode="json"))
    return store.queue.add(
        store.add_benchmark(benchmark.name, document),
        target=target,
        cases_total=len(expand(benchmark)),
        priority=priority,
        time_limit_s=time_limit_s,
        folder=str((folder or Path.cwd()).absolute()),
    )
