"""What the process of the generator and the one with the engine tell each other, over one pipe."""

from __future__ import annotations

from dataclasses import dataclass

from runner.config.load import Load
from runner.traffic.generator import Gauge, Held
from runner.traffic.level import Level


@dataclass(frozen=True)
class Order:
    """To the generator, once: what to hold."""

    load: Load
    seed: int
    utterances: int
    """How many there are."""


@dataclass(frozen=True)
class Ask:
    """To the engine: transcribe an utterance."""

    number: int
    utterance: int


@dataclass(frozen=True)
class Reply:
    """To the generator: what became of a request."""

    number: int
    text: str | None
    """None where the engine failed."""
    error: str | None
    start_s: float
    """When its batch began and ended; the monotonic clock, which the processes share."""
    end_s: float
    batch: int


@dataclass(frozen=True)
class Settle:
    """To the engine, between levels: forget what waits."""

    max_batch: int
    replicas: int


@dataclass(frozen=True)
class Window:
    """To the engine: the counted time of a level begins or ends."""

    begins: bool


@dataclass(frozen=True)
class Begun:
    """To the engine: a level begins."""

    level: Level


@dataclass(frozen=True)
class LevelDone:
    """To the engine: what was sent at a level and became of it."""

    held: Held


@dataclass(frozen=True)
class AllDone:
    """To the engine: there are no more levels."""


ToEngine = Ask | Settle | Window | Begun | Gauge | LevelDone | AllDone
