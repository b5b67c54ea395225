"""A small dynamic batcher: requests that wait are put into one batch, first come first served."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition

Clock = Callable[[], float]


@dataclass(frozen=True)
class Waiting:
    """A request that has arrived."""

    number: int
    utterance: int
    arrived_s: float


class DynamicBatcher:
    """Holds what has arrived until it is taken as batches.

    One thread adds and others take, as many as there are models at work. A batch is taken when it
    is full, or when the first of it has waited for ``max_wait_s``; requests that arrived during the
    last batch have often done so.
    """

    def __init__(self, *, max_batch: int, max_wait_s: float, clock: Clock = time.monotonic) -> None:
        """Begins empty.

        Args:
            max_batch: Most requests in a batch.
            max_wait_s: Longest that the first of a batch waits for others.
            clock: Monotonic seconds.
        """
        self.max_batch = max_batch
        self.max_wait_s = max_wait_s
        self._takers = 1
        self._clock = clock
        self._waiting: deque[Waiting] = deque()
        self._changed = Condition()
        self._closed = False

    def add(self, number: int, utterance: int) -> None:
        """Takes in a request, which has arrived now."""
        with self._changed:
            self._waiting.append(Waiting(number, utterance, self._clock()))
            self._changed.notify_all()

    def reset(self, max_batch: int, takers: int = 1) -> None:
        """Forgets what waits; what follows is as given.

        Args:
            max_batch: Most requests in a batch.
            takers: How many threads are given batches: those with the lowest numbers.
        """
        with self._changed:
            self._waiting.clear()
            self.max_batch = max_batch
            self._takers = takers
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, taker: int = 0) -> Sequence[Waiting]:
        """The next batch, as soon as there is one; empty after ``close``.

        Args:
            taker: The number of the thread that asks, from 0.
        """
        with self._changed:
            while not self._closed:
                if not self._waiting or taker >= self._takers:
                    self._changed.wait()
                    continue
                left_s = self._waiting[0].arrived_s + self.max_wait_s - self._clock()
                if len(self._waiting) >= self.max_batch or left_s <= 0:
                    count = min(len(self._waiting), self.max_batch)
                    batch = [self._waiting.popleft() for _ in range(count)]
                    # Who waits for the time of the first must look at another first now.
                    self._changed.notify_all()
                    return batch
                self._changed.wait(left_s)
            return ()
