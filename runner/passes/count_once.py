"""Counts each piece of work once a session: what an earlier case has counted is looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runner.task import Counted
from store.records import FlopsReading

Readings = tuple[FlopsReading, ...]


@dataclass(frozen=True)
class CountOnce:
    """What the cases before have counted, and where to tell what is counted now."""

    known: Mapping[str, Readings]
    tell: Callable[[Counted], None]

    def __call__(self, key: str, count: Callable[[], Readings]) -> Readings:
        """The readings of some work.

        Args:
            key: What they depend on.
            count: Counts them, where no case has.
        """
        if key in self.known:
            return self.known[key]
        readings = count()
        self.tell(Counted(key, readings))
        return readings
