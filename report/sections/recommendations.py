"""Which configuration to take for which purpose, and what to try next."""

from __future__ import annotations

from collections.abc import Sequence

from report.content import Bullets, Card, Cards, Note, Section, Text
from report.hints import hints
from report.recommend import Recommendation, in_unit, recommend
from report.scenarios import MEASURES, Aim, Limit, MeasureName, Scenario, value_of
from report.study import Case, Study, shape
from report.text import listing, plural


def recommendations(study: Study, scenarios: Sequence[Scenario]) -> Section:
    """The section."""
    found = [recommend(scenario, study.ok) for scenario in scenarios]
    shared = _shared(found)
    cards = tuple(_card(one, shared) for one in found)
    intro = Text(
        "Each scenario has an objective and limits, declared in a file that you can copy and edit "
        "(`asrprof report --scenarios FILE`). Candidates are cases with one length of clips."
    )
    remarks = tuple(Note(_sentence(caveat), "warning") for caveat in shared)
    return Section("recommendations", "Recommendations", (intro, Cards(cards), *remarks))


def optimisation(study: Study) -> Section:
    """What the measurements hint at."""
    found = hints(study)
    if not found:
        nothing = Text("The measurements give no cause for a hint.")
        return Section("hints", "What to try next", (nothing,))
    items = []
    for hint in found:
        text = f"{hint.advice} Seen in: {hint.evidence}"
        others = hint.subjects[1:]
        text += f"; also in {listing(others)}." if others else "."
        items.append((f"{hint.title}.", text))
    return Section("hints", "What to try next", (Bullets(tuple(items)),))


def _shared(found: Sequence[Recommendation]) -> tuple[str, ...]:
    """Caveats of every choice there is: said once, below."""
    caveats = [one.caveats for one in found if one.choice is not None]
    if len(caveats) < 2:
        return ()
    return tuple(c for c in caveats[0] if all(c in others for others in caveats[1:]))


def _card(found: Recommendation, shared: Sequence[str]) -> Card:
    scenario = found.scenario
    caveats = tuple(_sentence(caveat) for caveat in found.caveats if caveat not in shared)
    if found.choice is None:
        return Card(
            title=scenario.title,
            about=scenario.about,
            asked=_wish(scenario),
            headline="no recommendation",
            facts=tuple(_left_out(found)),
            notes=caveats,
            decided=False,
        )
    clips = plural(found.choice.row.batch_size, "clip")
    facts = [("batch", f"{clips} of {found.audio_seconds:g} s")]
    facts += _figures(found, found.choice)
    if found.runner_up is not None:
        facts.append(("runner-up", _runner_up(found, found.runner_up)))
    else:
        facts.append(("runner-up", "none: no other configuration qualifies"))
    facts += _left_out(found)
    return Card(
        title=scenario.title,
        about=scenario.about,
        asked=_wish(scenario),
        headline=found.choice.configuration.title,
        facts=tuple(facts),
        notes=caveats,
    )


def _figures(found: Recommendation, case: Case) -> list[tuple[str, str]]:
    facts = []
    for measure in _measures(found.scenario):
        value = value_of(case, measure)
        if value is not None:
            facts.append((MEASURES[measure].title, in_unit(measure, value)))
    return facts


def _measures(scenario: Scenario) -> list[MeasureName]:
    names: list[MeasureName] = [aim.measure for aim in scenario.objective]
    names += [limit.measure for limit in scenario.limits]
    names += ["wer", "rtfx", "latency_ms"]
    return list(dict.fromkeys(names))


def _runner_up(found: Recommendation, case: Case) -> str:
    parts = []
    for measure in _measures(found.scenario)[:3]:
        value = value_of(case, measure)
        if value is not None:
            parts.append(f"{MEASURES[measure].title} {in_unit(measure, value)}")
    return f"{case.configuration.title}, {shape(*case.point)}: {', '.join(parts)}"


def _left_out(found: Recommendation) -> list[tuple[str, str]]:
    if not found.candidates:
        return []
    text = f"{found.candidates} candidates"
    if found.left_out:
        text += f"; left out {listing(found.left_out)}"
    return [("judged", text)]


def _wish(scenario: Scenario) -> str:
    aims = listing(_aim(aim, len(scenario.objective) > 1) for aim in scenario.objective)
    parts = [aims, *(_limit(limit) for limit in scenario.limits)]
    place = [f"on {scenario.device}"] if scenario.device else []
    if scenario.batch_size:
        place.append(f"at batch {scenario.batch_size}")
    parts += [" ".join(place)] if place else []
    return f"Asked for: {'; '.join(parts)}."


def _aim(aim: Aim, weighed: bool) -> str:
    weight = f" (weight {aim.weight:g})" if weighed else ""
    return f"{aim.goal} {MEASURES[aim.measure].title}{weight}"


def _limit(limit: Limit) -> str:
    title = MEASURES[limit.measure].title
    if limit.at_most_times_best is not None:
        return f"{title} at most {limit.at_most_times_best:g} times the best"
    if limit.at_most is not None:
        return f"{title} at most {in_unit(limit.measure, limit.at_most)}"
    return f"{title} at least {in_unit(limit.measure, limit.at_least or 0.0)}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
