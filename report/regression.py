"""Two sets of results, case by case: what became slower, costlier or worse, and by which limit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from report.cautions import cautions
from report.compare import (
    CONFIDENCE,
    Difference,
    WerDifference,
    compare_energy,
    compare_samples,
    estimates_apart,
)
from report.limits import Limit
from report.load_change import Levels, p95_change, same_levels
from report.study import Case, Study, named
from report.variants import (
    WordDifferences,
    family_confidence,
    in_family,
    peak_memory,
    reason_without_wer,
)
from store import LoadLevel, Sample, Store, StudyRow, Transcript
from store.data_source import name_of
from store.load_records import level_title

Key = tuple[str, str, str, str, str, float, int, str, int | None, str | None]

_OF_WORK = ("latency", "rtfx", "energy")
"""Quantities that follow the work that was done."""


@dataclass(frozen=True)
class Pair:
    """One case on both sides."""

    a: Case
    b: Case
    latency: Difference
    """Without an interval where the two did different work, as is the energy."""
    energy: Difference | None
    """None where `energy_reason` says why."""
    memory: float | None
    """Ratio of peak memory, which has no interval; None unless both are known."""
    wer: WerDifference | None
    """The same object for pairs that share their quality records: it is one piece of evidence."""
    levels: Levels = ()
    """Levels of load that both sides were held at."""

    @property
    def other_work(self) -> str | None:
        """Why times and joules of the two do not compare, or None where they do."""
        return other_work(self.a.row, self.b.row)

    @property
    def unstable(self) -> bool:
        """Whether a latency was not stable: a difference may be the machine's as well."""
        return self.a.row.stable is False or self.b.row.stable is False

    @property
    def energy_reason(self) -> str | None:
        """Why there is no difference of energy, or None."""
        a, b = self.a.row, self.b.row
        if self.energy is not None:
            return None
        if a.energy_j is None or b.energy_j is None:
            return "not known on both sides"
        if a.energy_label != b.energy_label:
            return f"{a.energy_label} and {b.energy_label} do not compare"
        if a.energy_source != b.energy_source:
            return f"{a.energy_source} and {b.energy_source} do not compare"
        if estimates_apart([a, b]):
            return f"estimates of {a.threads} and of {b.threads} threads do not compare"
        return "no energy to compare with"

    @property
    def wer_reason(self) -> str | None:
        """Why there is no difference of WER, or None."""
        return reason_without_wer(self.a.row, self.b.row) if self.wer is None else None


@dataclass(frozen=True)
class Comparison:
    """Two sides."""

    pairs: tuple[Pair, ...]
    lost: tuple[tuple[Case, Case], ...]
    """Cases with a latency on the first side, and run without one on the second."""
    only_a: tuple[Case, ...]
    """Cases that the second side did not run."""
    only_b: tuple[Case, ...]
    cautions: tuple[str, ...]
    """Why the sides may differ for another reason than the one in question."""

    @property
    def latency_ratio(self) -> float:
        """Geometric mean over the pairs."""
        return math.exp(fmean(math.log(pair.latency.ratio) for pair in self.pairs))


@dataclass(frozen=True)
class Breach:
    """A limit that a case passed, beyond what chance explains."""

    limit: Limit
    pair: Pair
    change: float
    level: str | None = None
    """The level of load that it is of."""

    @property
    def title(self) -> str:
        """The case; of words what is run, since all its lengths and batches share them."""
        if self.level is not None:
            return f"{self.pair.a.title}, {self.level}"
        shared = self.limit.quantity == "wer" and self.pair.a.row.quality_of == "utterances"
        return self.pair.a.configuration.title if shared else self.pair.a.title

    @property
    def other_work(self) -> str | None:
        """Why the change is not the case's alone but that of its work, or None."""
        return self.pair.other_work if self.limit.quantity in _OF_WORK else None


def compare_studies(a: Study, b: Study, *, seed: int = 42) -> Comparison:
    """Pairs the cases of two sides and judges their differences.

    Cases are the same when model, engine, weights, device, variant, audio length and batch size
    are, and threads where several are listed, and the speech where a side has several. The
    confidence of each verdict is raised with the number of pairs, so that all together are wrong
    in less than one comparison of twenty.

    Args:
        a: The baseline.
        b: The other.
        seed: Of the resampling.
    """
    several = any(len({case.row.data for case in side.cases}) > 1 for side in (a, b))
    first, second = _by_key(a, by_data=several), _by_key(b, by_data=several)
    common = [key for key in first if key in second]
    measured = [
        (first[key], second[key])
        for key in common
        if first[key].row.latency_s is not None and second[key].row.latency_s is not None
    ]
    lost = [
        (first[key], second[key])
        for key in common
        if first[key].row.latency_s is not None and second[key].row.latency_s is None
    ]
    return Comparison(
        pairs=_compare(a, b, measured, seed),
        lost=tuple(lost),
        only_a=tuple(case for key, case in first.items() if key not in second),
        only_b=tuple(case for key, case in second.items() if key not in first),
        cautions=tuple(cautions(a, b, measured)),
    )


def compare_results(store: Store, result_ids: Sequence[int], *, seed: int = 42) -> Comparison:
    """Results of one store, each with the first of them, whatever cases they are of.

    Args:
        store: Opened read-only.
        result_ids: The results, the baseline first; those that are gone are left out.
        seed: Of the resampling.
    """
    wanted = ", ".join(str(number) for number in result_ids)
    rows = store.study.rows(where=f"result_id IN ({wanted})")
    study = Study(store.path, rows, store.study.environments(), store.study)
    found = {case.row.result_id: case for case in named(rows, study.environments)}
    cases = [found[number] for number in result_ids if number in found]
    pairs = [(cases[0], other) for other in cases[1:]]
    return Comparison(
        pairs=_compare(study, study, pairs, seed),
        lost=(),
        only_a=(),
        only_b=(),
        cautions=tuple(cautions(study, study, pairs)),
    )


def confidence_of_two(study: Study, a: Case, b: Case) -> float:
    """Confidence of each interval where two cases of a study are compared with each other alone.

    Args:
        study: Of both.
        a: One of them.
        b: The other.
    """
    return family_confidence(_intervals(_comparer(study, study, [(a, b)], seed=42)(CONFIDENCE)))


def other_work(a: StudyRow, b: StudyRow) -> str | None:
    """Why times and joules of two results are not of the same work, or None where they are."""
    if a.data and b.data and a.data != b.data:
        # The same folder may lie elsewhere on the other side's machine.
        names = [name_of(data) for data in (a.data, b.data)]
        if names[0] != names[1]:
            return f"speech of {names[0]} against {names[1]}"
    if bool(a.stopped_early) != bool(b.stopped_early):
        return "one side stopped early"
    if a.clips_mode and b.clips_mode and a.clips_mode != b.clips_mode:
        return f"{a.clips_mode} against {b.clips_mode} clips"
    return None


def breaches(comparison: Comparison, limits: Sequence[Limit]) -> list[Breach]:
    """Every limit that a pair passes by more than chance explains."""
    return [breach for breach, sure in _past(comparison, limits) if sure]


def doubtful(comparison: Comparison, limits: Sequence[Limit]) -> list[Breach]:
    """Every limit that a pair passes by what chance may explain: to be measured again, longer."""
    return [breach for breach, sure in _past(comparison, limits) if not sure]


def _compare(a: Study, b: Study, cases: Sequence[tuple[Case, Case]], seed: int) -> tuple[Pair, ...]:
    """Every pair, with intervals that allow for the number of all of them."""
    return tuple(in_family(_comparer(a, b, cases, seed), _intervals))


def _comparer(
    a: Study, b: Study, cases: Sequence[tuple[Case, Case]], seed: int
) -> Callable[[float], list[Pair]]:
    """What compares every pair, with intervals of a confidence; reads what it needs once."""
    sides = (a, [x for x, _ in cases]), (b, [y for _, y in cases])
    samples = [side.children(Sample, members) for side, members in sides]
    texts = [side.children(Transcript, members) for side, members in sides]
    loads = [side.children(LoadLevel, members) for side, members in sides]
    words = WordDifferences(texts[0], texts[1], seed=seed)

    def pair(x: Case, y: Case, confidence: float) -> Pair:
        try:
            latency = compare_samples(
                samples[0].get(x.row.result_id, ()),
                samples[1].get(y.row.result_id, ()),
                seed=seed,
                confidence=confidence,
            )
        except ValueError:
            latency = _bare(x, y)
        energy = compare_energy(x.row, y.row, confidence=confidence)
        return Pair(
            x,
            y,
            _judged(latency, x, y),
            None if energy is None else _judged(energy, x, y),
            _memory(x, y),
            words.difference(x, y, confidence),
            same_levels(
                loads[0].get(x.row.result_id, ()),
                loads[1].get(y.row.result_id, ()),
            ),
        )

    return lambda confidence: [pair(x, y, confidence) for x, y in cases]


def _judged(found: Difference, a: Case, b: Case) -> Difference:
    """The difference; no interval where the two did different work: it would speak of the work."""
    work = other_work(a.row, b.row)
    if work is None:
        return found
    reason = f"different work: {work}"
    return replace(found, low=math.nan, high=math.nan, significant=False, reason=reason)


def _past(comparison: Comparison, limits: Sequence[Limit]) -> Iterator[tuple[Breach, bool]]:
    told: set[tuple[Limit, int]] = set()
    for pair in comparison.pairs:
        for limit in limits:
            if limit.quantity == "p95":
                yield from _past_under_load(pair, limit)
                continue
            if limit.quantity == "wer" and pair.wer is not None:
                # Pairs that share their quality records have one difference, told once.
                if (limit, id(pair.wer)) in told:
                    continue
                told.add((limit, id(pair.wer)))
            change, significant = _change(pair, limit)
            if change > limit.change if limit.change >= 0 else change < limit.change:
                yield Breach(limit, pair, change), significant is not False


def _past_under_load(pair: Pair, limit: Limit) -> Iterator[tuple[Breach, bool]]:
    for a, b in pair.levels:
        found = p95_change(a, b)
        if found is not None and found[0] > limit.change:
            yield Breach(limit, pair, found[0], level_title(a)), found[1]
        elif a.held and not b.held:  # Its load is no longer carried.
            yield Breach(limit, pair, math.inf, level_title(a)), True


def _change(pair: Pair, limit: Limit) -> tuple[float, bool | None]:
    """The change that a limit speaks of, and whether it is significant; None if nobody knows."""
    if limit.quantity in ("latency", "rtfx"):
        ratio = pair.latency.ratio if limit.quantity == "latency" else 1 / pair.latency.ratio
        return ratio - 1, pair.latency.significant
    if limit.quantity == "wer":
        return _wer_change(pair.wer, points=limit.points)
    if limit.quantity == "memory":
        return (0.0, False) if pair.memory is None else (pair.memory - 1, None)
    if pair.energy is None:
        return 0.0, False
    judged = pair.energy.reason is None or pair.other_work is not None
    return pair.energy.ratio - 1, pair.energy.significant if judged else None


def _wer_change(found: WerDifference | None, *, points: bool) -> tuple[float, bool]:
    if found is None:
        return 0.0, False
    if points or not found.difference:
        return found.difference, found.significant
    relative = found.difference / found.a if found.a else math.copysign(math.inf, found.difference)
    return relative, found.significant


def _by_key(study: Study, *, by_data: bool) -> dict[Key, Case]:
    """The newest case of every key; results of older machines give way."""
    found: dict[Key, Case] = {}
    for case in sorted(study.cases, key=lambda case: case.row.result_id):
        row = case.row
        key = (
            *(row.model, row.engine, row.weights, row.device, row.variant),
            # Results of before there were languages have none.
            *(row.audio_seconds, row.batch_size, row.language or "en", row.threads_listed),
            row.data if by_data else None,
        )
        kept = found.get(key)
        if kept is None or row.latency_s is not None or kept.row.latency_s is None:
            found[key] = case
    return found


def _intervals(pairs: Sequence[Pair]) -> int:
    """How many intervals there are; pairs that share their quality records have one of words."""
    words = {id(pair.wer) for pair in pairs if pair.wer and pair.wer.reason is None}
    energies = sum(pair.energy is not None and pair.energy.reason is None for pair in pairs)
    return sum(pair.latency.reason is None for pair in pairs) + energies + len(words)


def _bare(a: Case, b: Case) -> Difference:
    ratio = (b.row.latency_s or math.nan) / (a.row.latency_s or math.nan)
    known = a.row.latency_s is not None and b.row.latency_s is not None
    reason = "no samples in the store" if known else "no latency on both sides"
    return Difference(ratio=ratio, low=math.nan, high=math.nan, significant=False, reason=reason)


def _memory(a: Case, b: Case) -> float | None:
    x, y = peak_memory(a), peak_memory(b)
    return y / x if x and y else None
