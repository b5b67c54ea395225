"""Times of day as the store writes them: UTC, ISO 8601, microseconds, one fixed width."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """``2026-01-31T12:00:00.000000+00:00``; texts of this form sort as the times do.

    Raises:
        ValueError: ``moment`` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone cannot be stored")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
