"""How results differ from a first one, and runs from one another, in the words of a table.

What differs and whether chance can explain it says `report.regression`, as for `asrprof compare`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.speech import STOPPED_EARLY
from report.text import change, interval, plural
from store import COLUMNS, LeaderboardRow, Store, StoredResult, StoreError
from store.energy_marks import energy_mark
from tui.present import NO_VALUE, model_name, number
from tui.table import Tone

if TYPE_CHECKING:
    from report.compare import Difference
    from report.regression import Pair

MOST_RESULTS = 8
"""Results side by side; more do not fit on a screen."""


@dataclass(frozen=True)
class Verdict:
    """How one figure differs, in words."""

    text: str
    tone: Tone = ""
    """``good`` or ``bad`` only where the difference is significant, ``warn`` where it would be but
    for a latency that was not stable."""
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
class ResultsCompared:
    """Several results, the first as the baseline."""

    rows: tuple[LeaderboardRow, ...]
    figures: tuple[FigureRow, ...]
    cautions: tuple[str, ...]
    """Why they may differ for another reason than the one in question."""


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
    """Cases that the other run does not have."""
    only_b: int
    lost: int
    """Cases with figures in the first run, and without in the second."""
    slower: int
    """Cases that are significantly slower in the second run."""
    faster: int
    cautions: tuple[str, ...]


def compare_results(store: Store, ids: Sequence[int]) -> ResultsCompared:
    """Figures of some results side by side; of the ids the first ``MOST_RESULTS``.

    Raises:
        StoreError: Fewer than two of them are left.
    """
    from report import regression

    rows = store.browse.rows(ids[:MOST_RESULTS])
    ids = [number for number in ids[:MOST_RESULTS] if number in rows]
    if len(ids) < 2:
        raise StoreError("fewer than two of the marked results are left")
    stored = [store.result(number) for number in ids]
    ordered = [rows[number] for number in ids]
    comparison = regression.compare_results(store, ids)
    pairs = comparison.pairs
    latency = [_latency_verdict(pair) for pair in pairs]
    wer = [_wer_verdict(pair) for pair in pairs]
    figures = [
        *_what_they_are(ordered),
        *_stopped_early(ordered),
        _figure("latency_ms", ordered, latency),
        _interval(ordered),
        *(_figure(name, ordered) for name in ("p95_ms", "cold_ms", "rtfx")),
        *_stages(stored),
        _figure("energy_j", ordered, [_energy_verdict(pair) for pair in pairs]),
        _energy_per_hour(ordered, pairs),
        _figure("wer", ordered, wer),
        *(_figure(name, ordered) for name in ("cer", "rss_mb", "vram_mb", "gflops", "tokens")),
    ]
    return ResultsCompared(tuple(ordered), tuple(figures), comparison.cautions)


def compare_runs(store: Store, a: int, b: int) -> RunsCompared:
    """The cases that two jobs share, the largest change of latency first.

    Args:
        store: The store.
        a: Id of the baseline's job.
        b: Id of the other job.
    """
    from report.regression import compare_studies
    from report.study import Study

    comparison = compare_studies(*(Study.read(store, job_id=job) for job in (a, b)))
    pairs = comparison.pairs
    rows = store.browse.rows([case.row.result_id for pair in pairs for case in (pair.a, pair.b)])
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
                _latency_verdict(pair),
                _energy_verdict(pair),
                _wer_verdict(pair),
                pair.latency.ratio,
            )
        )
    cases.sort(key=lambda case: -abs(math.log(case.ratio)))
    return RunsCompared(
        a=a,
        b=b,
        cases=tuple(cases),
        only_a=len(comparison.only_a),
        only_b=len(comparison.only_b),
        lost=len(comparison.lost),
        slower=sum(case.latency.tone == "bad" for case in cases),
        faster=sum(case.latency.tone == "good" for case in cases),
        cautions=comparison.cautions,
    )


def percent_change(ratio: float) -> str:
    """``1.052`` as ``+5.2 %``; from twofold on as a factor."""
    if math.isnan(ratio):
        return NO_VALUE
    if ratio >= 2 or ratio <= 0.5:
        return f"x {number(ratio)}"
    return f"{change(ratio)} %"


# Verdicts


def _verdict(found: Difference) -> Verdict:
    """That of two latencies or energies."""
    text = percent_change(found.ratio)
    if found.reason is not None:
        return Verdict(text, "muted", found.reason)
    tone: Tone = ""
    if found.significant:
        tone = "bad" if found.ratio > 1 else "good"
    return Verdict(text, tone, f"[{percent_change(found.low)}, {percent_change(found.high)}]")


def _latency_verdict(pair: Pair) -> Verdict:
    """Not firm where a side was not stable: the difference may be the machine's."""
    verdict = _verdict(pair.latency)
    if verdict.tone in ("good", "bad") and pair.unstable:
        return replace(verdict, tone="warn")
    return verdict


def _energy_verdict(pair: Pair) -> Verdict:
    if pair.energy is None:
        return Verdict(NO_VALUE, "muted", pair.energy_reason or "")
    return _verdict(pair.energy)


def _wer_verdict(pair: Pair) -> Verdict:
    found = pair.wer
    if found is None:
        return Verdict(NO_VALUE, "muted", pair.wer_reason or "")
    points = 100 * found.difference
    note = found.reason or f"[{100 * found.low:+.2f}, {100 * found.high:+.2f}] pp"
    tone: Tone = ""
    if found.significant:
        tone = "bad" if points > 0 else "good"
    scored = (pair.a.row.quality_of or "utterances").removesuffix("s")
    return Verdict(f"{points:+.2f} pp", tone, f"{note} over {plural(found.clips, scored)}")


def verdict_words(verdict: Verdict) -> str:
    """``+5.2 % slower`` would repeat the sign: only whether chance can explain it."""
    if verdict.tone in ("good", "bad"):
        return "significant"
    if verdict.tone == "warn":
        return "unstable"
    return "" if verdict.tone == "muted" or not verdict.note.startswith("[") else "may be chance"


# Several results


def _what_they_are(rows: Sequence[LeaderboardRow]) -> list[FigureRow]:
    """Whatever they are alike in needs no row, but what they are must be said."""
    found = []
    for name in (
        *("model", "weights", "language", "device", "variant", "audio_seconds", "batch_size"),
        *("data", "clips_mode", "wer_of", "job_id", "environment_id"),
    ):
        values = [row.place if name == "device" else getattr(row, name) for row in rows]
        if len(set(values)) > 1 or name == "model":
            if name == "model":
                values = [model_name(value) for value in values]
            texts = tuple(f"{v:g}" if isinstance(v, float) else str(v or "-") for v in values)
            found.append(FigureRow(COLUMNS[name].label, texts, (None,) * len(rows)))
    return found


def _stopped_early(rows: Sequence[LeaderboardRow]) -> list[FigureRow]:
    if not any(row.stopped_early for row in rows):
        return []
    words = {None: "-", True: f"{STOPPED_EARLY} yes", False: "no"}
    texts = tuple(words[row.stopped_early] for row in rows)
    return [FigureRow("stopped early", texts, (None,) * len(rows))]


def _figure(
    name: str, rows: Sequence[LeaderboardRow], verdicts: Sequence[Verdict | None] | None = None
) -> FigureRow:
    """One column of the leaderboard.

    Args:
        name: The column.
        rows: The results, the first as the baseline.
        verdicts: Of all but the first; by default how much they differ, without a verdict.
    """
    metric = COLUMNS[name]

    def text(row: LeaderboardRow) -> str:
        value = row.value(name)
        if value is None:
            return NO_VALUE
        mark = energy_mark(row.energy_label) if metric.reason == "energy_reason" else ""
        return mark + number(100 * value if metric.form == "share" else value)

    return FigureRow(
        metric.label, tuple(map(text, rows)), (None, *(verdicts or _plain(rows, name)))
    )


def _interval(rows: Sequence[LeaderboardRow]) -> FigureRow:
    texts = tuple(
        NO_VALUE
        if row.latency_low_ms is None
        else interval(row.latency_low_ms, row.latency_high_ms)
        for row in rows
    )
    stable = tuple(
        Verdict("unstable", "warn", "the machine was not quiet") if row.stable is False else None
        for row in rows
    )
    return FigureRow(COLUMNS["latency_low_ms"].label, texts, stable)


def _plain(rows: Sequence[LeaderboardRow], name: str) -> list[Verdict | None]:
    base = rows[0].value(name)
    return [
        Verdict(percent_change(row.value(name) / base))
        if base and row.value(name) is not None
        else None
        for row in rows[1:]
    ]


def _energy_per_hour(rows: Sequence[LeaderboardRow], pairs: Sequence[Pair]) -> FigureRow:
    """Energy per hour of audio, judged as the energy of one batch, which has the interval."""
    name = "joules_per_audio_hour"
    verdicts = [
        _energy_verdict(pair) if pair.energy is None or verdict is None else verdict
        for pair, verdict in zip(pairs, _plain(rows, name), strict=True)
    ]
    return _figure(name, rows, verdicts)


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
