"""Figures of a case as cells of a table, with their signs, and what the signs mean below it."""

from __future__ import annotations

from collections.abc import Sequence

from report.content import Column
from report.speech import (
    BY_CHARACTER,
    PACKED,
    PARTIAL,
    STOPPED_EARLY,
    WHAT_BY_CHARACTER_IS,
    WHAT_PACKED_IS,
    WHAT_PACKED_WER_IS,
    error_rate,
    left_out,
    missing_share,
    missing_words,
    quality_loops,
    rate_kind,
    rate_marks,
    scored_range,
    timed_loops,
)
from report.study import Case
from report.text import MISSING, listing, number, percent, plural, tally
from store import COLUMNS
from store.energy_marks import ESTIMATED, SAMPLED, energy_mark

MOST_REMARKS = 12


def column(name: str, unit: str | None = None) -> Column:
    """The column of a metric of the leaderboard.

    Args:
        name: The metric's.
        unit: Instead of its own.
    """
    metric = COLUMNS[name]
    text = metric.form == "text"
    return Column(metric.heading, metric.unit if unit is None else unit, text=text)


def work_marks(case: Case) -> str:
    """Signs before a figure of time: of less work, or of clips that join unrelated speakers."""
    return (STOPPED_EARLY if case.stopped_early else "") + (PACKED if case.packed else "")


def latency_cell(case: Case) -> str:
    """Milliseconds, marked where they were not stable, and by what work they are of."""
    milliseconds = 1e3 * case.row.latency_s if case.row.latency_s is not None else None
    return ("~" if case.row.stable is False else "") + work_marks(case) + number(milliseconds)


def rtfx_cell(case: Case) -> str:
    """Times real time, marked by what work it is of; for tables without a latency."""
    return work_marks(case) + number(case.row.rtfx)


def wer_cell(case: Case) -> str:
    """The error rate in per cent, marked where it is of packed clips, of a part, or a CER."""
    return rate_marks(case.row) + percent(error_rate(case.row))


def energy_cell(case: Case) -> str:
    """Joules, marked by how they were obtained."""
    return _marked(case, case.row.energy_j)


def hour_cell(case: Case) -> str:
    """Joules for an hour of audio, marked alike."""
    return _marked(case, case.row.joules_per_audio_hour)


def _marked(case: Case, joules: float | None) -> str:
    return MISSING if joules is None else energy_mark(case.row.energy_label) + number(joules)


def cell_notes(cases: Sequence[Case]) -> tuple[str, ...]:
    """What the marks of these cases mean, and why figures are missing."""
    notes = []
    if any(case.row.stable is False for case in cases):
        notes.append("~ the latency was not stable.")
    notes += _work_notes([case for case in cases if case.row.latency_s])
    labels = {case.row.energy_label for case in cases if case.row.energy_j is not None}
    if "estimated" in labels:
        notes.append(f"{ESTIMATED} estimated by a model of power, not measured.")
    if "sampled" in labels:
        notes.append(f"{SAMPLED} sampled from a power sensor.")
    missing = [case for case in cases if case.row.energy_j is None and case.row.latency_s]
    if missing:
        reasons = tally(case.row.energy_reason or "not asked for" for case in missing)
        notes.append(f"No energy: {'; '.join(reasons)}.")
    return tuple(notes)


def wer_notes(cases: Sequence[Case]) -> tuple[str, ...]:
    """What the error rates of these cases are of, by which normaliser, and what is odd in them."""
    judged = [case for case in cases if case.row.wer is not None]
    if not judged:
        return ()
    notes = [f"WER: of {scored_range((case.row.quality_of, case.row.scored) for case in judged)}."]
    if any(case.row.quality_of == "packed clips" for case in judged):
        notes.append(f"{PACKED} WER of packed clips: {WHAT_PACKED_WER_IS}.")
    if any(left_out(case.row) for case in judged):
        notes.append(f"{PARTIAL} of a part of the data: the remark says of which.")
    if any(rate_kind(case.row).headline == "CER" for case in judged):
        notes.append(f"{BY_CHARACTER} {WHAT_BY_CHARACTER_IS}.")
    normalisers = listing(
        dict.fromkeys(
            f"{case.row.normaliser} {case.row.normaliser_version}"
            for case in judged
            if case.row.normaliser
        )
    )
    if normalisers:
        notes.append(f"Words are counted after the normaliser {normalisers}.")
    said: dict[str, list[str]] = {}
    for case in judged:
        for remark in (quality_loops(case.row), case.row.quality_remark):
            if remark:
                said.setdefault(remark, []).append(case.configuration.title)
    notes += [
        f"{listing(dict.fromkeys(titles))}: {remark}."
        for remark, titles in list(said.items())[:MOST_REMARKS]
    ]
    if len(said) > MOST_REMARKS:
        notes.append(f"{plural(len(said) - MOST_REMARKS, 'more remark')} in the store.")
    return tuple(notes)


def _work_notes(cases: Sequence[Case]) -> list[str]:
    """What work the latencies of these cases are of."""
    notes = []
    early = [case for case in cases if case.stopped_early]
    if early:
        worst = max(early, key=lambda case: (missing_share(case.row), case.point))
        words = missing_words(worst.row) or "words missing"
        notes.append(
            f"{STOPPED_EARLY} stopped early: latency, RTFx and joules are of less work "
            f"({words} in {worst.title})."
        )
    if any(case.packed for case in cases):
        notes.append(f"{PACKED} packed clips: {WHAT_PACKED_IS}.")
    looping = [case for case in cases if case.row.timed_loops]
    if looping:
        worst = max(looping, key=lambda case: case.row.timed_loops_time_share or 0.0)
        more = f"; {plural(len(looping) - 1, 'more case')} alike" if len(looping) > 1 else ""
        notes.append(f"{worst.title}: {timed_loops(worst.row)}{more}.")
    return notes
