"""A ticker calls a function at a steady period; the real one does so in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Ticker(Protocol):
    """What a power source needs to be polled; tests drive one from a simulated clock."""

    def start(self, period_s: float, callback: Callable[[], None]) -> None:
        """Calls ``callback`` every ``period_s`` seconds from now on."""

    def stop(self) -> None:
        """Calls it no more; harmless when not started."""


class ThreadTicker:
    """A daemon thread that waits for the next due time, so that lateness does not add up.

    A thread is enough: torch and NVML release the interpreter lock while they compute, and the
    thread sleeps between calls. A reading that comes late shows as a gap and is judged as one.
    """

    def __init__(self) -> None:
        """Makes a ticker that is not running."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, period_s: float, callback: Callable[[], None]) -> None:
        """See `Ticker`."""
        self.stop()
        # An event of its own, so that a thread slow to end never sees the next one's.
        self._stop = stop = threading.Event()

        def run() -> None:
            due = time.monotonic() + period_s
            while not stop.wait(max(0.0, due - time.monotonic())):
                callback()
                due = max(due + period_s, time.monotonic())

        self._thread = threading.Thread(target=run, name="asrprof-power", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """See `Ticker`."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()
        self._thread = None
