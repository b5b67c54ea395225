"""What the events of a running job say: the case in hand, its pass, what it took so far."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from runner.errors import UserError
from runner.estimate import left_seconds
from store import CaseSize, EventRow, JobRow, LoadGauge, ProgressNote, Store, StoreError
from tui.present import moment

if TYPE_CHECKING:
    from runner.config import Benchmark
    from runner.grid import Case

LATENCIES = 400
"""Latencies of the case in hand that are kept, and gauges: more than a wide sparkline shows."""


@dataclass(frozen=True)
class Finished:
    """A case that has its row."""

    key: str
    outcome: str
    """Its state, or the reason that it has no figures."""
    seconds: float | None


@dataclass(frozen=True)
class JobProgress:
    """How far a job is."""

    case_key: str | None = None
    title: str | None = None
    since: str | None = None
    """When the case in hand began."""
    size: CaseSize | None = None
    what: str | None = None
    """The pass it is in."""
    share: float | None = None
    """How much of that is over, 0 to 1."""
    latencies_s: tuple[float, ...] = ()
    """Of the case in hand, as they came."""
    gauges: tuple[LoadGauge, ...] = ()
    """Of the levels of load of the case in hand, as they came; empty while no level is held."""
    finished: tuple[Finished, ...] = ()
    """Cases of this attempt, in their order."""
    left_s: float | None = None
    """Seconds until the job has ended, as far as one can tell."""

    @property
    def batch_audio_s(self) -> float | None:
        """Audio seconds of a batch of the case in hand, padding included."""
        if self.size is None or self.size.batch_size is None:
            return None
        return self.size.audio_seconds * self.size.batch_size


@dataclass
class Follower:
    """Follows one attempt of one job from event to event."""

    job_id: int
    attempt: int
    _seen: int = 0
    _case_key: str | None = None
    _title: str | None = None
    _since: str | None = None
    _size: CaseSize | None = None
    _what: str | None = None
    _share: float | None = None
    _latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES))
    _gauges: deque[LoadGauge] = field(default_factory=lambda: deque(maxlen=LATENCIES))
    _finished: list[Finished] = field(default_factory=list)
    _settled: set[str] = field(default_factory=set)
    _before: frozenset[str] = frozenset()
    """Cases that no later attempt runs again."""
    _benchmark: Benchmark | None = None
    _cases: tuple[Case, ...] = ()

    @classmethod
    def of(cls, store: Store, job: JobRow) -> Follower:
        """A follower that knows the job's grid, if its config can be read."""
        # A fifth of a second of imports, in the watcher's thread: nobody waits for it.
        from runner.config_file import parse_benchmark
        from runner.grid import expand

        made = cls(job.id, job.attempt)
        try:
            row = store.benchmark(job.benchmark_id)
            made._benchmark = parse_benchmark(row.config, row.name)
            made._cases = expand(made._benchmark)
        except (UserError, StoreError):
            pass  # Queued by another version: it runs all the same, only its end is not known.
        made._before = frozenset(store.case_keys(job.id, states=("ok", "oom")))
        made._settled = set(made._before)
        return made

    def read(self, store: Store, job: JobRow, now: datetime) -> JobProgress:
        """Reads the events since the last time.

        Args:
            store: The store, open in this thread.
            job: The job as it is now.
            now: The time of day.
        """
        for event in store.events(self.job_id, after=self._seen):
            self._seen = event.id
            self._take(event)
        return JobProgress(
            case_key=self._case_key,
            title=self._title,
            since=self._since,
            size=self._size,
            what=self._what,
            share=self._share,
            latencies_s=tuple(self._latencies_s),
            gauges=tuple(self._gauges),
            finished=tuple(self._finished),
            left_s=self._left_s(job, now),
        )

    def _take(self, event: EventRow) -> None:
        detail = event.detail
        if event.kind == "job-started":
            self._finished.clear()
            self._settled = set(self._before)
            self._clear()
        elif event.kind == "case-started":
            self._clear()
            self._case_key, self._title, self._since = event.case_key, event.message, event.at
            self._size = detail if isinstance(detail, CaseSize) else None
        elif isinstance(detail, ProgressNote) and event.case_key == self._case_key:
            self._what, self._share = detail.what, detail.share
            self._latencies_s.extend(detail.latencies_s)
            if detail.load is None:
                self._gauges.clear()
            else:
                self._gauges.append(detail.load)
        elif event.kind == "case-finished" and event.case_key is not None:
            self._take_end(event.case_key, event)

    def _take_end(self, key: str, event: EventRow) -> None:
        began, ended = moment(self._since), moment(event.at)
        known = key == self._case_key and began is not None and ended is not None
        seconds = (ended - began).total_seconds() if known and began and ended else None
        self._finished.append(Finished(key, event.message or "", seconds))
        self._settled.add(key)
        self._clear()

    def _clear(self) -> None:
        self._case_key = self._title = self._since = self._what = None
        self._size = self._share = None
        self._latencies_s.clear()
        self._gauges.clear()

    def _left_s(self, job: JobRow, now: datetime) -> float | None:
        if self._benchmark is None or job.state != "running":
            return None
        began = moment(self._since)
        return left_seconds(
            self._benchmark,
            self._cases,
            settled=self._settled,
            took_s={done.key: done.seconds for done in self._finished if done.seconds is not None},
            in_hand_s=(now - began).total_seconds() if began is not None else 0.0,
        )
