"""Putting a benchmark into the queue: one way, for every command and for the terminal UI."""

from __future__ import annotations

import json
from pathlib import Path

from runner.config import Benchmark
from runner.grid import expand
from runner.parts import share
from store import Store

RETRIES = {"ray": 2}
"""How often a lost job is queued again by itself, by target: nodes come and go."""


def enqueue(
    store: Store,
    benchmark: Benchmark,
    target: str,
    *,
    priority: int = 0,
    time_limit_s: float | None = None,
    folder: Path | None = None,
    needs: str | None = None,
    part: str | None = None,
    retries: int | None = None,
) -> int:
    """Queues a benchmark and returns the job's id.

    Args:
        store: The store with the queue.
        benchmark: What to run.
        target: Where.
        priority: A higher one starts first.
        time_limit_s: Longest that one attempt may take.
        folder: Where relative paths of the config start; here when None.
        needs: What it needs of a fleet's node, as JSON.
        part: Its share of the cases, ``2/4``.
        retries: How often it is queued again by itself when it is lost; by target when None.
    """
    document = json.dumps(benchmark.model_dump(mode="json"))
    return store.queue.add(
        store.add_benchmark(benchmark.name, document),
        target=target,
        cases_total=len(share(expand(benchmark), part)),
        priority=priority,
        time_limit_s=time_limit_s,
        folder=str((folder or Path.cwd()).absolute()),
        needs=needs,
        part=part,
        retries=RETRIES.get(target, 0) if retries is None else retries,
    )
