"""How many threads of this process compute, by the kernel's account."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Self

_TASKS = Path("/proc/self/task")
_LEAST_SHARE = 0.03
"""A thread that had less than this share of the busiest one's time has not computed with it: it
watches memory, or tells another process how far a case is. Threads that take what is left of a
product may have a twentieth, where they share one core."""
_LEAST_OF_CALLER = 0.3
"""The same of the thread that asks for the work: it makes the features, a tenth of all on
processors that are quick with matrices, while others compute."""


class WorkingThreads:
    """A context that counts the threads that ran in it and are still there at its end."""

    count: int | None = None
    """How many; None where the kernel does not tell."""

    def __enter__(self) -> Self:
        self._before = _run_ns()
        return self

    def __exit__(self, *_: object) -> None:
        ran = {task: after - self._before.get(task, 0) for task, after in _run_ns().items()}
        busiest = max(ran.values(), default=0)
        if busiest == 0:
            return
        caller = str(threading.get_native_id())
        least = {task: _LEAST_OF_CALLER if task == caller else _LEAST_SHARE for task in ran}
        self.count = sum(each > least[task] * busiest for task, each in ran.items())


def _run_ns() -> dict[str, int]:
    """Nanoseconds that each thread has run; empty where there is no such account."""
    found = {}
    for task in _TASKS.glob("*"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # It has ended meanwhile.
            found[task.name] = int((task / "schedstat").read_text().split()[0])
    return found
