"""The state of the store that every view shows a part of: small, frozen, made by the watcher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from store import JobRow, LeaderboardRow
from tui.following import JobProgress


@dataclass(frozen=True)
class Snapshot:
    """What was true at one moment."""

    generation: int = 0
    """Grows with every change that was seen."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    exists: bool = False
    """Whether there is a store yet."""
    held: tuple[JobRow, ...] = ()
    """Jobs that are starting or running."""
    waiting: tuple[JobRow, ...] = ()
    """Queued jobs, in the order in which they will start."""
    ended: tuple[JobRow, ...] = ()
    """Jobs that have ended, the last first."""
    latest: tuple[LeaderboardRow, ...] = ()
    """The results stored last, the last first."""
    results: int = 0
    """Results in the store."""
    progress: Mapping[int, JobProgress] = field(default_factory=dict)
    """How far the held jobs are, by their ids."""

    @property
    def jobs(self) -> tuple[JobRow, ...]:
        """All of them, in the order in which they matter."""
        return (*self.held, *self.waiting, *self.ended)

    def job(self, job_id: int) -> JobRow | None:
        """One job, or None if it is gone."""
        return next((job for job in self.jobs if job.id == job_id), None)
