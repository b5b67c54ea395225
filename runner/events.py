"""What a session says while it runs; sinks show it, write JSON lines, or note it in the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runner.grid import Case
from store.events import LoadGauge
from store.records import FinalState, Result


@dataclass(frozen=True)
class JobStarted:
    """A job begins."""

    job_id: int
    benchmark: str
    cases: int
    """Cases of the benchmark."""
    pending: int
    """Cases this run will take; fewer than ``cases`` after ``--resume``."""
    store: str


@dataclass(frozen=True)
class ClipsProgress:
    """Speech is read and packed."""

    what: str
    share: float


@dataclass(frozen=True)
class JobRemark:
    """Something a reader of all figures of a job should know."""

    text: str


@dataclass(frozen=True)
class CaseStarted:
    """A case begins."""

    case: Case
    index: int
    """From 0, among the pending cases."""


@dataclass(frozen=True)
class CaseProgress:
    """A case is at ``share`` of ``what``."""

    case: Case
    what: str
    share: float
    latency_s: float | None = None
    """Seconds of the batch that was timed last, if one has been since the last event."""
    load: LoadGauge | None = None
    """How a level of load goes, while one is held."""


@dataclass(frozen=True)
class CaseRemark:
    """Something a reader of a case's figures should know."""

    case: Case
    text: str


@dataclass(frozen=True)
class CaseFinished:
    """A case has its row."""

    case: Case
    index: int
    result: Result


@dataclass(frozen=True)
class JobFinished:
    """A job ends."""

    job_id: int
    state: FinalState
    reason: str | None
    ok: int
    failed: int
    wall_s: float


SessionEvent = (
    JobStarted
    | ClipsProgress
    | JobRemark
    | CaseStarted
    | CaseProgress
    | CaseRemark
    | CaseFinished
    | JobFinished
)


Sink = Callable[[SessionEvent], None]
"""Takes events; must not raise and must be quick, the session waits for it."""


def no_sink(_: SessionEvent) -> None:
    """Shows nothing (``--quiet``)."""
