"""Putting a benchmark into the queue: one way, for every command and for the terminal UI."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from runner.config import Benchmark
from runner.grid import expand
from runner.parts import share
from store import JobRequest, Store

RETRIES = {"ray": 2}
"""How often a lost job is queued again by itself, by target: nodes come and go."""


def enqueue(store: Store, benchmark: Benchmark, request: JobRequest) -> int:
    """Queues a benchmark and returns the job's id.

    Args:
        store: The store with the queue.
        benchmark: What to run.
        request: Where and how; its folder is this one unless it names another.
    """
    document = json.dumps(benchmark.model_dump(mode="json"))
    retries = RETRIES.get(request.target, 0) if request.retries is None else request.retries
    folder = str(Path(request.folder or Path.cwd()).absolute())
    return store.queue.add(
        store.add_benchmark(benchmark.name, document),
        replace(request, retries=retries, folder=folder),
        cases_total=len(share(expand(benchmark), request.part)),
    )
