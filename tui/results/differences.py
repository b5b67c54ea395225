"""How results differ from a first one, and runs from one another: with what chance can explain."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store import LeaderboardRow, Sample, Store, StoredResult, StoreError
from tui.present import model_name, number
from tui.widgets.column import Tone

if TYPE_CHECKING:
    from report.compare import Difference, WerDifference

MOST_RESULTS = 8
"""Results side by side; more do not fit on a screen."""


@dataclass(frozen=True)
class Verdict:
    """How one figure differs, in words."""

    text: str
    tone: Tone = ""
    """``good`` or ``bad`` only where the difference is significant."""
    note: str = ""
    """The interval, or why there is none."""


@dataclass(frozen=True)
class FigureRow:
    """One figure of several results."""

    label: str
    values: tuple[str, ...]
    verdicts: tuple[Verdict | None, ...]
    """None for the first result, to which the others are compared."""


@dataclass(frozen=True)
class CaseRow:
    """One case of two runs."""

    a: LeaderboardRow
    b: LeaderboardRow
    latency: Verdict
    energy: Verdict
    wer: Verdict
    ratio: float
    """Latency of the second run by that of the first."""


@dataclass(frozen=True)
class RunsCompared:
    """Two runs."""

    a: int
    b: int
    cases: tuple[CaseRow, ...]
    only_a: int
    """Cases with figures that the other run does not have."""
    only_b: int
    slower: int
    """Cases that are significantly slower in the second run."""
    faster: int


def compare_results(
    store: Store, ids: Sequence[int]
) -> tuple[list[LeaderboardRow], list[FigureRow]]:
    """Figures of some results side by side, the first as the baseline.

    Raises:
        StoreError: Fewer than two of them are left.
    """
    rows = store.browse.rows(ids[:MOST_RESULTS])
    ids = [number for number in ids[:MOST_RESULTS] if number in rows]
    if len(ids) < 2:
        raise StoreError("fewer than two of the marked results are left")
    stored = [store.result(number) for number in ids]
    ordered = [rows[number] for number in ids]
    pairs = len(ids) - 1
    return ordered, [
        *_what_they_are(ordered),
        _figure("latency ms", ordered, lambda r: r.latency_ms, _latency_verdicts(stored, pairs)),
        _interval(ordered),
        _figure("p95 ms", ordered, lambda r: r.p95_ms, _plain(ordered, lambda r: r.p95_ms)),
        _figure("cold ms", ordered, lambda r: r.cold_ms, _plain(ordered, lambda r: r.cold_ms)),
        _figure("RTFx", ordered, lambda r: r.rtfx, _plain(ordered, lambda r: r.rtfx)),
        *_stages(stored),
        _energy("energy J", ordered, lambda r: r.energy_j),
        _energy("J/audio h", ordered, lambda r: r.joules_per_audio_hour),
        _figure("WER %", ordered, lambda r: _percent(r.wer), _wer_verdicts(ordered, stored, pairs)),
        _figure("CER %", ordered, lambda r: _percent(r.cer), _plain(ordered, lambda r: r.cer)),
        _figure("RAM MB", ordered, lambda r: r.rss_mb, _plain(ordered, lambda r: r.rss_mb)),
        _figure("VRAM MB", ordered, lambda r: r.vram_mb, _plain(ordered, lambda r: r.vram_mb)),
        _figure("GFLOP", ordered, lambda r: r.gflops, _plain(ordered, lambda r: r.gflops)),
        _figure("tokens", ordered, lambda r: r.tokens, _plain(ordered, lambda r: r.tokens)),
    ]


def compare_runs(store: Store, a: int, b: int) -> RunsCompared:
    """The cases that two jobs share, as `asrprof compare` judges them."""
    from report.regression import compare_studies
    from report.study import Study

    sides = [Study.read(store, job_id=job) for job in (a, b)]
    pairs = compare_studies(*sides).pairs
    ids = [case.row.result_id for pair in pairs for case in (pair.a, pair.b)]
    rows = store.browse.rows(ids)
    cases = []
    for pair in pairs:
        first, second = (rows.get(case.row.result_id) for case in (pair.a, pair.b))
        if first is None or second is None:  # Gone since the studies were read.
            continue
        # Without samples the ratio is that of two medians, and no verdict.
        cases.append(
            CaseRow(
                first,
                second,
                _latency_verdict(pair.latency),
                _energies(first, second),
                _wer_verdict(first, second, pair.wer),
                pair.latency.ratio,
            )
        )
    cases.sort(key=lambda case: -abs(math.log(case.ratio)))
    return RunsCompared(
        a=a,
        b=b,
        cases=tuple(cases),
        only_a=len(sides[0].ok) - len(pairs),
        only_b=len(sides[1].ok) - len(pairs),
        slower=sum(case.latency.tone == "bad" for case in cases),
        faster=sum(case.latency.tone == "good" for case in cases),
    )


def percent_change(ratio: float) -> str:
    """``1.052`` as ``+5.2 %``; from twofold on as a factor."""
    if ratio >= 2 or ratio <= 0.5:
        return f"x {number(ratio)}"
    change = 100 * (ratio - 1)
    return f"{change:+.1f} %"


# Verdicts


def _latency(a: Sequence[Sample], b: Sequence[Sample], confidence: float) -> Verdict:
    from report.compare import compare_samples

    try:
        return _latency_verdict(compare_samples(a, b, confidence=confidence))
    except ValueError as error:
        return Verdict("-", "muted", str(error))


def _latency_verdict(found: Difference) -> Verdict:
    note = found.reason or f"[{percent_change(found.low)}, {percent_change(found.high)}]"
    tone: Tone = ""
    if found.significant:
        tone = "bad" if found.ratio > 1 else "good"
    return Verdict(percent_change(found.ratio), tone, note)


def _wer_verdict(a: LeaderboardRow, b: LeaderboardRow, found: WerDifference | None) -> Verdict:
    if a.wer is None or b.wer is None:
        return Verdict("-", "muted", "not known on both sides")
    if found is None:
        points = 100 * (b.wer - a.wer)
        return Verdict(f"{points:+.2f} pp", "muted", "no interval: they share no scored clip")
    points = 100 * found.difference
    note = found.reason or f"[{100 * found.low:+.2f}, {100 * found.high:+.2f}] pp"
    tone: Tone = ""
    if found.significant:
        tone = "bad" if points > 0 else "good"
    return Verdict(f"{points:+.2f} pp", tone, f"{note} over {found.clips} clips")


def _energies(a: LeaderboardRow, b: LeaderboardRow) -> Verdict:
    if a.energy_j is None or b.energy_j is None:
        return Verdict("-", "muted", "not learnt on both sides")
    if (a.energy_label, a.energy_source) != (b.energy_label, b.energy_source):
        return Verdict("-", "muted", f"{a.energy_label} and {b.energy_label} do not compare")
    if a.energy_j <= 0:
        return Verdict("-", "muted", "no energy to compare with")
    return Verdict(percent_change(b.energy_j / a.energy_j), "", "no interval")


def verdict_words(verdict: Verdict) -> str:
    """``+5.2 % slower`` would repeat the sign: only whether chance can explain it."""
    if verdict.tone in ("good", "bad"):
        return "significant"
    return "" if verdict.tone == "muted" or not verdict.note.startswith("[") else "may be chance"


# Several results

Get = Callable[[LeaderboardRow], float | None]


def _what_they_are(rows: Sequence[LeaderboardRow]) -> list[FigureRow]:
    """Whatever they are alike in needs no row, but what they are must be said."""
    found = []
    for label, name in (
        ("model", "model"),
        ("weights", "weights"),
        ("device", "device"),
        ("variant", "variant"),
        ("audio s", "audio_seconds"),
        ("batch", "batch_size"),
        ("job", "job_id"),
        ("machine", "environment_id"),
    ):
        values = [getattr(row, name) for row in rows]
        if len(set(values)) > 1 or name == "model":
            if name == "model":
                values = [model_name(value) for value in values]
            texts = tuple(f"{v:g}" if isinstance(v, float) else str(v) for v in values)
            found.append(FigureRow(label, texts, (None,) * len(rows)))
    return found


def _figure(
    label: str, rows: Sequence[LeaderboardRow], get: Get, verdicts: Sequence[Verdict | None]
) -> FigureRow:
    return FigureRow(label, tuple(number(get(row)) for row in rows), tuple(verdicts))


def _interval(rows: Sequence[LeaderboardRow]) -> FigureRow:
    texts = tuple(
        f"[{number(row.latency_low_ms)}, {number(row.latency_high_ms)}]"
        if row.latency_low_ms is not None
        else "-"
        for row in rows
    )
    stable = tuple(
        Verdict("unstable", "warn", "the machine was not quiet") if row.stable is False else None
        for row in rows
    )
    return FigureRow("95 % interval", texts, stable)


def _plain(rows: Sequence[LeaderboardRow], get: Get) -> list[Verdict | None]:
    base = get(rows[0])
    found: list[Verdict | None] = [None]
    for row in rows[1:]:
        value = get(row)
        known = base and value is not None
        found.append(Verdict(percent_change(value / base)) if known else None)  # type: ignore[operator]
    return found


def _energy(label: str, rows: Sequence[LeaderboardRow], get: Get) -> FigureRow:
    marks = {"estimated": "e", "sampled": "s"}
    texts = tuple(
        "-" if get(row) is None else marks.get(row.energy_label or "", "") + number(get(row))
        for row in rows
    )
    verdicts: list[Verdict | None] = [None]
    for row in rows[1:]:
        compared = _energies(rows[0], row)
        base, value = get(rows[0]), get(row)
        if compared.tone != "muted" and base and value is not None:
            compared = Verdict(percent_change(value / base))
        verdicts.append(compared)
    return FigureRow(label, texts, tuple(verdicts))


def _latency_verdicts(stored: Sequence[StoredResult], pairs: int) -> list[Verdict | None]:
    from report.variants import family_confidence

    confidence = family_confidence(2 * pairs)  # Of latency and of words.
    first = stored[0].result.samples
    return [None, *(_latency(first, other.result.samples, confidence) for other in stored[1:])]


def _wer_verdicts(
    rows: Sequence[LeaderboardRow], stored: Sequence[StoredResult], pairs: int
) -> list[Verdict | None]:
    from report.variants import family_confidence, wer_difference

    confidence = family_confidence(2 * pairs)  # Of latency and of words.
    first = stored[0].result.transcripts
    return [
        None,
        *(
            _wer_verdict(
                rows[0],
                row,
                wer_difference(first, other.result.transcripts, confidence=confidence),
            )
            for row, other in zip(rows[1:], stored[1:], strict=True)
        ),
    ]


def _stages(stored: Sequence[StoredResult]) -> list[FigureRow]:
    names: dict[str, None] = {}
    for result in stored:
        names |= dict.fromkeys(stage.stage for stage in result.result.stages)
    found = []
    for name in names:
        medians = [
            next((s.median_s for s in result.result.stages if s.stage == name), None)
            for result in stored
        ]
        base = medians[0]
        verdicts = [
            Verdict(percent_change(median / base)) if base and median is not None else None
            for median in medians[1:]
        ]
        texts = tuple(number(None if median is None else 1e3 * median) for median in medians)
        found.append(FigureRow(f"  {name} ms", texts, (None, *verdicts)))
    return found


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
