"""Putting a benchmark into the queue from the app."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from store import Store

if TYPE_CHECKING:
    from runner.config import Benchmark


def queue_benchmark(
    benchmark: Benchmark,
    target: str,
    *,
    priority: int = 0,
    time_limit_s: float | None = None,
    folder: Path | None = None,
    needs: str | None = None,
    retries: int | None = None,
) -> Callable[[Store], int]:
    """What the writer has to do; it gives the job's id.

    Args:
        benchmark: What to run.
        target: Where.
        priority: A higher one starts first.
        time_limit_s: Longest that one attempt may take.
        folder: Where relative paths of the config start; here when None.
        needs: What the job needs of a fleet's node, as JSON.
        retries: How often it is queued again by itself when it is lost; by target when None.
    """

    def add(store: Store) -> int:
        from runner.dispatch.enqueue import enqueue

        return enqueue(
            store,
            benchmark,
            target,
            priority=priority,
            time_limit_s=time_limit_s,
            folder=folder,
            needs=needs,
            retries=retries,
        )

    return add


def queue_preset(name: str, target: str, *, folder: Path) -> Callable[[Store], int]:
    """What the writer has to do to queue a preset; see ``queue_benchmark``."""

    def add(store: Store) -> int:
        from runner.config_file import load_benchmark

        return queue_benchmark(load_benchmark(name), target, folder=folder)(store)

    return add
