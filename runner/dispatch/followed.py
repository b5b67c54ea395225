"""A job that a dispatcher has in hand, and what it has seen of its runner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runner.dispatch.launcher import Handle
from store import JobRow, utc_now


@dataclass
class Followed:
    """A job in hand."""

    job: JobRow
    """As it was claimed."""
    handle: Handle
    since: float
    """When it was taken or last seen to wait for a slot, monotonic seconds, as all below."""
    beat: float
    """When its lease was renewed."""
    over: float | None = None
    """When the attempt was first seen to be over while its runner still lived."""
    unreachable: float | None = None
    """Since when the place where it runs has not answered."""
    node: str | None = None
    """Where a fleet has placed it, ``name/id``."""

    def is_silent(self, job: JobRow, silence_s: float) -> bool:
        """Whether its runner has given no sign of life for some time.

        Args:
            job: The job's row as it is now.
            silence_s: The time, in seconds.
        """
        if self.handle.gives_sign(silence_s):
            return False
        if job.heartbeat_at is None:
            return True
        silent = utc_now() - datetime.fromisoformat(job.heartbeat_at)
        return silent.total_seconds() > silence_s
