"""How many threads of this process compute, by the kernel's account."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Self

_TASKS = Path("/proc/self/task")
_LEAST_SHARE = 0.2
"""A thread that had less than this share of the busiest one's time has not computed with it: it
makes features (a twentieth on processors that are quick with matrices), watches memory, or tells
another process how far a case is. Threads of one product have equal shares."""


class WorkingThreads:
    """A context that counts the threads that ran in it and are still there at its end."""

    count: int | None = None
    """How many; None where the kernel does not tell."""

    def __enter__(self) -> Self:
        self._before = _run_ns()
        return self

    def __exit__(self, *_: object) -> None:
        ran = [after - self._before.get(task, 0) for task, after in _run_ns().items()]
        if ran and max(ran) > 0:
            self.count = sum(each > _LEAST_SHARE * max(ran) for each in ran)


def _run_ns() -> dict[str, int]:
    """Nanoseconds that each thread has run; empty where there is no such account."""
    found = {}
    for task in _TASKS.glob("*"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # It has ended meanwhile.
            found[task.name] = int((task / "schedstat").read_text().split()[0])
    return found
