"""How far the case in hand is, noted in the store for whoever watches the job.

A note is an event ``case-progress``; its data is JSON: ``what`` is being done, the ``share`` of it
that is over, and the ``latencies_s`` of the batches that were timed since the last note. The
store drops a job's notes when the case has its row, or the job has ended.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from runner.task import Progress, utc_now
from store import Event

NOTE_EVERY_S = 1.0
"""Writing costs the machine time while it measures: seldom is better."""


class ProgressNotes:
    """Notes the progress of one case: at once when it turns to something else, else seldom."""

    def __init__(
        self, write: Callable[[Event], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``write`` puts an event where the session writes."""
        self._write = write
        self._clock = clock
        self._what: str | None = None
        self._noted = 0.0
        self._latencies_s: list[float] = []

    def note(self, case_key: str, progress: Progress) -> None:
        """Takes what the child said, and writes it down if it is time to."""
        if progress.latency_s is not None:
            self._latencies_s.append(progress.latency_s)
        now = self._clock()
        if progress.what == self._what and now - self._noted < NOTE_EVERY_S:
            return
        self._what, self._noted = progress.what, now
        data = {
            "what": progress.what,
            "share": progress.share,
            "latencies_s": self._latencies_s,
        }
        event = Event(kind="case-progress", at=utc_now(), case_key=case_key, data=json.dumps(data))
        self._latencies_s = []
        self._write(event)
