"""Places of values on an axis, and the round numbers to write beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui.plot.model import Axis

_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Scale:
    """A stretch of an axis; places run from 0 at ``low`` to 1 at ``high``."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value lies; outside of 0 to 1 where the axis does not reach.

        Raises:
            ValueError: The axis is logarithmic and the value not above 0.
        """
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        return math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self, most: int) -> list[float]:
        """Round numbers of the axis, at least one and at most ``most``."""
        if self.log:
            return self._log_ticks(most)
        return _linear_ticks(self.low, self.high, most)

    def _log_ticks(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for digits in ((1, 2, 5), (1, 3), (1,)):
            found = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
            found = [tick for tick in found if self.low <= tick * (1 + 1e-9) and tick <= self.high]
            if 2 <= len(found) <= most:
                return found
        if self.high / self.low < 10 and most >= 2:
            # No two powers of ten in sight: evenly spaced numbers are rounder.
            return [tick for tick in _linear_ticks(self.low, self.high, most) if tick > 0]
        powers = [10.0**power for power in range(first, last + 1)]
        powers = [tick for tick in powers if self.low <= tick * (1 + 1e-9) and tick <= self.high]
        return thin(powers or [self.low], most)


def fit_scale(values: Iterable[float], axis: Axis) -> Scale:
    """The stretch of an axis that shows all values, with a little room at its ends."""
    shown = [value for value in values if math.isfinite(value) and (value > 0 or not axis.log)]
    if not shown:
        return Scale(1.0, 10.0, True) if axis.log else Scale(0.0, 1.0)
    low, high = min(shown), max(shown)
    if axis.log:
        if high / low < 1.5:
            low, high = low / 1.5, high * 1.5
        room = (high / low) ** 0.04
        return Scale(low / room, high * room, True)
    if low >= 0 and low < 0.5 * high:
        low = 0.0  # A figure that can be compared by its length starts at nothing.
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = low - max(1e-9, abs(low) * 0.1), high + max(1e-9, abs(high) * 0.1)
    room = 0.04 * (high - low)
    return Scale(low if low == 0 else low - room, high + room)


def thin(ticks: Sequence[float], most: int) -> list[float]:
    """Every n-th, so that at most so many are left."""
    step = -(-len(ticks) // max(1, most))
    return list(ticks[:: max(1, step)])


def tick_label(value: float) -> str:
    """``0.001``, ``20``, ``1,500``: as short as it can be without an exponent."""
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:,.6g}" if abs(value) >= 1000 else f"{value:.4g}"


def _linear_ticks(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / max(1, most)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(digit * power for digit in _STEPS if digit * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    if last < first:  # The step is so wide that no multiple of it is in sight.
        return _linear_ticks(low, high, 2 * most)[:1]
    # Whole numbers times the step: adding it up would collect errors.
    return [round(index * step, 12) for index in range(first, last + 1)]
