"""Putting a benchmark into the queue from the app."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from store import JobRequest, Store

if TYPE_CHECKING:
    from runner.config import Benchmark


def queue_benchmark(benchmark: Benchmark, request: JobRequest) -> Callable[[Store], int]:
    """What the writer has to do; it gives the job's id."""

    def add(store: Store) -> int:
        from runner.dispatch.enqueue import enqueue

        return enqueue(store, benchmark, request)

    return add


def queue_preset(name: str, target: str, *, folder: Path) -> Callable[[Store], int]:
    """What the writer has to do to queue a preset; see ``queue_benchmark``.

    Args:
        name: Name of the preset.
        target: Where it runs.
        folder: Where relative paths of the config start.
    """

    def add(store: Store) -> int:
        from runner.config_file import load_benchmark

        request = JobRequest(target=target, folder=str(folder))
        return queue_benchmark(load_benchmark(name), request)(store)

    return add
