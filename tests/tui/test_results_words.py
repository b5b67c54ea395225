"""The tab Results on words: what was timed, what was scored, and where it went wrong."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from textual.theme import BUILTIN_THEMES

from report.reasons import missing_reason
from runner.rescore import rescore
from store import Result, Store
from tests.tui.data import Clock, add_job
from tests.tui.records import continuous, old, packed, result
from tests.tui.results import side_by_side
from tui.glyphs import UNICODE
from tui.present import said_of
from tui.results import detail
from tui.results.alignment import align, align_clips, marked_errors
from tui.results.columns import notes, result_columns
from tui.results.differences import Verdict, compare_runs
from tui.themes import palette


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "asrprof.db", clock=Clock()) as opened:
        yield opened


# Alignment


def test_each_kind_of_word_error() -> None:
    pieces = align("the cat sat on the mat", "the bat sat the mat big", "words")
    assert [(piece.kind, piece.reference, piece.hypothesis) for piece in pieces] == [
        ("equal", "the", "the"),
        ("substitute", "cat", "bat"),
        ("equal", "sat", "sat"),
        ("delete", "on", ""),
        ("equal", "the mat", "the mat"),
        ("insert", "", "big"),
    ]


@given(
    reference=st.lists(st.sampled_from(["one", "two", "three", "four"]), max_size=8),
    hypothesis=st.lists(st.sampled_from(["one", "two", "three", "five"]), max_size=8),
)
def test_an_alignment_loses_no_word(reference: list[str], hypothesis: list[str]) -> None:
    from runner.config import ENGLISH
    from runner.measure.normalisers import normalise

    said, heard = " ".join(reference), " ".join(hypothesis)
    pieces = align(said, heard, ENGLISH)
    assert " ".join(piece.reference for piece in pieces if piece.reference) == normalise(said)
    assert " ".join(piece.hypothesis for piece in pieces if piece.hypothesis) == normalise(heard)


def test_the_worst_utterance_comes_first_and_unscored_ones_stay_raw() -> None:
    (bad,) = result("m").transcripts
    good = replace(bad, clip_id="good", hypothesis=bad.reference, substitutions=0, deletions=0)
    raw = replace(bad, clip_id="raw", substitutions=None, deletions=None, insertions=None)
    aligned = align_clips([replace(good, hits=9), bad, replace(raw, hits=None)], "words")
    assert [found.clip_id for found in aligned] == ["utterance-1", "good", "raw"]
    assert [found.errors for found in aligned] == [2, 0, None]
    assert [marked_errors(found.pieces) for found in aligned] == [2, 0, 0]
    assert aligned[2].pieces == ()


def test_errors_are_marked_as_the_results_own_normaliser_has_them() -> None:
    digits = replace(
        result("m").transcripts[0],
        reference="seven three nine five",
        hypothesis="7, 3, 9, 5",
        substitutions=1,
        deletions=0,
        insertions=3,
        hits=0,
    )
    (theirs,) = align_clips([digits], "whisper-normalizer/english")
    assert (theirs.errors, marked_errors(theirs.pieces), theirs.note) == (4, 4, "")
    counted = replace(digits, substitutions=0, insertions=0, hits=4)
    (ours,) = align_clips([counted], "asrprof/english-1")
    assert (ours.errors, marked_errors(ours.pieces), ours.note) == (0, 0, "")
    # Marks that would not add up to the counts are not drawn.
    (other,) = align_clips([digits], "asrprof/english-1")
    assert other.pieces == ()
    assert "another version" in other.note
    (unknown,) = align_clips([digits], "of-tomorrow")
    assert unknown.pieces == ()
    assert "no normaliser of-tomorrow" in unknown.note


def test_errors_are_marked_as_they_were_counted_after_rescoring(store: Store) -> None:
    """In numbers written as figures one normaliser sees no error, and another four words."""
    digits = replace(
        result("m").transcripts[0],
        reference="seven three nine five",
        hypothesis="7, 3, 9, 5",
        substitutions=0,
        deletions=0,
        insertions=0,
        hits=4,
    )
    add_job(store, Clock(), "one", "done", [replace(result("m"), transcripts=(digits,))])
    (row,) = store.study.rows()
    for normaliser, errors in (("words", 4), ("asrprof/english-1", 0)):
        (again,) = rescore(store, [row], normaliser)
        store.replace_quality(row.result_id, again.quality, again.transcripts)
        stored = store.result(row.result_id).result
        assert stored.quality is not None
        (clip,) = align_clips(stored.transcripts, stored.quality.normaliser)
        assert (clip.errors, marked_errors(clip.pieces), clip.note) == (errors, errors, "")


def test_loops_are_told_with_their_reason() -> None:
    first, second = result("m", loops=1).transcripts
    repeats = replace(first, at_limit=False, compression_ratio=2.41)
    ends = replace(first, at_limit=None, compression_ratio=2.4)
    told = [clip.loop for clip in align_clips([second, repeats, ends], "words")]
    assert told == ["ran into the length limit", "repeats itself", ""]


# Differences


def test_words_of_packed_clips_are_not_judged_beside_utterances(store: Store) -> None:
    clock = Clock()
    first = add_job(store, clock, "one", "done", [old(result("m", wer=0.3, latency_s=0.1))])
    second = add_job(store, clock, "two", "done", [result("m", wer=0.09, latency_s=0.2)])
    ids = [row.result_id for job in (first, second) for row in store.leaderboard(job_id=job)]
    compared = side_by_side(store, ids)
    by_label = {row.label: row for row in compared.figures}
    assert by_label["WER of"].values == ("packed clips", "utterances")
    assert by_label["clips"].values == ("packed", "continuous")
    words = Verdict("-", "muted", "one side's WER is of packed clips, the other's of utterances")
    times = Verdict("x 2.00", "muted", "different work: packed against continuous clips")
    assert by_label["WER %"].verdicts[1] == words
    assert by_label["latency ms"].verdicts[1] == by_label["energy J"].verdicts[1] == times
    runs = compare_runs(store, first, second)
    (case,) = runs.cases
    assert (case.wer, case.latency, case.energy) == (words, times, times)
    for cautions in (compared.cautions, runs.cautions):
        assert any("continuous speech and the other's are packed" in said for said in cautions)


def test_a_latency_of_less_work_is_not_quicker(store: Store) -> None:
    slow = result("m", latency_s=0.2)
    short = replace(
        result("m", latency_s=0.1, batch_size=2),
        speech=replace(continuous(), missing_words=24, stopped_early=True),
    )
    job = add_job(store, Clock(), "one", "done", [slow, short])
    ids = [row.result_id for row in store.leaderboard(job_id=job)]
    by_label = {row.label: row for row in side_by_side(store, ids).figures}
    assert by_label["stopped early"].values == ("no", "! yes")
    verdict = by_label["latency ms"].verdicts[1]
    assert verdict == Verdict("x 0.500", "muted", "different work: one side stopped early")
    # The words are of one record, which the two share.
    assert by_label["WER %"].verdicts[1] == Verdict(
        "+0.00 pp", "", "no utterance differs over 1 utterance"
    )


# Figures and signs


def figures_text(store: Store, row: Result) -> str:
    job = add_job(store, Clock(), "one", "done", [row])
    (stored,) = store.leaderboard(job_id=job)
    theme = BUILTIN_THEMES["textual-dark"].to_color_system().generate()
    console = Console(width=140, file=io.StringIO())
    console.print(detail.figures(store.result(stored.result_id), palette(theme), UNICODE))
    return console.file.getvalue()


def test_a_result_says_what_was_timed_and_what_was_scored(store: Store) -> None:
    text = figures_text(store, result("m", wer=0.093, loops=2))
    assert re.search(
        r"clips +continuous +4 of one recording, 1 of one speaker, 1 of one utterance, 94 % speech",
        text,
    )
    assert re.search(r"words +119 of 120 +came out of the timed clips, 2 missing", text)
    assert re.search(
        r"WER +9\.3 % +6\.5 to 12\.1 %, of 12 utterances, interval by 5 speakers", text
    )
    assert re.search(r"loops +2 of 12 +.*25 % of the errors, 40 % of the time", text)
    assert "stopped early" not in text
    assert "&" not in text


def test_a_result_that_stopped_early_says_so_beside_its_latency(store: Store) -> None:
    text = figures_text(store, replace(result("m", latency_s=0.11), speech=packed()))
    assert re.search(r"latency +!110 ms", text)
    assert re.search(r"! stopped early +missing 182 of 904 words: latency is of less work", text)
    assert re.search(r"clips +& packed +1 of one utterance, 5 of unrelated speakers", text)
    assert re.search(r"loops in clips +1 clip +their batches take 45 % of the time", text)


def test_an_old_result_says_that_its_words_are_of_packed_clips(store: Store) -> None:
    text = figures_text(store, old(result("m", wer=0.3)))
    assert re.search(r"clips +& packed +unrelated utterances joined, by an older asrprof", text)
    assert re.search(r"WER +&30\.0 % .* of 12 packed clips, interval by 12 packed clips", text)


def test_signs_before_figures_and_their_meaning(store: Store) -> None:
    rows = [
        result("plain", wer=0.311),
        replace(result("early", latency_s=0.11), speech=packed()),
        old(result("old", wer=0.311)),
    ]
    job = add_job(store, Clock(), "one", "done", rows)
    found = store.leaderboard(job_id=job)
    columns = {column.key: column for column in result_columns()}

    def cells(key: str) -> list[str]:
        return [columns[key].cell(row)[0] for row in found]

    assert cells("audio_seconds") == ["5", "&5", "&5"]
    assert cells("latency_ms") == ["50.0", "!110", "50.0"]
    assert cells("wer") == ["31.1", "5.0", "&31.1"]
    assert cells("wer_low") == ["21.8 to 40.4", "3.5 to 6.5", "21.8 to 40.4"]
    assert cells("stopped_early") == ["no", "! yes", "-"]
    assert cells("speech_share") == ["94", "91", "-"]
    assert notes(found) == ["! stopped early", "& packed clips", "≈ estimated"]
    assert missing_reason(found[0], "wer", {}) == ""
    assert missing_reason(found[0], "wer", {"quality_remark": "digits"}) == "digits"
    assert missing_reason(found[1], "rtfx", {}).startswith("stopped early")
    assert missing_reason(found[2], "wer", {}).startswith("of packed clips")
    assert said_of(found[:1], "1 case") == "WER of utterances, 1 case"
    assert said_of(found, "3 cases") == "! stopped early, & packed clips, 3 cases"
