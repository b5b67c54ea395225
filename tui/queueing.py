"""Putting a benchmark into the queue from the app."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from store import JobRequest, Store
from store.jobs import HELD

if TYPE_CHECKING:
    from runner.config import Benchmark


def queue_benchmark(benchmark: Benchmark, request: JobRequest) -> Callable[[Store], int]:
    """What the writer has to do; it gives the job's id."""

    def add(store: Store) -> int:
        from runner.dispatch.enqueue import enqueue

        return enqueue(store, benchmark, request)

    return add


class Queued(NamedTuple):
    """A job that waits or runs."""

    job: int
    already: bool
    """Whether it did before anyone asked for it now."""


def queue_preset_once(name: str, target: str, *, folder: Path) -> Callable[[Store], Queued]:
    """What the writer has to do to queue a preset, unless a job of it waits or runs.

    Args:
        name: Name of the preset.
        target: Where it runs.
        folder: Where relative paths of the config start.
    """

    def add(store: Store) -> Queued:
        for job in store.jobs(states=(*HELD, "queued")):
            if job.benchmark == name:
                return Queued(job.id, already=True)
        from runner.config_file import load_benchmark

        request = JobRequest(target=target, folder=str(folder))
        return Queued(queue_benchmark(load_benchmark(name), request)(store), already=False)

    return add
