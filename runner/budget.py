"""A benchmark within a budget of time: a looser precision first, then fewer cases.

The rule: where the whole grid is predicted to take longer, the timed loops end at the first of
``PRECISIONS`` with which it fits. Where none is loose enough, the loosest is taken and the points
of the grid that take longest are left out, each with all its variants; a model's last point stays.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.config import Benchmark
from runner.config.limits import MOST_SECONDS
from runner.errors import UserError
from runner.estimate import (
    Before,
    Estimate,
    as_now,
    duration,
    estimate,
    estimate_each,
    measured_otherwise,
)
from runner.grid import Case

PRECISIONS = (0.02, 0.05, 0.1)
"""Half the width of a latency's 95 % interval, as a share of the median: `limits.precision`."""
_DURATION = re.compile(r"(?=.)(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?")


@dataclass(frozen=True)
class Plan:
    """What is run of a benchmark."""

    benchmark: Benchmark
    """With the precision that was chosen."""
    cases: tuple[Case, ...]
    left_out: tuple[Case, ...]
    budget_s: float
    estimate: Estimate
    """Of the cases that are run."""
    left_out_s: float
    """The same of those that are left out."""
    precision: float | None
    """That was chosen; None where the config's own lengths of loops fit."""

    def lines(self, most: int | None = None) -> list[str]:
        """The plan for people, one line for each thing.

        Args:
            most: Cases that are named at the most; all of them when None.
        """
        whole = len(self.cases) + len(self.left_out)
        found = [
            f"budget {duration(self.budget_s)}: {len(self.cases)} of {whole} cases, "
            f"about {duration(self.estimate.seconds)}"
        ]
        if self.precision is not None:
            found.append(f"to fit, latencies are timed to {100 * self.precision:g} %")
        if self.left_out:
            named = [case.title for case in self.left_out[:most]]
            more = len(self.left_out) - len(named)
            found.append(
                f"left out, about {duration(self.left_out_s)}: {'; '.join(named)}"
                f"{f'; and {more} more' if more else ''}"
            )
        return found


def parse_budget(text: str) -> float:
    """The seconds of a budget such as ``90s``, ``30m`` or ``1h30m``.

    Raises:
        UserError: It is none.
    """
    match = _DURATION.fullmatch(text.strip())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise UserError(f"--budget {text}: write a time such as 90s, 30m or 1h30m")
    return float(total)


def fit(
    benchmark: Benchmark, cases: Sequence[Case], before: Mapping[str, Before], budget_s: float
) -> Plan:
    """Chooses the precision and the cases that fit a budget.

    Args:
        benchmark: The benchmark.
        cases: All its cases.
        before: What cases took before, by their keys.
        budget_s: Seconds that there are.

    Raises:
        UserError: One point of each model is too much already; with what would do.
    """
    tried = [benchmark, *_looser(benchmark)]
    took_s = [as_now(one, cases, before) for one in tried]
    totals = [
        sum(estimate_each(one, cases, took).values())
        for one, took in zip(tried, took_s, strict=True)
    ]
    fitting = [place for place, total in enumerate(totals) if total <= budget_s]
    # Of several that are as quick the one nearest to the config.
    place = fitting[0] if fitting else totals.index(min(totals))
    chosen, kept = tried[place], list(cases)
    each = estimate_each(chosen, kept, took_s[place])
    while (excess_s := sum(each.values()) - budget_s) > 0:
        fewer = _fewer(kept, each, excess_s)
        if len(fewer) == len(kept):
            least = math.ceil(sum(each.values()) / 60)
            raise UserError(
                "--budget: one length and batch size of each model takes about "
                f"{duration(60 * least)}: give {least}m at least, or name fewer models"
            )
        kept = fewer
        # The first case of a kind takes the words of all: another may be the first now.
        each = estimate_each(chosen, kept, took_s[place])
    keys = {case.key for case in kept}
    return Plan(
        benchmark=chosen,
        cases=tuple(kept),
        left_out=tuple(case for case in cases if case.key not in keys),
        budget_s=budget_s,
        estimate=estimate(chosen, kept, took_s[place], measured_otherwise(chosen, before)),
        left_out_s=totals[place] - sum(each.values()),
        precision=None if chosen is benchmark else chosen.limits.precision,
    )


def _looser(benchmark: Benchmark) -> list[Benchmark]:
    """The benchmark at each precision that is looser than its own."""
    limits = benchmark.limits
    usual = type(limits)()
    found = []
    for precision in PRECISIONS:
        if limits.precision is None or precision > limits.precision:
            changes = {
                "precision": precision,
                # It takes the place of these; a loop never gets longer than it may be.
                "min_iterations": usual.min_iterations,
                "min_seconds": usual.min_seconds,
                "max_seconds": min(limits.longest_loop_s, MOST_SECONDS),
            }
            looser = limits.model_copy(update=changes)
            found.append(benchmark.model_copy(update={"limits": looser}))
    return found


def _fewer(cases: Sequence[Case], seconds: Mapping[str, float], excess_s: float) -> list[Case]:
    """The cases without the longest points of models that keep another, until enough is saved.

    A point goes with all its variants: one without its baseline could not be judged.
    """
    points: dict[tuple[object, ...], list[Case]] = {}
    for case in cases:
        points.setdefault(case.point, []).append(case)
    cost_s = {point: sum(seconds[case.key] for case in of) for point, of in points.items()}
    left = Counter(of[0].model for of in points.values())
    dropped: set[str] = set()
    for point in sorted(points, key=lambda point: -cost_s[point]):
        if excess_s <= 0:
            break
        model = points[point][0].model
        if left[model] > 1:
            left[model] -= 1
            dropped.update(case.key for case in points[point])
            excess_s -= cost_s[point]
    return [case for case in cases if case.key not in dropped]
