"""A session's events as its job's events: what a ledger makes of the stream that it listens to.

How far the case in hand is becomes an event ``case-progress``, with the latencies of the batches
that were timed since the last one, or with how a level of load goes just then. The store drops
these notes when the case has its row, or the job has ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from runner.events import (
    CaseFinished,
    CaseProgress,
    CaseRemark,
    CaseStarted,
    ClipsProgress,
    JobFinished,
    JobRemark,
    JobStarted,
    SessionEvent,
)
from store import (
    CaseSize,
    Detail,
    Event,
    EventKind,
    ProgressNote,
    detail_json,
    timestamp,
    utc_now,
)

NOTE_EVERY_S = 1.0
"""Writing costs the machine time while it measures: seldom is better."""


class EventNotes:
    """A sink that notes events; progress at once when it turns to something else, else seldom."""

    def __init__(
        self, write: Callable[[Event], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``write`` puts an event where the session writes."""
        self._write = write
        self._clock = clock
        self._what: str | None = None
        self._noted = 0.0
        self._latencies_s: list[float] = []

    def __call__(self, event: SessionEvent) -> None:
        match event:
            case JobStarted():
                self._note("job-started", message=f"{event.pending} of {event.cases} cases")
            case CaseStarted(case=case):
                self._what, self._latencies_s = None, []
                batch_size = None if case.batch_size == "max" else case.batch_size
                size = CaseSize(audio_seconds=case.audio_seconds, batch_size=batch_size)
                self._note("case-started", case.key, case.title, size)
            case CaseProgress():
                self._progress(event)
            case CaseFinished(case=case, result=result):
                self._note("case-finished", case.key, result.reason or result.state)
            case CaseRemark(case=case, text=text):
                self._note("remark", case.key, text)
            case JobRemark(text=text):
                self._note("remark", message=text)
            case JobFinished():
                self._note("job-finished", message=event.reason or event.state)
            case ClipsProgress():
                pass  # There is no job yet.

    def _progress(self, event: CaseProgress) -> None:
        if event.latency_s is not None:
            self._latencies_s.append(event.latency_s)
        now = self._clock()
        if event.what == self._what and now - self._noted < NOTE_EVERY_S:
            return
        self._what, self._noted = event.what, now
        note = ProgressNote(
            what=event.what,
            share=event.share,
            latencies_s=tuple(self._latencies_s),
            load=event.load,
        )
        self._latencies_s = []
        self._note("case-progress", event.case.key, detail=note)

    def _note(
        self,
        kind: EventKind,
        case_key: str | None = None,
        message: str | None = None,
        detail: Detail | None = None,
    ) -> None:
        data = None if detail is None else detail_json(detail)
        at = timestamp(utc_now())
        self._write(Event(kind=kind, at=at, case_key=case_key, message=message, data=data))
