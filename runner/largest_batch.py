"""The batch size ``max``: the largest that fits into memory, found before its case is measured.

By doubling until a batch does not fit, then by bisection. Each try is a process of its own, so
whatever a lack of memory does to it, the search goes on. On a CPU a process is bounded by what the
machine has free, or the kernel would end some other program in its place.

On a CPU the border is as sharp as the C library's allocator lets it be: what it keeps of memory
that was freed differs by some tens of MB between processes that do the same, and grows with what a
case measures beside its latency. A try therefore has a little less than the case will have. A model
that needs no more than that play for a clip can show another border, a few clips off, when run
again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from runner.task import CaseTask
from store.records import Result, Scalar

RESOLUTION = 16
"""The search ends when what fits and what does not are a clip apart, or this part of what fits."""
KEPT_FREE = 0.9
"""Of what is free, the share that a try may take: the machine has other programs."""
LEAST_BYTES = 64 * 2**20
TO_SPARE = 0.05
"""Of the bound, the share that a try must leave for the passes of the case itself."""


@dataclass(frozen=True)
class Search:
    """What is known so far."""

    most: int
    """Where it ends at the latest."""
    fits: int = 0
    fails: int | None = None
    reason: str | None = None
    """Why ``fails`` does not fit."""
    tries: int = 0

    @property
    def next(self) -> int | None:
        """The size to try, or None where the border is known well enough."""
        if self.fails is None:
            return min(max(1, 2 * self.fits), self.most) if self.fits < self.most else None
        step = max(1, self.fits // RESOLUTION)
        return (self.fits + self.fails) // 2 if self.fails - self.fits > step else None

    def noted(self, size: int, reason: str | None) -> Search:
        """What is known after a try; ``reason`` says why it does not fit, None that it does."""
        if reason is None:
            return replace(self, fits=size, tries=self.tries + 1)
        # One that fitted when it was tried, and not when it was measured, lies on the border.
        fits = min(self.fits, size - max(1, size // RESOLUTION))
        return replace(self, fits=fits, fails=size, reason=reason, tries=self.tries + 1)


def run_largest(task: CaseTask, run: Callable[[CaseTask], Result]) -> Result:
    """Finds the largest batch of a case and measures the case with it.

    Args:
        task: A case of batch size ``max``.
        run: Runs a task in a process of its own.

    Returns:
        The result at the size that was found, with the figures ``largest_batch`` and, where memory
        ended the search, ``too_large_batch``. Where not even one clip fits, or something else than
        memory is in the way of a larger batch, the row says so and has no figures.
    """
    task = bounded(task)
    search = Search(most=task.limits.largest_batch)
    while True:
        while (size := search.next) is not None:
            outcome = run(_trial(task, size))
            if outcome.state != "ok" and size == 1:
                return outcome
            if outcome.state not in ("ok", "oom"):
                return replace(outcome, reason=_on_the_way(size, outcome.reason))
            search = search.noted(size, None if outcome.state == "ok" else outcome.reason)
        result = run(replace(task, found_batch=search.fits))
        if result.state != "oom" or search.fits == 1:
            return replace(result, figures=(*result.figures, *_figures(search)))
        search = search.noted(search.fits, result.reason)


def _trial(task: CaseTask, size: int) -> CaseTask:
    """A try of a size, with less memory than the case will have; a GPU's has no bound here."""
    bound = task.limits.memory_bytes
    if bound is not None:
        memory = max(1, math.floor((1 - TO_SPARE) * bound))
        task = replace(
            task,
            limits=task.limits.model_copy(update={"memory_bytes": memory}),
            memory_bound=f"{task.memory_bound} less a twentieth",
        )
    return replace(task, found_batch=size, trial=True)


def _on_the_way(size: int, reason: str | None) -> str:
    """Why a search came to nothing, with what the user can change about it."""
    return (
        f"at batch {size}, on the way to the largest: {reason or 'no reason given'}; "
        f"limits.largest_batch below {size} ends the search before it"
    )


def bounded(task: CaseTask, available: Callable[[], int | None] | None = None) -> CaseTask:
    """The task with a bound on its memory: on a CPU, where it has none, what is free."""
    if task.case.device != "cpu" or task.limits.memory_bytes is not None:
        return task
    free = (available or free_bytes)()
    if free is None:
        return task
    memory = max(LEAST_BYTES, math.floor(KEPT_FREE * free))
    return replace(
        task,
        limits=task.limits.model_copy(update={"memory_bytes": memory}),
        memory_bound="of free memory",
    )


def free_bytes(root: Path = Path("/")) -> int | None:
    """Bytes that a new process may take, of this machine and of this control group."""
    found = []
    try:
        for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    except OSError:
        return None
    group = root / "sys/fs/cgroup"
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        used = int((group / "memory.current").read_text(encoding="ascii"))
        if limit != "max":
            found.append(max(0, int(limit) - used))
    except (OSError, ValueError):
        pass  # No control group that bounds memory.
    return min(found, default=None)


def _figures(search: Search) -> tuple[Scalar, ...]:
    tried = f"found in {search.tries} tries, each in a process of its own"
    if search.fails is None:
        note = f"{tried}; limits.largest_batch ended the search, not memory"
        return (Scalar(name="largest_batch", value=float(search.fits), note=note),)
    return (
        Scalar(name="largest_batch", value=float(search.fits), note=tried),
        Scalar(
            name="too_large_batch",
            value=float(search.fails),
            note=f"the smallest that did not fit: {search.reason or 'no reason given'}",
        ),
    )
