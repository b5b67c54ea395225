"""Which configuration to take for which purpose, and what to try next."""

from __future__ import annotations

from collections.abc import Sequence

from report.content import Bullets, Card, Cards, Section, Text
from report.hints import hints
from report.recommend import Recommendation, recommend
from report.rivals import NAMED, OF_ENERGY, OF_TIME, Rival
from report.scenarios import MEASURES, Aim, Limit, MeasureName, Scenario, value_of
from report.scoring import in_unit
from report.settle import settling
from report.speech import scored
from report.study import Case, Study, shape
from report.text import listing, plural


def recommendations(study: Study, scenarios: Sequence[Scenario]) -> Section:
    """The section."""
    intro = Text(
        "Each scenario has an objective and limits, declared in a file that you can copy and edit "
        "(`asrprof report --scenarios FILE`). Candidates are cases with one length of clips, of "
        "every batch size that the scenario admits; WER is of the utterances one by one. A "
        "configuration is within chance of the choice where the intervals of its figures, widened "
        'for their number, let it be the better one; "compared alone" is as sure as `asrprof '
        "compare`. `asrprof recommend` prints the same in a terminal."
    )
    cards = tuple(card_of(recommend(scenario, study)) for scenario in scenarios)
    return Section("recommendations", "Recommendations", (intro, Cards(cards)))


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


def card_of(found: Recommendation) -> Card:
    """A recommendation with all that speaks for it and against it.

    Args:
        found: The recommendation.
    """
    scenario, choice = found.scenario, found.choice
    said = list(found.caveats)
    if found.doubts.limit_unsure:
        said.insert(0, "chance may explain that its errors are within the limit")
    caveats = tuple(_sentence(caveat) for caveat in said)
    if choice is None:
        return Card(
            title=scenario.title,
            about=scenario.about,
            asked=_wish(scenario),
            headline="no recommendation",
            facts=tuple(_left_out(found)),
            notes=caveats,
            decided=False,
        )
    clips = plural(choice.row.batch_size, "clip")
    facts = [("batch", f"{clips} of {found.audio_seconds:g} s")]
    facts += _figures(found, choice)
    facts += _sure(found)
    if found.runner_up is not None:
        facts.append(("runner-up", _runner_up(found, found.runner_up)))
    else:
        facts.append(("runner-up", "none: no other configuration qualifies"))
    facts += _left_out(found)
    command = settling(found)
    if command is not None:
        facts.append(("to settle it", command))
    return Card(
        title=scenario.title,
        about=scenario.about,
        asked=_wish(scenario),
        headline=choice.configuration.title,
        facts=tuple(facts),
        notes=caveats,
    )


def _sure(found: Recommendation) -> list[tuple[str, str]]:
    """What chance cannot tell from the choice, and what is better at other work."""
    doubts = found.doubts
    facts = []
    if doubts.alike:
        facts.append(("within chance", _rivals(doubts.alike)))
    if doubts.left_out:
        limits = listing(_limit(one) for one in found.scenario.limits if one.measure == "wer")
        word = "its" if len(doubts.left_out) == 1 else "their"
        text = f"{_rivals(doubts.left_out)}: {word} errors may be within the limit, {limits}"
        facts.append(("may qualify", text))
    if doubts.certain and found.candidates > 1:
        facts.append(("within chance", "no other configuration"))
    if doubts.elsewhere is not None:
        rival = doubts.elsewhere
        facts.append(("elsewhere", f"{rival.case.configuration.title}: {rival.against}"))
    return facts


def _rivals(rivals: Sequence[Rival]) -> str:
    shown = [f"{rival.case.title} ({_against(rival)})" for rival in rivals[:NAMED]]
    more = len(rivals) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _against(rival: Rival) -> str:
    return f"{rival.against}; compared alone: {rival.alone}" if rival.alone else rival.against


def _figures(found: Recommendation, case: Case) -> list[tuple[str, str]]:
    facts = []
    for measure in _measures(found.scenario):
        value = value_of(case, measure)
        if value is not None:
            unstable = case.row.stable is False and measure in OF_TIME
            text = f"{'~' if unstable else ''}{in_unit(measure, value)}"
            if measure in OF_ENERGY and case.row.energy_label in ("estimated", "sampled"):
                text += f", {case.row.energy_label}"
            if measure == "wer":
                text += f" of {scored(case.row)}"
            facts.append((MEASURES[measure].title, text))
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
    text = plural(found.candidates, "candidate")
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
    if scenario.stopped_early:
        parts.append("cases that stopped early may be chosen")
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
