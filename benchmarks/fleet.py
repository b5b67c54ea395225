"""Prints what a job costs the dispatcher, as the queue and the fleet grow.

The store, the queue and the dispatcher are the real ones; only the nodes are made up: each runs a
job for a few turns of the dispatcher, and hands in a spool of one row. CPU time is what is judged.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.launcher import Exited, Handle, Launcher, Running
from runner.lease import LEASE_S
from store import (
    Begun,
    Ended,
    JobRequest,
    JobRow,
    Measured,
    Pool,
    Result,
    SpoolRecord,
    Store,
    timestamp,
    utc_now,
)

TURNS = 3
"""Turns of the dispatcher that a job takes."""
MOST_GROWTH = 1.5
"""A job among a hundred times as many may cost so much more before it counts as more than linear:
trees of an index grow by a level or two."""
NEEDS = (None, '{"arch": "arm64"}', '{"accelerator": "H100"}', '{"site": "lab-2"}')


@dataclass(frozen=True)
class Cost:
    """What one size of queue costs."""

    jobs: int
    nodes: int
    queue_s: float
    """CPU seconds to put one job into the queue."""
    dispatch_s: float
    """CPU seconds to claim, start, follow, take in and end one job."""


class _MadeUpNodes(Launcher):
    """As many nodes as are wanted, a quarter of them for each of four kinds of needs."""

    elsewhere = True

    def __init__(self, nodes: int) -> None:
        self._places = max(1, nodes // len(NEEDS))

    def pools(self, store: Store) -> list[Pool]:
        return [Pool("ray", ("ray",), self._places, needs) for needs in store.queue.needs("ray")]

    def launch(self, job: JobRow) -> Handle:
        return _MadeUpRunner(job)

    def find(self, job: JobRow) -> Handle | None:
        return None

    def logs(self, job: JobRow, follow: Callable[[], bool]) -> Iterator[str]:
        return iter(())

    def forget(self, job: JobRow) -> None:
        return


class _MadeUpRunner(Handle):
    def __init__(self, job: JobRow) -> None:
        self._job = job
        self._turns = 0

    @property
    def ref(self) -> str:
        return f"made-up/{self._job.id}"

    @property
    def log(self) -> Path | None:
        return None

    def poll(self) -> Running | Exited:
        self._turns += 1
        return Exited(0, "") if self._turns > TURNS else Running(node="node/made-up")

    def stop(self, grace_s: float) -> None:
        self._turns = TURNS

    def bring(self, store: Store, *, last: bool) -> None:
        at = timestamp(utc_now())
        if self._turns == 1:
            records: list[SpoolRecord] = [Begun(seq=1, owner="node:1:1")]
        elif last:
            records = [
                Measured(seq=2, at=at, result=_row(at)),
                Ended(seq=3, state="done", reason=None),
            ]
        else:
            return
        store.ingest(self._job.id, self._job.attempt, records, lease_s=LEASE_S)


def _row(at: str) -> Result:
    return Result(
        case_key="case",
        model="m",
        engine="e",
        weights="random",
        revision=None,
        device="cpu",
        variant="fp32",
        audio_seconds=5.0,
        batch_size=1,
        seed=0,
        state="ok",
        reason=None,
        started_at=at,
        wall_s=0.0,
    )


def measure(jobs: int, nodes: int, folder: Path) -> Cost:
    """Queues and dispatches so many jobs in a store of their own."""
    with Store.open(folder / f"{jobs}-{nodes}.db") as store:
        benchmark = store.add_benchmark("bench", '{"name": "bench"}')
        began = time.process_time()
        for number in range(jobs):
            needs = NEEDS[number % len(NEEDS)]
            store.queue.add(benchmark, JobRequest(target="ray", needs=needs), cases_total=1)
        queued = time.process_time()
        dispatcher = Dispatcher(store, {"ray": _MadeUpNodes(nodes)}, poll_s=0.0)
        dispatcher.run(drain=True)
        ended = time.process_time()
        if len(dispatcher.ended) != jobs or store.counts().ok != jobs:
            raise RuntimeError(f"{jobs} jobs were queued, {store.counts().ok} were done")
    return Cost(jobs, nodes, (queued - began) / jobs, (ended - queued) / jobs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; gives 1 if a job costs more the more there are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000, help="the longest queue")
    parser.add_argument("--nodes", type=int, default=1_000, help="the largest fleet")
    given = parser.parse_args(arguments)
    sizes = [
        *((jobs, given.nodes) for jobs in (given.jobs // 100, given.jobs // 10, given.jobs)),
        *((given.jobs // 10, nodes) for nodes in (given.nodes // 100, given.nodes // 10)),
    ]
    print("   jobs   nodes   queue a job   dispatch a job")
    costs = []
    with tempfile.TemporaryDirectory(prefix="asrprof-bench-") as folder:
        for jobs, nodes in sizes:
            cost = measure(jobs, max(1, nodes), Path(folder))
            costs.append(cost)
            print(
                f"{cost.jobs:7,} {cost.nodes:7,}  {cost.queue_s * 1e6:9.0f} us"
                f"  {cost.dispatch_s * 1e6:12.0f} us",
                flush=True,
            )
    middle, large = costs[1], costs[2]
    growth = large.dispatch_s / middle.dispatch_s
    print(f"{large.jobs // middle.jobs} times the jobs: {growth:.2f} times the cost of each")
    return int(growth > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
