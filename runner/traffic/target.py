"""What requests are sent to: the base of the targets, an answer, and the kinds of failures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What came back. Times are those of the monotonic clock; None where they are not known."""

    text: str
    first_text_s: float | None = None
    """When the first piece of the text came, where the service streams."""
    service_start_s: float | None = None
    """When the service began to compute the batch that the request was in."""
    service_end_s: float | None = None
    batch: int | None = None
    """Requests in that batch."""
    send_delay_s: float | None = None
    """How late the generator itself sent a piece of a stream, at the most."""


class Failure(Exception):
    """A request that was not answered rightly."""

    def __init__(self, kind: str, words: str) -> None:
        """Says what happened.

        Args:
            kind: What it is counted as: ``timeout``, ``connect``, ``disconnect``, ``http_429``,
                ``not_json``, ``no_text``, ``stream_cut`` and others.
            words: For people, without secrets.
        """
        super().__init__(words)
        self.kind = kind


class Target(ABC):
    """A service that transcribes utterances, which it is told by their numbers."""

    paced = False
    """Whether utterances are sent as slowly as they are spoken."""

    def lasts_s(self, _utterance: int) -> float:
        """Seconds that sending takes by its nature, which no latency has in it."""
        return 0.0

    @abstractmethod
    async def send(self, utterance: int) -> Answer:
        """Has one utterance transcribed.

        It may be cancelled at any time: the caller knows how long it waits.

        Raises:
            Failure: it was not, or the answer is none.
        """

    async def begin(self) -> None:
        """Called within the event loop before the first level."""

    async def settle(self, *, max_batch: int | None, replicas: int | None) -> None:
        """Called between levels: forgets what was abandoned.

        Args:
            max_batch: Most utterances in a batch from now on, where the target has a batcher.
            replicas: Copies of the model that take batches from now on, where there are any.
        """

    async def close(self) -> None:
        """Called within the event loop after the last level."""
