"""Two sets of results, case by case: what became slower, costlier or worse, and by which limit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, get_args

from report.compare import (
    Difference,
    WerDifference,
    compare_energy,
    compare_samples,
)
from report.errors import ReportError
from report.study import Case, Study
from report.variants import in_family, peak_memory, wer_difference
from store import Sample, Transcript

Quantity = Literal["latency", "rtfx", "energy", "memory", "wer"]

Key = tuple[str, str, str, str, str, float, int]

_LIMIT = re.compile(r"(?P<name>[a-z]+):(?P<by>[+-]\d+(?:\.\d+)?)(?P<unit>%|pp)")


@dataclass(frozen=True)
class Change:
    """A ratio of two figures that have no samples."""

    ratio: float
    significant: bool | None
    """Whether their uncertainties leave room for chance; None where they have none."""


@dataclass(frozen=True)
class Pair:
    """One case on both sides."""

    a: Case
    b: Case
    latency: Difference
    energy: Change | None
    """None unless both have joules of one label and source."""
    memory: Change | None
    wer: WerDifference | None


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
class Limit:
    """A change that must not be passed: ``latency:+5%``, ``wer:+0.5pp``."""

    quantity: Quantity
    change: float
    """Relative, or in error rate where ``points``; its sign says which way is worse."""
    points: bool

    @property
    def text(self) -> str:
        unit = "pp" if self.points else "%"
        return f"{self.quantity}:{100 * self.change:+g}{unit}"


@dataclass(frozen=True)
class Breach:
    """A limit that a case passed, beyond what chance explains."""

    limit: Limit
    pair: Pair
    change: float


def parse_limit(text: str) -> Limit:
    """Reads ``latency:+5%``.

    Raises:
        ReportError: It is no limit; one line.
    """
    match = _LIMIT.fullmatch(text.strip())
    names = get_args(Quantity)
    if match is None or match["name"] not in names:
        raise ReportError(
            f"--fail-on {text!r}: write for example latency:+5%, rtfx:-5%, energy:+10%, "
            "memory:+10%, wer:+5% or wer:+0.5pp"
        )
    points = match["unit"] == "pp"
    if points and match["name"] != "wer":
        raise ReportError(f"--fail-on {text!r}: only wer has points; write a change in %")
    name: Quantity = next(known for known in names if known == match["name"])
    return Limit(name, float(match["by"]) / 100, points)


def compare_studies(a: Study, b: Study, *, seed: int = 42) -> Comparison:
    """Pairs the cases of two sides and judges their differences.

    Cases are the same when model, engine, weights, device, variant, audio length and batch size
    are. The confidence of each verdict is raised with the number of pairs, so that all together
    are wrong in less than one comparison of twenty.

    Args:
        a: The baseline.
        b: The other.
        seed: Of the resampling.
    """
    first, second = _by_key(a), _by_key(b)
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
    samples = [side.children(Sample, cases) for side, cases in _sides(a, b, measured)]
    texts = [side.children(Transcript, cases) for side, cases in _sides(a, b, measured)]

    def pair(x: Case, y: Case, confidence: float) -> Pair:
        first, second = x.row.result_id, y.row.result_id
        try:
            latency = compare_samples(
                samples[0].get(first, ()),
                samples[1].get(second, ()),
                seed=seed,
                confidence=confidence,
            )
        except ValueError:
            latency = _bare(x, y)
        wer = wer_difference(
            texts[0].get(first, ()), texts[1].get(second, ()), seed=seed, confidence=confidence
        )
        return Pair(x, y, latency, _energy(x, y, confidence), _memory(x, y), wer)

    pairs = in_family(lambda confidence: [pair(x, y, confidence) for x, y in measured], _intervals)
    return Comparison(
        pairs=tuple(pairs),
        lost=tuple(lost),
        only_a=tuple(case for key, case in first.items() if key not in second),
        only_b=tuple(case for key, case in second.items() if key not in first),
        cautions=tuple(_cautions(a, b, measured)),
    )


def breaches(comparison: Comparison, limits: Sequence[Limit]) -> list[Breach]:
    """Every limit that a pair passes by more than chance explains."""
    return [breach for breach, sure in _past(comparison, limits) if sure]


def doubtful(comparison: Comparison, limits: Sequence[Limit]) -> list[Breach]:
    """Every limit that a pair passes by what chance may explain: to be measured again, longer."""
    return [breach for breach, sure in _past(comparison, limits) if not sure]


def _past(comparison: Comparison, limits: Sequence[Limit]) -> Iterator[tuple[Breach, bool]]:
    for pair in comparison.pairs:
        for limit in limits:
            change, significant = _change(pair, limit)
            if change > limit.change if limit.change >= 0 else change < limit.change:
                yield Breach(limit, pair, change), significant is not False


def _change(pair: Pair, limit: Limit) -> tuple[float, bool | None]:
    """The change that a limit speaks of, and whether it is significant."""
    if limit.quantity == "latency":
        return pair.latency.ratio - 1, pair.latency.significant
    if limit.quantity == "rtfx":
        return 1 / pair.latency.ratio - 1, pair.latency.significant
    if limit.quantity == "wer":
        if pair.wer is None:
            return 0.0, False
        if limit.points:
            return pair.wer.difference, pair.wer.significant
        base = pair.wer.a
        relative = (
            pair.wer.difference / base if base else math.copysign(math.inf, pair.wer.difference)
        )
        return (relative if pair.wer.difference else 0.0), pair.wer.significant
    other = pair.energy if limit.quantity == "energy" else pair.memory
    return (0.0, False) if other is None else (other.ratio - 1, other.significant)


def _by_key(study: Study) -> dict[Key, Case]:
    """The newest case of every key; results of older machines give way."""
    found: dict[Key, Case] = {}
    for case in sorted(study.cases, key=lambda case: case.row.result_id):
        row = case.row
        key = (
            *(row.model, row.engine, row.weights, row.device, row.variant),
            *(row.audio_seconds, row.batch_size),
        )
        kept = found.get(key)
        if kept is None or row.latency_s is not None or kept.row.latency_s is None:
            found[key] = case
    return found


def _sides(
    a: Study, b: Study, pairs: Sequence[tuple[Case, Case]]
) -> tuple[tuple[Study, list[Case]], tuple[Study, list[Case]]]:
    return (a, [x for x, _ in pairs]), (b, [y for _, y in pairs])


def _intervals(pair: Pair) -> int:
    """How many of its differences have one."""
    energy = pair.energy is not None and pair.energy.significant is not None
    return sum(one is not None and one.reason is None for one in (pair.latency, pair.wer)) + energy


def _bare(a: Case, b: Case) -> Difference:
    ratio = (b.row.latency_s or math.nan) / (a.row.latency_s or math.nan)
    reason = "no samples in the store"
    return Difference(ratio=ratio, low=math.nan, high=math.nan, significant=False, reason=reason)


def _energy(a: Case, b: Case, confidence: float) -> Change | None:
    found = compare_energy(a.row, b.row, confidence=confidence)
    if found is None:
        return None
    return Change(found.ratio, None if found.reason else found.significant)


def _memory(a: Case, b: Case) -> Change | None:
    x, y = peak_memory(a), peak_memory(b)
    return Change(y / x, None) if x and y else None


def _cautions(a: Study, b: Study, pairs: Sequence[tuple[Case, Case]]) -> list[str]:
    found = []
    for what, of in (("hardware", _hardware), ("host", _host)):
        sides = [{of(side, case) for case in cases} - {""} for side, cases in _sides(a, b, pairs)]
        if all(sides) and sides[0] != sides[1]:
            found.append(
                f"the {what} differs: {', '.join(sorted(sides[0]))} against "
                f"{', '.join(sorted(sides[1]))}"
            )
    clips = sum(
        x.row.clips_fingerprint != y.row.clips_fingerprint
        for x, y in pairs
        if x.row.clips_fingerprint and y.row.clips_fingerprint
    )
    if clips:
        found.append(f"{clips} of {len(pairs)} pairs had different clips")
    unstable = sum(x.row.stable is False or y.row.stable is False for x, y in pairs)
    if unstable:
        found.append(f"{unstable} of {len(pairs)} pairs were not stable on one side or both")
    threads = sum(x.row.threads != y.row.threads for x, y in pairs)
    if threads:
        found.append(f"{threads} of {len(pairs)} pairs ran on different numbers of threads")
    return found


def _hardware(study: Study, case: Case) -> str:
    environment = study.environment(case)
    if environment is None:
        return ""
    on_cpu = case.row.device.startswith("cpu")
    return (environment.cpu_model if on_cpu else environment.gpu_name) or ""


def _host(study: Study, case: Case) -> str:
    environment = study.environment(case)
    return environment.hostname if environment else ""
