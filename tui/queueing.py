"""Putting a benchmark into the queue from the app."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from runner.config import Benchmark
from runner.grid import expand
from store import Store


def queue_benchmark(
    benchmark: Benchmark,
    target: str,
    *,
    priority: int = 0,
    time_limit_s: float | None = None,
    folder: Path | None = None,
) -> Callable[[Store], int]:
    """What the writer has to do; it gives the job's id.

    Args:
        benchmark: What to run.
        target: Where.
        priority: A higher one starts first.
        time_limit_s: Longest that one attempt may take.
        folder: Where relative paths of the config start; here when None.
    """

    def add(store: Store) -> int:
        document = json.dumps(benchmark.model_dump(mode="json"))
        return store.queue.add(
            store.add_benchmark(benchmark.name, document),
            target=target,
            cases_total=len(expand(benchmark)),
            priority=priority,
            time_limit_s=time_limit_s,
            folder=str((folder or Path.cwd()).absolute()),
        )

    return add
