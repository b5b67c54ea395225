"""What stands below a table of results about its clips and its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from report.speech import (
    BY_CHARACTER,
    PACKED,
    PARTIAL,
    STOPPED_EARLY,
    WHAT_BY_CHARACTER_IS,
    WHAT_PACKED_IS,
    WHAT_PACKED_WER_IS,
    left_out,
    longer_than_clips,
    missing_share,
    missing_words,
    quality_loops,
    rate_kind,
    scored_range,
    timed_loops,
)
from report.text import listing, plural
from runner.catalogue.normalisers import ENGLISH
from store import LeaderboardRow, Store, StudyRow

MOST = 6
"""Notes of one kind; a table may have hundreds of rows with a remark of their own."""


def speech_notes(store: Store, rows: Sequence[LeaderboardRow]) -> list[str]:
    """What the WER is of, which clips are packed, which cases stopped early, and which loop.

    Args:
        store: Where the rows are from; what a row of the leaderboard lacks is read there.
        rows: Results with figures.
    """
    studied = studied_rows(store, rows)
    judged = [row for row in rows if row.wer is not None]
    notes = []
    if judged:
        notes.append(f"WER: of {scored_range((row.wer_of, row.scored) for row in judged)}")
    old = sum(row.wer_of == "packed clips" for row in judged)
    if old:
        notes.append(f"{PACKED} WER of packed clips in {old} of {len(rows)}: {WHAT_PACKED_WER_IS}")
    partial = sum(bool(left_out(row)) for row in judged)
    if partial:
        notes.append(f"{PARTIAL} WER of a part of the data in {partial} of {len(rows)}")
    if any(rate_kind(row).headline == "CER" for row in judged):
        notes.append(f"{BY_CHARACTER} {WHAT_BY_CHARACTER_IS}")
    normalisers = dict.fromkeys(row.normaliser for row in judged if row.normaliser)
    if len(normalisers) > 1 or set(normalisers) - {ENGLISH}:
        notes.append(f"WER: by the normaliser {listing(normalisers)}")
    packed = sum(row.clips_mode == "packed" for row in rows)
    if packed:
        notes.append(f"{PACKED} packed in {packed} of {len(rows)}: {WHAT_PACKED_IS}")
    early = sum(bool(row.stopped_early) for row in rows)
    if early:
        notes.append(
            f"{STOPPED_EARLY} stopped early in {early} of {len(rows)}: latency is of less work"
        )
        stopped = [row for row in studied if row.stopped_early]
        notes += _worstof_each(stopped, missing_words, missing_share)
    notes += of_each(studied, quality_loops)
    notes += _worstof_each(studied, timed_loops, lambda row: row.timed_loops_time_share or 0.0)
    notes += of_each(studied, lambda row: row.quality_remark)
    notes += _first(list(dict.fromkeys(filter(None, map(longer_than_clips, studied)))))
    return notes


def studied_rows(store: Store, rows: Sequence[LeaderboardRow]) -> list[StudyRow]:
    """The rows with all that the store knows of them, in the same order."""
    wanted = [row.result_id for row in rows]
    found = {row.result_id: row for row in store.study.rows(result_ids=wanted)}
    return [found[result_id] for result_id in wanted if result_id in found]


def of_each(rows: Sequence[StudyRow], words: Callable[[StudyRow], str | None]) -> list[str]:
    """A note for each thing that there is to say, with all of whom it is said.

    Args:
        rows: The results.
        words: What is to say of one.
    """
    said: dict[str, list[str]] = {}
    for row in rows:
        text = words(row)
        if text is not None:
            said.setdefault(text, []).append(_name(row))
    return _first([f"  {listing(dict.fromkeys(names))}: {text}" for text, names in said.items()])


def _worstof_each(
    rows: Sequence[StudyRow],
    words: Callable[[StudyRow], str | None],
    badness: Callable[[StudyRow], float],
) -> list[str]:
    """A note for the worst case of each model, device and variant.

    Args:
        rows: The results.
        words: What is to say of one.
        badness: What the worst has most of; of equal ones the case with most audio counts.
    """
    worst: dict[str, StudyRow] = {}
    for row in sorted(rows, key=lambda row: (badness(row), row.audio_seconds, row.batch_size)):
        if words(row) is not None:
            worst[_name(row)] = row
    return _first(
        [
            f"  {name}, {row.audio_seconds:g} s x {row.batch_size}: {words(row)}"
            for name, row in worst.items()
        ]
    )


def _first(notes: list[str]) -> list[str]:
    if len(notes) > MOST:
        more = plural(len(notes) - MOST, "more remark")
        return [*notes[:MOST], f"  and {more}; `asrprof show ID` has them"]
    return notes


def _name(row: StudyRow) -> str:
    model = row.model.rstrip("/").rsplit("/", 1)[-1]
    threads = "" if row.threads_listed is None else f" t{row.threads_listed}"
    return f"{model} {row.device}{threads}" + ("" if row.variant == "fp32" else f" {row.variant}")
