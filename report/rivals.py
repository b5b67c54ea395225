"""How sure a choice is: what chance cannot tell from it, and what is better at other work.

The difference of two cases in an objective is taken at the end of its interval that favours the
other. Intervals are those of a comparison (`report.compare`): latency from the samples, WER paired
over utterances, energy from the readings. Their confidence is raised with their number, so that
all verdicts of a card are wrong in less than one card of twenty. A comparison of two alone needs
no such care and may tell them apart; where it does, that is said as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

from report.compare import NO_CLIP_DIFFERS, compare_energy, compare_samples
from report.regression import confidence_of_two
from report.scenarios import Aim, Limit, MeasureName, Scenario, value_of
from report.scoring import bound_of, cost_of, floored, keeps, weight_of
from report.study import Case, Study, comparable, group, of_one_rate
from report.text import number
from report.variants import WordDifferences, family_confidence
from store import Sample, Transcript

MOST_RIVALS = 24
"""Configurations that a choice is held against, the best first."""

NAMED = 3
"""Of these, as many of each kind are named, and compared with the choice alone as well."""

UNKNOWN_FACTOR = 2.0
"""What times without an interval are taken to be unsure by."""

WORTH_A_WORD = 1.1
"""How much better another length must be to be named."""

RATES: frozenset[MeasureName] = frozenset(
    {"rtfx", "throughput", "joules_per_audio_hour", "price_per_audio_hour"}
)
"""Measures that are of a second or an hour of audio: another length or batch may be better."""

OF_TIME: frozenset[MeasureName] = frozenset(
    {"latency_ms", "p95_ms", "rtfx", "throughput", "price_per_audio_hour"}
)
OF_ENERGY: frozenset[MeasureName] = frozenset({"energy_j", "joules_per_audio_hour"})

_PHRASES: dict[MeasureName, str] = {
    "latency_ms": "the latency",
    "p95_ms": "the 95th percentile of latency",
    "rtfx": "as fast",
    "throughput": "the throughput",
    "energy_j": "the energy",
    "joules_per_audio_hour": "the energy",
    "gflops": "the work",
    "rss_mb": "the memory",
    "vram_mb": "the GPU memory",
    "wer": "the errors",
}


@dataclass(frozen=True)
class Rival:
    """Another configuration that a choice is held against."""

    case: Case
    against: str
    """How it compares, in words: ``3.1 times as fast, words within chance``."""
    alone: str = ""
    """What a comparison of the two alone tells apart beyond that; of those that are named."""


@dataclass(frozen=True)
class Doubts:
    """What speaks against a choice."""

    alike: tuple[Rival, ...] = ()
    """Of what keeps the limits: chance may explain that they are not the choice."""
    left_out: tuple[Rival, ...] = ()
    """Better, or perhaps so, but over a limit of errors, which chance may explain."""
    elsewhere: Rival | None = None
    """Better at another length or batch size, which is other work."""
    limit_unsure: bool = False
    """Chance may explain that the choice keeps its limit of errors."""

    @property
    def certain(self) -> bool:
        """Whether no other configuration might be the better choice at this point."""
        return not (self.alike or self.left_out or self.limit_unsure)


class _Evidence:
    """Intervals of one choice against others, of a common confidence."""

    def __init__(self, study: Study, choice: Case, others: Sequence[Case], measures: int) -> None:
        cases = [choice, *others]
        self._study, self._choice = study, choice
        self._samples = study.children(Sample, cases)
        texts = study.children(Transcript, cases)
        self._words = WordDifferences(texts, texts)
        self._confidence = family_confidence(max(1, len(others) * measures))

    def of_two(self, other: Case) -> _Evidence:
        """The same evidence, as sure as a comparison with one other case alone has to be."""
        found = copy(self)
        found._confidence = confidence_of_two(self._study, self._choice, other)
        return found

    def may_be_better(self, aims: Sequence[Aim], other: Case) -> bool:
        """Whether the intervals let another case be better in an objective."""
        least = 0.0
        for aim in aims:
            weight = weight_of(aim)
            least += weight * self.least(aim.measure, other, -1 if weight > 0 else 1)
        return least <= 0

    def least(self, measure: MeasureName, other: Case, toward: int) -> float:
        """The logarithm of the ratio of the other by the choice, at one end of its interval.

        Args:
            measure: Of which figure.
            other: The other case.
            toward: -1 for the lower end, 1 for the upper.
        """
        if measure == "wer":
            return self._wer(other, toward)
        ours, theirs = value_of(self._choice, measure), value_of(other, measure)
        ratio = math.log(floored(theirs) / floored(ours))
        if measure in OF_ENERGY:
            found = compare_energy(self._choice.row, other.row, confidence=self._confidence)
            # Joules without an uncertainty are estimates, which follow time.
            reach = self._reach_of_times(other)
            if found is not None and not math.isnan(found.low):
                reach = math.log(found.ratio / found.low)
            return ratio + toward * reach
        return ratio + toward * (self._reach_of_times(other) if measure in OF_TIME else 0.0)

    def _reach_of_times(self, other: Case) -> float:
        try:
            found = compare_samples(
                self._samples.get(self._choice.row.result_id, ()),
                self._samples.get(other.row.result_id, ()),
                confidence=self._confidence,
            )
        except ValueError:
            return math.log(UNKNOWN_FACTOR)
        if math.isnan(found.low):
            return math.log(UNKNOWN_FACTOR)
        return math.log(found.ratio / found.low)

    def _wer(self, other: Case, toward: int) -> float:
        low, high = self.errors_between(other)
        ours = value_of(self._choice, "wer") or 0.0
        return math.log(floored(ours + (low if toward < 0 else high)) / floored(ours))

    def errors_between(self, other: Case) -> tuple[float, float]:
        """Ends of the difference of the other's error rate from the choice's.

        Endless where nothing is known of it.
        """
        ours, theirs = value_of(self._choice, "wer"), value_of(other, "wer")
        if ours is None or theirs is None:
            return -math.inf, math.inf
        if self._choice.quality_record == other.quality_record:
            return 0.0, 0.0
        found = self._words.difference(self._choice, other, self._confidence)
        if found is None:
            return -math.inf, math.inf
        if math.isnan(found.low):
            same = found.reason == NO_CLIP_DIFFERS
            return (0.0, 0.0) if same else (-math.inf, math.inf)
        # The rates of the rows may be of more utterances, or of characters.
        middle = theirs - ours
        return middle + found.low - found.difference, middle + found.high - found.difference


def doubts_of(
    scenario: Scenario,
    study: Study,
    aims: Sequence[Aim],
    limits: Sequence[Limit],
    judged: Sequence[Case],
    ranked: Sequence[Case],
) -> Doubts:
    """What speaks against the first of a ranking.

    Args:
        scenario: What is needed.
        study: The study, for samples and transcripts.
        aims: The objective, of which every ranked case has the figures.
        limits: Those that could be judged.
        judged: All candidates, those over a limit too.
        ranked: Those within, the best first.
    """
    choice = ranked[0]
    bounds = [(limit, bound_of(limit, judged)) for limit in limits]
    kept = _of_others(choice, ranked)
    over = _of_others(choice, sorted(_over(aims, bounds, judged), key=lambda c: cost_of(aims, c)))
    within = {case.configuration for case in kept}
    over = [case for case in over if case.configuration not in within]
    errors = [(limit, bound) for limit, bound in bounds if limit.measure == "wer"]
    best = min(judged, key=lambda case: _or_endless(value_of(case, "wer")), default=choice)
    others = [*kept[:MOST_RIVALS], *over[:MOST_RIVALS], best]
    evidence = _Evidence(study, choice, others, len(aims) + len(errors))

    def may_keep(case: Case) -> bool:
        low = (value_of(choice, "wer") or 0.0) + evidence.errors_between(case)[0]
        lowest = min(low, case.row.wer_low if case.row.wer_low is not None else low)
        return all(lowest <= bound for _, bound in errors)

    best_rate = value_of(best, "wer")
    unsure = best_rate is not None and any(
        best_rate - evidence.errors_between(best)[0] > bound
        for limit, bound in errors
        if limit.at_most_times_best is not None and best is not choice
    )

    def rivals(cases: Sequence[Case]) -> tuple[Rival, ...]:
        better = [case for case in cases if evidence.may_be_better(aims, case)]
        return tuple(
            Rival(
                case,
                _against(evidence, aims, choice, case),
                _alone(evidence, aims, choice, case) if number < NAMED else "",
            )
            for number, case in enumerate(better)
        )

    return Doubts(
        alike=rivals(kept[:MOST_RIVALS]),
        left_out=rivals([case for case in over[:MOST_RIVALS] if may_keep(case)]),
        elsewhere=_elsewhere(scenario, study, aims, bounds, choice),
        limit_unsure=unsure,
    )


def words_alike(study: Study, cases: Sequence[Case]) -> set[int]:
    """The results whose error rate is the lowest, or not told apart from it.

    Args:
        study: For the transcripts.
        cases: Those of one kind of error rate.

    Returns:
        Their ids.
    """
    if not cases:
        return set()
    best = min(cases, key=lambda case: _or_endless(value_of(case, "wer")))
    evidence = _Evidence(study, best, [case for case in cases if case is not best], 1)
    found = {best.row.result_id}
    for case in cases:
        low, high = evidence.errors_between(case)
        if low <= 0 <= high:
            found.add(case.row.result_id)
    return found


def _of_others(choice: Case, cases: Sequence[Case]) -> list[Case]:
    """The first case of every configuration but the choice's."""
    groups = group(cases, lambda case: case.configuration)
    return [members[0] for name, members in groups.items() if name != choice.configuration]


def _over(
    aims: Sequence[Aim], bounds: Sequence[tuple[Limit, float]], judged: Sequence[Case]
) -> list[Case]:
    """Candidates that miss a limit of errors and no other."""
    found = []
    for case in judged:
        values = [(limit, bound, value_of(case, limit.measure)) for limit, bound in bounds]
        missed = {
            limit.measure
            for limit, bound, value in values
            if value is None or not keeps(limit, value, bound)
        }
        known = all(value_of(case, aim.measure) is not None for aim in aims)
        if missed == {"wer"} and known and value_of(case, "wer") is not None:
            found.append(case)
    return found


def _against(evidence: _Evidence, aims: Sequence[Aim], choice: Case, other: Case) -> str:
    """How another case compares with the choice, in words."""
    parts = []
    for measure in dict.fromkeys(aim.measure for aim in aims if aim.measure != "wer"):
        ratio = floored(value_of(other, measure)) / floored(value_of(choice, measure))
        times = f"{ratio:.2f}" if ratio < 10 else number(ratio)
        parts.append(f"{times} times {_PHRASES[measure]}")
    words = _words_against(evidence, choice, other)
    return ", ".join([*parts, words] if words is not None else parts)


def _alone(evidence: _Evidence, aims: Sequence[Aim], choice: Case, other: Case) -> str:
    """What a comparison of two alone tells apart that the evidence of all does not."""
    of_two = evidence.of_two(other)
    words = _words_against(of_two, choice, other)
    told = [words] if words and words != _words_against(evidence, choice, other) else []
    if not of_two.may_be_better(aims, other):
        told.append("the choice is better")
    return ", ".join(told)


def _words_against(evidence: _Evidence, choice: Case, other: Case) -> str | None:
    """How the errors of another case compare; None where one of them has no error rate."""
    ours, theirs = value_of(choice, "wer"), value_of(other, "wer")
    if ours is None or theirs is None:
        return None
    low, high = evidence.errors_between(other)
    if low <= 0 <= high:
        return "the same words" if low == high == 0 else "words within chance"
    return f"{100 * abs(theirs - ours):.1f} points {'more' if theirs > ours else 'fewer'} errors"


def _elsewhere(
    scenario: Scenario,
    study: Study,
    aims: Sequence[Aim],
    bounds: Sequence[tuple[Limit, float]],
    choice: Case,
) -> Rival | None:
    """What is better at another length, where the objective is of a second of audio."""
    measure = aims[0].measure
    if measure not in RATES or scenario.batch_size is not None:
        return None
    early_too = scenario.stopped_early or study.with_stopped_early
    admitted = scenario.admitted(study.ok)
    sound = of_one_rate(comparable(admitted, with_stopped_early=early_too))
    there = []
    for case in sound:
        values = [(limit, bound, value_of(case, limit.measure)) for limit, bound in bounds]
        kept = all(v is not None and keeps(limit, v, bound) for limit, bound, v in values)
        known = all(value_of(case, aim.measure) is not None for aim in aims)
        if kept and known and case.row.audio_seconds != choice.row.audio_seconds:
            there.append(case)
    best = min(there, key=lambda case: cost_of(aims, case), default=None)
    if best is None or cost_of(aims, choice) - cost_of(aims, best) < math.log(WORTH_A_WORD):
        return None
    ratio = floored(value_of(best, measure)) / floored(value_of(choice, measure))
    length = best.row.audio_seconds
    models = {case.model for case in sound if case.row.audio_seconds == length}
    return Rival(
        best,
        f"{number(ratio, 2)} times {_PHRASES[measure]} with clips of {length:g} s, which is other "
        f"work: {len(models)} of {len({case.model for case in sound})} models were measured there",
    )


def _or_endless(value: float | None) -> float:
    return math.inf if value is None else value
