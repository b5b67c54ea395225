"""What a service carries: the levels of load of each case, with the knee and what an hour costs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from report.load_curves import Curve, curves_of, knee_of, level_at_knee
from report.scenarios import Scenario
from report.study import Case, Study
from stats.knee import Knee
from store import LoadLevel
from store.load_records import service_words


@dataclass(frozen=True)
class Loaded:
    """The levels of one case that differ in how much was sent alone: one line of the curve."""

    case: Case
    levels: Curve
    """In the order of what was sent; at least one."""

    @property
    def title(self) -> str:
        first = self.levels[0]
        batch = service_words(first.max_batch, first.replicas)
        how = "clients in a loop" if first.mode == "closed" else f"{first.arrivals} arrivals"
        how += ", streams at real-time pace" if first.paced else ""
        return f"{self.case.configuration.title}{batch}, {how}"

    @cached_property
    def knee(self) -> Knee | None:
        """See :func:`~report.load_curves.knee_of`."""
        return knee_of(self.levels)

    @cached_property
    def at_knee(self) -> LoadLevel | None:
        """The level at the knee."""
        return level_at_knee(self.levels)


def loaded_of(study: Study) -> list[Loaded]:
    """Every case that was loaded, model by model, in the order of the study."""
    levels = study.children(LoadLevel, study.ended)
    cases = [case for case in study.ended if levels.get(case.row.result_id)]
    found = []
    for case in sorted(cases, key=lambda one: (study.rank(one.model), one.configuration)):
        found += [Loaded(case, curve) for curve in curves_of(levels[case.row.result_id])]
    return found


def errors_by_kind(levels: Sequence[LoadLevel]) -> Counter[str]:
    """Failed requests of some levels, by kind."""
    counts: Counter[str] = Counter()
    for level in levels:
        counts.update(json.loads(level.errors_by_kind or "{}"))
    return counts


def price_of(case: Case, scenarios: Sequence[Scenario]) -> tuple[str, float] | None:
    """What an hour of a case's machine costs, by the first scenario that says so, and its title."""
    for scenario in scenarios:
        price = scenario.price_of(case)
        if price is not None:
            return scenario.title, price
    return None


def price_per_audio_hour(level: LoadLevel, price_per_hour: float) -> float | None:
    """What an hour of audio costs at a level: that of the machine, by how fast answers come.

    Args:
        level: A level; one that was not held, or missed the SLO, is no way to run a service.
        price_per_hour: Of the machine, in any currency.
    """
    if not (level.held and level.slo_met and level.rtfx):
        return None
    return price_per_hour / level.rtfx
