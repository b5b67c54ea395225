"""What happens to a job, as the table ``events`` has it: typed kinds, and what goes with some."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

EventKind = Literal[
    # Of a session
    "job-started",
    "case-started",
    "case-progress",
    "case-finished",
    "remark",
    "job-finished",
    # Of a dispatcher
    "job-launched",
    "job-placed",
    "job-adopted",
    "job-put-back",
    "job-lost",
    # Of the store
    "job-retried",
]

PROGRESS: EventKind = "case-progress"
"""The kind that is dropped when the case has its row, or the job has ended."""


@dataclass(frozen=True, kw_only=True)
class CaseSize:
    """What ``case-started`` says beside the case's title."""

    audio_seconds: float
    """Of a clip, padding included."""
    batch_size: int | None
    """None while the largest is searched for."""


@dataclass(frozen=True, kw_only=True)
class LoadGauge:
    """How a level of load goes just now."""

    level: str
    """Its title, for people."""
    requests_per_s: float
    """Right answers a second, of late."""
    in_flight: int
    """Requests without an answer yet."""
    p95_s: float | None
    """Latency of those answers; None where they are too few."""
    errors: int
    """Failed requests of the level so far."""


@dataclass(frozen=True, kw_only=True)
class ProgressNote:
    """What ``case-progress`` says."""

    what: str
    """The pass that the case is in."""
    share: float
    """How much of that is over, 0 to 1."""
    latencies_s: tuple[float, ...]
    """Of the batches that were timed since the last note."""
    load: LoadGauge | None = None
    """While a level of load is held."""


Detail = CaseSize | ProgressNote


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a job, for the live view and for the log."""

    kind: EventKind
    at: str
    case_key: str | None = None
    message: str | None = None
    data: str | None = None
    """The kind's detail as JSON; see ``detail_json``."""


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """One stored event."""

    id: int
    """Grows with every event of the store, so that a reader can ask for the later ones."""
    job_id: int
    case_key: str | None
    kind: EventKind
    at: str
    message: str | None
    data: str | None
    """JSON."""

    @property
    def detail(self) -> Detail | None:
        """What ``data`` says; None where it says nothing, or nothing that is known here."""
        try:
            said = json.loads(self.data or "null")
            if self.kind == "case-started":
                size = said["batch_size"]
                return CaseSize(
                    audio_seconds=float(said["audio_seconds"]),
                    batch_size=None if size is None else int(size),
                )
            if self.kind == PROGRESS:
                return ProgressNote(
                    what=str(said["what"]),
                    share=float(said["share"]),
                    latencies_s=tuple(float(value) for value in said["latencies_s"]),
                    load=_gauge(said.get("load")),
                )
        except (ValueError, TypeError, KeyError, OverflowError, AttributeError):
            pass  # Another version's.
        return None


def _gauge(said: Any) -> LoadGauge | None:
    if said is None:
        return None  # Another pass, or an asrprof that told of load by words alone.
    p95_s = said["p95_s"]
    return LoadGauge(
        level=str(said["level"]),
        requests_per_s=float(said["requests_per_s"]),
        in_flight=int(said["in_flight"]),
        p95_s=None if p95_s is None else float(p95_s),
        errors=int(said["errors"]),
    )


def event_words(event: EventRow, others: Iterable[EventRow]) -> str:
    """What an event says, with the case that it is of in front.

    Args:
        event: The event.
        others: Events of the same job: of those that begin a case it learns the case's title.
    """
    words = event.message or event.case_key or ""
    if event.case_key is None or event.kind == "case-started":
        return words
    titles = (e.message for e in others if (e.kind, e.case_key) == ("case-started", event.case_key))
    title = next(filter(None, titles), None)
    return words if title is None else f"{title}: {words}"


def detail_json(detail: Detail) -> str:
    """A detail as the column ``data`` has it."""
    return json.dumps(asdict(detail))
