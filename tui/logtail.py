"""The last lines of a running job's output, read by a thread and drawn when the screen has time."""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path

from runner.errors import UserError
from store import JobRow
from tui.plain import log_line

LINES = 2000


class LogTail:
    """Follows one attempt; ``stop`` it, or it follows for ever."""

    def __init__(self, store_path: Path, job: JobRow, *, follow: bool = True) -> None:
        """Reads nothing yet.

        Args:
            store_path: The store.
            job: The job, in the attempt whose output is read.
            follow: Whether to wait for more at the end of the output.
        """
        self._store_path = store_path
        self._job = job
        self._follow = follow
        self._lines: deque[str] = deque(maxlen=LINES)
        self._lock = threading.Lock()
        self._count = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"log-{job.id}", daemon=True)

    @property
    def job(self) -> JobRow:
        """The job whose output it is."""
        return self._job

    @property
    def count(self) -> int:
        """Lines read so far: if it has not grown, there is nothing new."""
        return self._count

    @property
    def over(self) -> bool:
        """Whether the thread has ended: nothing more will come."""
        return not self._thread.is_alive()

    def start(self) -> LogTail:
        """Begins to read; returns itself."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends soon; waits for nothing."""
        self._stopped.set()

    def lines(self) -> list[str]:
        """The last lines, made harmless."""
        with self._lock:
            raw = list(self._lines)
        return [log_line(line) for line in raw]

    def _read(self) -> None:
        from runner.dispatch.catalogue import TARGETS

        if self._job.target not in TARGETS:
            self._add(f"target {self._job.target} is not known here: no log")
            return
        launcher = TARGETS[self._job.target](self._store_path)
        try:
            for line in launcher.logs(
                self._job, lambda: self._follow and not self._stopped.is_set()
            ):
                if self._stopped.is_set():
                    return
                self._add(line)
        except (UserError, OSError) as error:
            self._add(f"no log: {error}")

    def _add(self, line: str) -> None:
        with self._lock:
            self._lines.append(line)
            self._count += 1
