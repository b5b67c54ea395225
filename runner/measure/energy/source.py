"""What every energy source is: probed, opened, marked at both ends of a span, closed.

Counters (`counter`) give joules between two ticks; sensors (`sensor`) give watts that are
integrated; estimators give what a model says of the span. The recipe drives them all through
`EnergySource` and never asks which kind it holds.

Times are monotonic seconds of one clock; counters are integers in uJ, so that differences of
large totals lose nothing.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from store.energy_marks import EnergyLabel

Clock = Callable[[], float]
Sleep = Callable[[float], None]
Domain = Literal["gpu", "cpu", "machine"]

PROBE_TICKS = 4
PROBE_BOUND_S = 0.7


class SourceError(Exception):
    """The source cannot be trusted here; the message is the reason, with its numbers."""


@dataclass(frozen=True)
class Available:
    """The source works here."""

    refresh_s: float | None
    """Measured refresh period, or None where the source has none."""
    note: str | None = None


@dataclass(frozen=True)
class Unavailable:
    """The source does not work here, why, and what to change."""

    reason: str
    remedy: str | None = None


@dataclass(frozen=True)
class Mark:
    """One end of a span."""

    time_s: float
    energy_uj: int | None = None
    """The counter at that time; None for a sensor."""


@dataclass(frozen=True)
class Span:
    """Work from ``t0`` to ``t1``, between the marks of one source."""

    begin: Mark
    end: Mark
    t0: float
    t1: float
    batches: int = 0

    @property
    def seconds(self) -> float:
        """Length of the work."""
        return self.t1 - self.t0


@dataclass(frozen=True)
class Trace:
    """One reading, for the store: watts of a sensor or joules since the first reading."""

    time_s: float
    power_w: float | None
    energy_j: float | None


@dataclass(frozen=True)
class CarbonIntensity:
    """Grams become kilograms here: kg of CO2-equivalent per kWh, and where that comes from."""

    kg_per_kwh: float
    basis: str


class EnergySource(ABC):
    """One way to obtain joules."""

    name: str
    label: EnergyLabel
    domain: Domain
    bias: float = 0.05
    """Systematic error, one standard deviation, as a share of the energy."""
    limit_w: float | None = None
    """Power the hardware cannot exceed for long, or None."""
    refresh_s: float | None = None
    carbon: CarbonIntensity | None = None

    def __init__(self, *, clock: Clock = time.monotonic, sleep: Sleep = time.sleep) -> None:
        """Takes the clock that stamps every reading and the sleep between them."""
        self.clock = clock
        self.sleep = sleep

    @property
    @abstractmethod
    def scope(self) -> str:
        """What the figure covers."""

    @property
    def edge_s(self) -> float:
        """Seconds of power that may be misplaced at an end of a span, and that a mark takes."""
        return self.refresh_s or 0.0

    @abstractmethod
    def probe(self) -> Available | Unavailable:
        """Finds out whether the source works, and its refresh period. Takes under a second."""

    @abstractmethod
    def open(self) -> None:
        """Starts what must run before the first mark."""

    @abstractmethod
    def close(self) -> None:
        """Stops it; harmless when not open."""

    @abstractmethod
    def begin(self) -> Mark:
        """Marks the start of a span, just before it."""

    @abstractmethod
    def end(self) -> Mark:
        """Marks the end of a span, just after it."""

    @abstractmethod
    def joules(self, span: Span, edge_w: float) -> float:
        """Energy of the work in joules.

        Args:
            span: The work, and the marks around it.
            edge_w: Power drawn between the marks and the work, watts; where the marks lie
                outside the work it is taken off.

        Raises:
            SourceError: Where the span cannot be trusted.
        """

    def mean_power(self, span: Span) -> float:
        """Mean power between the two marks, in watts."""
        whole = replace(span, t0=span.begin.time_s, t1=span.end.time_s)
        return self.joules(whole, 0.0) / whole.seconds

    def touch(self) -> None:
        """Called now and then within a span, so that a counter cannot wrap twice unseen."""
        return

    def disturbance(self) -> str | None:
        """Who else is using the hardware now, in words, or None."""
        return None

    def trace(self) -> tuple[Trace, ...]:
        """Every reading taken since the source was opened."""
        return ()

    def extra(self) -> str | None:
        """A JSON object with what the source adds to its reading, or None."""
        return None
