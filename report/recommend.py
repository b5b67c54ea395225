"""Which model, device, batch and variant to take for a scenario, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from report.scenarios import MEASURES, Aim, Limit, MeasureName, Scenario, value_of
from report.study import Case, group

OWN_SPEECH = "small-"
"""Models that asrprof brings along know the vocabulary of its own synthesised speech alone."""


@dataclass(frozen=True)
class Recommendation:
    """The choice for one scenario."""

    scenario: Scenario
    choice: Case | None
    """None where nothing keeps the limits; ``caveats`` say why."""
    runner_up: Case | None
    """The best of another model, device or variant."""
    audio_seconds: float | None
    """Clip length at which cases were compared."""
    candidates: int
    """Cases of that length, device and batch size."""
    left_out: tuple[str, ...]
    """Why candidates dropped out, with their number."""
    caveats: tuple[str, ...]
    """What could not be judged."""


def recommend(scenario: Scenario, cases: Sequence[Case]) -> Recommendation:
    """Chooses among cases that had the same audio length.

    A candidate that lacks a figure of the objective or of a limit drops out where others have it.
    Where none has it, the scenario is judged without, and says so.

    Args:
        scenario: What is needed.
        cases: Cases with a latency.
    """
    admitted = [case for case in cases if scenario.admits(case)]
    length = _length(scenario, admitted)
    candidates = [case for case in admitted if case.row.audio_seconds == length]
    if not candidates:
        return Recommendation(scenario, None, None, None, 0, (), (_nothing(scenario),))
    caveats: list[str] = []
    left_out: list[str] = []
    aims = [aim for aim in scenario.objective if _known(aim.measure, candidates, caveats)]
    limits = [limit for limit in scenario.limits if _known(limit.measure, candidates, caveats)]
    kept = candidates
    for limit in limits:
        kept = _within(limit, kept, candidates, left_out)
    for measure in dict.fromkeys(aim.measure for aim in aims):
        kept = _with_figure(measure, kept, left_out)
    if not aims:
        caveats.insert(0, "nothing of the objective was measured")
        kept = []
    elif not kept:
        caveats.insert(0, "no candidate keeps every limit")
    ranked = _ranked(aims, kept)
    choice = ranked[0] if ranked else None
    runner_up = next(
        (case for case in ranked if choice and case.configuration != choice.configuration), None
    )
    return Recommendation(
        scenario=scenario,
        choice=choice,
        runner_up=runner_up,
        audio_seconds=length,
        candidates=len(candidates),
        left_out=tuple(left_out),
        caveats=(*caveats, *_caveats(aims, limits, candidates, kept, choice)),
    )


def bound_of(limit: Limit, candidates: Sequence[Case]) -> float:
    """The number that a limit comes to."""
    if limit.at_most_times_best is not None:
        values = [value_of(case, limit.measure) for case in candidates]
        return limit.at_most_times_best * min(value for value in values if value is not None)
    bound = limit.at_most if limit.at_most is not None else limit.at_least
    return math.nan if bound is None else bound


def _length(scenario: Scenario, cases: Sequence[Case]) -> float | None:
    """The length to compare at: that of most models, or the one asked for."""
    if isinstance(scenario.audio_seconds, float):
        return scenario.audio_seconds
    by_length = group(cases, lambda case: case.row.audio_seconds)
    models = {
        length: len({case.model for case in members}) for length, members in by_length.items()
    }
    sign = 1 if scenario.audio_seconds == "longest" else -1
    return max(models, key=lambda length: (models[length], sign * length), default=None)


def _nothing(scenario: Scenario) -> str:
    asked = [f"on {scenario.device}"] if scenario.device else []
    if scenario.batch_size:
        asked.append(f"at batch {scenario.batch_size}")
    if isinstance(scenario.audio_seconds, float):
        asked.append(f"with clips of {scenario.audio_seconds:g} s")
    return " ".join(("nothing was measured", *asked))


def _known(measure: MeasureName, cases: Sequence[Case], caveats: list[str]) -> bool:
    if any(value_of(case, measure) is not None for case in cases):
        return True
    note = f"{MEASURES[measure].title} was not measured here: judged without it"
    if note not in caveats:
        caveats.append(note)
    return False


def _within(
    limit: Limit, cases: Sequence[Case], candidates: Sequence[Case], left_out: list[str]
) -> list[Case]:
    bound = bound_of(limit, candidates)
    kept, over, unknown, unsure = [], 0, 0, 0
    for case in cases:
        value = value_of(case, limit.measure)
        if value is None:
            unknown += 1
        elif value >= bound if limit.at_least is not None else value <= bound:
            kept.append(case)
        else:
            over += 1
            low = case.row.wer_low
            unsure += limit.measure == "wer" and low is not None and low <= bound
    title = MEASURES[limit.measure].title
    if over:
        word = "below" if limit.at_least is not None else "above"
        doubt = f", {unsure} of them within its uncertainty" if unsure else ""
        left_out.append(f"{over} {word} {title} {in_unit(limit.measure, bound)}{doubt}")
    if unknown:
        left_out.append(f"{unknown} without {title}")
    return kept


def _with_figure(measure: MeasureName, cases: list[Case], left_out: list[str]) -> list[Case]:
    kept = [case for case in cases if value_of(case, measure) is not None]
    if len(kept) < len(cases):
        left_out.append(f"{len(cases) - len(kept)} without {MEASURES[measure].title}")
    return kept


def _ranked(aims: Sequence[Aim], cases: Sequence[Case]) -> list[Case]:
    """Best first, by the weighted geometric mean of the figures."""

    def cost(case: Case) -> float:
        total = 0.0
        for aim in aims:
            value = value_of(case, aim.measure)
            # A WER of 0 is the best there is, not infinitely better than the next.
            logarithm = math.log(max(value or 0.0, 1e-4))
            total += aim.weight * (logarithm if aim.goal == "least" else -logarithm)
        return total

    return sorted(cases, key=cost)


def _caveats(
    aims: Sequence[Aim],
    limits: Sequence[Limit],
    candidates: Sequence[Case],
    kept: Sequence[Case],
    choice: Case | None,
) -> list[str]:
    if choice is None:
        return []
    used = {aim.measure for aim in aims} | {limit.measure for limit in limits}
    found = []
    if used & {"energy_j", "joules_per_audio_hour"}:
        labels = sorted({case.row.energy_label for case in kept if case.row.energy_label})
        if labels == ["estimated"]:
            found.append("energy is only estimated by a model, not measured")
        elif len(labels) > 1:
            found.append(f"energy figures of different kinds are compared: {', '.join(labels)}")
    if "wer" in used:
        if choice.row.model.startswith(OWN_SPEECH):
            found.append(
                f"the WER of {choice.model} says nothing about real speech: it was trained on "
                "asrprof's own synthesised speech"
            )
        sets = {case.row.clips_fingerprint for case in kept if case.row.wer is not None}
        if len(sets) > 1:
            found.append("error rates come from different sets of clips")
    unstable = [case for case in (choice,) if case.row.stable is False]
    if unstable and used & {"latency_ms", "p95_ms", "rtfx", "throughput"}:
        found.append(f"the latency of the choice was not stable: {choice.row.stable_reason}")
    if len({case.configuration for case in candidates}) == 1:
        found.append("it is the only candidate")
    return found


def in_unit(measure: MeasureName, value: float) -> str:
    """A figure with its unit, for a sentence."""
    if measure == "wer":
        return f"{100 * value:.1f} %"
    number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    unit = MEASURES[measure].unit
    return f"{number} {unit}" if unit else number
