"""How a service is loaded: how many requests at once or a second, and how quick is good."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from runner.config.strict import Strict

Concurrency = Annotated[int, Field(ge=1, le=4096)]
Rate = Annotated[float, Field(ge=0.01, le=10_000)]
Arrivals = Literal["poisson", "constant", "bursty"]
MaxBatch = Annotated[int, Field(ge=1, le=1024)]
Replicas = Annotated[int, Field(ge=1, le=64)]

SCHEDULED_MOST = 1_000_000
"""Requests of one level that are scheduled beforehand."""

FIRST_RATE = 1.0
"""Requests a second that a search begins with, where none are given."""

SEARCH_MOST = 20
"""Levels of a search."""

SEARCH_USUAL = 8
"""Levels that a search usually takes."""


class Slo(Strict):
    """When a service is quick enough."""

    p95_s: Annotated[float, Field(gt=0, le=3600)] = 2.0
    """Seconds within which 95 of 100 requests must be answered rightly. Goodput counts the answers
    within this time."""


class Load(Strict):
    """How the measure `load` sends requests; see docs/load.md."""

    mode: Literal["closed", "open"] = "closed"
    """`closed`: so many clients, each of which sends its next request when the last is answered;
    `open`: requests fall due at a rate, whatever the service does."""

    concurrency: Annotated[list[Concurrency], Field(min_length=1, max_length=64)] = [1, 2, 4, 8]
    """For `closed`: clients at once, a level each."""

    rate_per_s: Annotated[list[Rate], Field(max_length=64)] = []
    """For `open`: requests a second, a level each."""

    search: bool = False
    """For `open`: find the largest rate that meets the SLO. The rates of `rate_per_s` are held
    first (1 where none are given), then doubled or halved ones, and then those between the largest
    that met it and the smallest that did not, until these are a tenth apart."""

    arrivals: Arrivals = "poisson"
    """For `open`: `poisson` (independent users), `constant` (equal distances), or `bursty`: groups
    of four on average that fall due together, at Poisson times."""

    duration_s: Annotated[float, Field(ge=1, le=86_400)] = 30.0
    """Seconds of a level that are counted."""

    warmup_s: Annotated[float, Field(ge=0, le=3600)] = 5.0
    """Seconds of the same load before them."""

    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Seconds after which a request without an answer is given up, from the time it was due."""

    slo: Slo = Slo()
    """When the service is quick enough."""

    max_batch: Annotated[list[MaxBatch], Field(min_length=1, max_length=16)] = [8]
    """In process: most utterances that the dynamic batcher puts into one batch, an axis of its
    own. 1 serves one after the other."""

    replicas: Annotated[list[Replicas], Field(min_length=1, max_length=8)] = [1]
    """In process, on a CPU: copies of the model side by side, each in a process with the case's
    threads, an axis of its own. `"threads": [1, 2]` with `[1, 2]` here compares one model of two
    threads with two of one; what would need more threads than there are CPUs is left out."""

    max_wait_s: Annotated[float, Field(ge=0, le=60)] = 0.01
    """In process: longest that the first utterance of a batch waits for others."""

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.mode == "closed" and self.search:
            raise ValueError('"search" belongs to mode "open"; write "mode": "open"')
        if self.mode == "open" and not self.rate_per_s and not self.search:
            raise ValueError('mode "open" needs "rate_per_s", for example [1, 2, 4], or "search"')
        if self.mode == "closed" and self.rate_per_s:
            raise ValueError('"rate_per_s" belongs to mode "open"; write "mode": "open"')
        default = type(self).model_fields["concurrency"].default
        if self.mode == "open" and self.concurrency != default:
            raise ValueError('"concurrency" belongs to mode "closed"; leave it out')
        for name in ("concurrency", "rate_per_s", "max_batch", "replicas"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f'"{name}" lists a value twice')
        most = max(self.rate_per_s, default=0) * (self.duration_s + self.warmup_s)
        if most > SCHEDULED_MOST:
            raise ValueError(
                f"a level would have {most:,.0f} requests, the most is {SCHEDULED_MOST:,}: "
                "shorten duration_s"
            )
        return self

    def longest_s(self) -> float:
        """Seconds that all levels take at the most, the last answers included."""
        points = self._points + (SEARCH_MOST if self.search else 0)
        each_s = self.warmup_s + self.duration_s + self.timeout_s
        return points * self.services * each_s

    def usual_s(self, *, batcher: bool) -> float:
        """Seconds that all levels take where answers come quickly.

        Args:
            batcher: Whether the values of `max_batch` and `replicas` are tried.
        """
        levels = self.usual_levels * (self.services if batcher else 1)
        return levels * (self.warmup_s + self.duration_s)

    @property
    def services(self) -> int:
        """How many services are loaded in process, one after the other."""
        return len(self.max_batch) * len(self.replicas)

    @property
    def usual_levels(self) -> int:
        """Levels for each value of `max_batch` and `replicas`."""
        return self._points + (SEARCH_USUAL if self.search else 0)

    @property
    def _points(self) -> int:
        return len(self.rate_per_s if self.mode == "open" else self.concurrency)
