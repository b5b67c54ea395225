"""What a service carries: the levels of load of each case, with the knee and what an hour costs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from report.scenarios import Scenario
from report.study import Case, Study
from stats.knee import Knee
from store import LoadLevel
from store.knee import knees


@dataclass(frozen=True)
class Loaded:
    """The levels of one case that differ in how much was sent alone: one line of the curve."""

    case: Case
    levels: tuple[LoadLevel, ...]
    """In the order of what was sent; at least one."""

    @property
    def title(self) -> str:
        first = self.levels[0]
        batch = "" if first.max_batch is None else f", batches to {first.max_batch}"
        how = "clients in a loop" if first.mode == "closed" else f"{first.arrivals} arrivals"
        return f"{self.case.configuration.title}{batch}, {how}"

    @cached_property
    def knee(self) -> Knee | None:
        """Of rates, where two or more were tried; a closed loop has none."""
        rates = [level for level in self.levels if level.rate_per_s is not None]
        found = knees(rates) if len(rates) > 1 else ()
        return found[0][1] if found else None

    @property
    def at_knee(self) -> LoadLevel | None:
        """The level at the knee."""
        if self.knee is None or self.knee.rate is None:
            return None
        return next(level for level in self.levels if level.rate_per_s == self.knee.rate)


def loaded_of(study: Study) -> list[Loaded]:
    """Every case that was loaded, model by model, in the order of the study."""
    levels = study.children(LoadLevel, study.ok)
    cases = [case for case in study.ok if levels.get(case.row.result_id)]
    found = []
    for case in sorted(cases, key=lambda one: (study.models.index(one.model), one.configuration)):
        alike: dict[tuple[object, ...], list[LoadLevel]] = {}
        for level in levels[case.row.result_id]:
            way = (level.mode, level.arrivals, level.max_batch, level.max_wait_s)
            alike.setdefault(way, []).append(level)
        found += [Loaded(case, tuple(sorted(members, key=sent))) for members in alike.values()]
    return found


def sent(level: LoadLevel) -> float:
    """How much was sent: clients at once, or requests a second."""
    return float(level.concurrency or level.rate_per_s or 0.0)


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
