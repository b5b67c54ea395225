"""Batches against one request at a time: what batching brought under load, and what bounds it.

A batch of k requests that takes c times as long as a single one cannot give more than k / c times
as many answers: that bound stands beside what came.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from report.load import Loaded
from report.study import Case
from store import LoadLevel
from store.load_records import level_title

FULL = 0.5
"""Share of its size from which a batch is called full enough: below it too few were waiting."""


@dataclass(frozen=True)
class Ratio:
    """How many times one is the other, with its 95 % interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Batching:
    """A level with batches, and what the same case did with one at a time."""

    case: Case
    sent: str
    """What was sent, or which levels these are, in a few words."""
    single: LoadLevel
    batched: LoadLevel
    knees: Ratio | None = None
    """The ratio of the knees, where the two levels are those."""

    @property
    def cost(self) -> float | None:
        """How many times as long as a single request a batch took."""
        one, many = self.single.service_mean_s, self.batched.service_mean_s
        return many / one if one and many else None

    @property
    def at_most(self) -> float | None:
        """How many times as many answers such batches can give as one at a time, at the most."""
        size, single = self.batched.batch_mean, self.single.batch_mean
        return size / single / self.cost if size and single and self.cost else None

    @property
    def goodput(self) -> Ratio | None:
        """Of the goodputs; None where neither or one at a time had any."""
        if self.knees is not None:
            return self.knees
        one, many = self.single.goodput_per_s, self.batched.goodput_per_s
        if not one or many is None:
            return None
        return Ratio(many / one)

    @property
    def answers(self) -> Ratio | None:
        """Of the right answers a second, whatever their latency.

        In a closed loop without errors every client always waits, so that answers a second are the
        clients by the mean latency (Little's law): the intervals of the two mean latencies then
        give that of the ratio. The levels were held one after the other, hence are independent.
        """
        one, many = self.single.requests_per_s, self.batched.requests_per_s
        if not one or many is None:
            return None
        spread = [_log_half_width(level) for level in (self.single, self.batched)]
        if self.single.mode != "closed" or None in spread or many == 0:
            return Ratio(many / one)
        half = math.hypot(*(width or 0.0 for width in spread))
        return Ratio(many / one, many / one * math.exp(-half), many / one * math.exp(half))

    @property
    def why(self) -> str:
        """What bounds the batches, in a sentence; empty where the service's times are not known."""
        level, cost, most = self.batched, self.cost, self.at_most
        if cost is None or most is None or level.batch_mean is None or not level.service_mean_s:
            return ""
        size, slo_s = level.batch_mean, level.slo_p95_s
        text = (
            f"A batch of {size:.1f} takes {cost:.2f} times as long as one request, so that in the "
            f"long run such batches give at most {most:.2f} times as many answers."
        )
        goodput = self.goodput
        if goodput is not None and goodput.value > most and self.single.slo_met is False:
            text += " Goodput shows more, because one at a time also gave answers beyond the SLO."
        if level.max_batch is not None and size < FULL * level.max_batch:
            text += f" Of at most {level.max_batch} in a batch, {size:.1f} were: few were waiting."
        if level.service_mean_s > slo_s:
            text += (
                f" Computing a batch alone takes {level.service_mean_s:.2f} s, longer than the SLO "
                f"of {slo_s:g} s, which no answer of it can meet."
            )
        return text


def batchings_of(found: Sequence[Loaded]) -> list[Batching]:
    """Each level with batches beside that of one at a time under the same load.

    Args:
        found: The curves of all cases.
    """
    pairs = []
    for one, many in _curves(found):
        singles = {_sent(level): level for level in one.levels}
        pairs += [
            Batching(many.case, level_title(level), singles[_sent(level)], level)
            for level in many.levels
            if _sent(level) in singles
        ]
    return pairs


def carried_of(found: Sequence[Loaded]) -> list[Batching]:
    """The most that batches carried beside the most that one at a time did, for each case.

    That is the levels at the two knees, and in a closed loop those of the most goodput.

    Args:
        found: The curves of all cases.
    """
    return [_at_knees(one, many) or _at_best(one, many) for one, many in _curves(found)]


def _curves(found: Sequence[Loaded]) -> list[tuple[Loaded, Loaded]]:
    """Curves of one at a time and of batches that differ in nothing else."""
    return [
        (one, many)
        for many in found
        for one in found
        if (many.levels[0].max_batch or 1) > 1 and _is_single(one, many)
    ]


def _is_single(one: Loaded, many: Loaded) -> bool:
    a, b = one.levels[0], many.levels[0]
    alike = all(
        getattr(a, name) == getattr(b, name)
        for name in ("mode", "arrivals", "paced", "replicas", "max_wait_s", "slo_p95_s")
    )
    return one.case == many.case and a.max_batch == 1 and alike


def _sent(level: LoadLevel) -> tuple[object, ...]:
    return (level.concurrency, level.rate_per_s)


def _at_knees(one: Loaded, many: Loaded) -> Batching | None:
    single, batched, a, b = one.at_knee, many.at_knee, one.knee, many.knee
    if single is None or batched is None or a is None or b is None or not (a.rate and b.rate):
        return None
    low = b.low / a.high if a.high and b.low else None
    high = b.high / a.low if a.low and b.high else None
    ratio = Ratio(b.rate / a.rate, *((low, high) if low and high else (None, None)))
    return Batching(many.case, "the knees", single, batched, ratio)


def _at_best(one: Loaded, many: Loaded) -> Batching:
    single, batched = (
        max(curve.levels, key=lambda level: level.goodput_per_s or 0.0) for curve in (one, many)
    )
    return Batching(many.case, "the most goodput", single, batched)


def _log_half_width(level: LoadLevel) -> float | None:
    """Half the interval of the mean latency, in logarithms; None where a client did not wait."""
    low, high = level.latency_mean_low_s, level.latency_mean_high_s
    if level.errors or not low or not high:
        return None
    return math.log(high / low) / 2
