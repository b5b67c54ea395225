"""Quality records: stored once, and shown by every result that shares them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from store import Quality, Result, Sample, Store, StoredQuality, StoreError, Transcript


@pytest.fixture
def joined(full: Result) -> Result:
    """A second case with the same quality, which did not take it itself."""
    return replace(full, case_key="joined", audio_seconds=5.0, transcripts=())


def number(store: Store, sql: str) -> int:
    return store._database.number(sql)


def quality_of(result: Result) -> Quality:
    assert result.quality is not None
    return result.quality


def test_one_record_and_its_texts_for_all_that_share_it(
    store: Store, job_id: int, full: Result, joined: Result
) -> None:
    ids = [
        store.write_result(job_id, full),
        store.write_result(job_id, joined),
        # A case that took it again after all changes nothing.
        store.write_result(job_id, replace(full, case_key="again")),
    ]
    assert number(store, "SELECT count(*) FROM qualities") == 1
    assert number(store, "SELECT count(*) FROM transcripts") == 2
    for result_id in ids:
        result = store.result(result_id).result
        assert (result.quality, result.transcripts) == (full.quality, full.transcripts)
    assert store.qualities(job_id) == (
        StoredQuality(
            key="whisper-tiny fp16 cuda",
            quality=quality_of(full),
            transcripts=full.transcripts,
        ),
    )
    assert [row.wer for row in store.leaderboard()] == [0.07654] * 3
    assert {row.quality_id for row in store.study.rows()} == {1}


def test_another_key_or_job_is_another_record(
    store: Store, add_job: Callable[[Store], int], job_id: int, full: Result
) -> None:
    other_job = add_job(store)
    worse = replace(quality_of(full), wer=0.5)
    store.write_result(job_id, full)
    store.write_result(job_id, replace(full, case_key="x", quality_key="other", quality=worse))
    store.write_result(other_job, replace(full, quality=worse))
    assert [row.wer for row in store.leaderboard()] == [0.07654, 0.5, 0.5]
    assert [record.key for record in store.qualities(job_id)] == [full.quality_key, "other"]
    assert [record.quality.wer for record in store.qualities(other_job)] == [0.5]
    assert number(store, "SELECT count(*) FROM transcripts") == 6


def test_the_record_in_the_store_counts(store: Store, job_id: int, full: Result) -> None:
    """A runner may still hold the figures from before a rescoring."""
    first = store.write_result(job_id, full)
    rescored = replace(quality_of(full), wer=0.125, normaliser="basic")
    assert store.replace_quality(first, rescored, full.transcripts) == 1
    late = store.write_result(job_id, replace(full, case_key="late", transcripts=()))
    assert store.result(late).result.quality == rescored
    assert store.leaderboard()[1].wer == 0.125


def test_a_record_without_texts_takes_those_that_come(
    store: Store, job_id: int, full: Result, joined: Result
) -> None:
    lost = Quality.unjudged("utterances", "the pass ran out of memory")
    first = store.write_result(job_id, replace(joined, quality=lost))
    (record,) = store.qualities(job_id)
    assert (record.quality, record.transcripts) == (lost, ())
    store.write_result(job_id, full)
    (record,) = store.qualities(job_id)
    assert (record.quality, record.transcripts) == (full.quality, full.transcripts)
    assert store.result(first).result == replace(joined, transcripts=full.transcripts)


def test_without_a_key_it_is_the_case_s_own(store: Store, job_id: int, full: Result) -> None:
    for key in ("a", "b"):
        result = replace(full, case_key=key, quality_key=None)
        stored = store.result(store.write_result(job_id, result)).result
        assert stored == replace(result, quality_key=key)
    assert [record.key for record in store.qualities(job_id)] == ["a", "b"]


def test_random_weights_need_no_texts(store: Store, job_id: int, joined: Result) -> None:
    nothing = replace(joined, quality=Quality.unjudged("utterances", "random weights"))
    assert store.result(store.write_result(job_id, nothing)).result == nothing
    (row,) = store.study.rows()
    assert (row.wer, row.quality_reason, row.scored) == (None, "random weights", 0)


def test_a_key_without_a_quality_makes_no_record(store: Store, job_id: int, full: Result) -> None:
    without = replace(full, quality=None, transcripts=())
    assert store.result(store.write_result(job_id, without)).result == without
    assert store.qualities(job_id) == ()
    with pytest.raises(ValueError, match=r"^transcripts need a quality record"):
        store.write_result(job_id, replace(full, case_key="x", quality=None))


def test_figures_that_are_no_number_are_named(store: Store, job_id: int, full: Result) -> None:
    nan = float("nan")
    texts = (full.transcripts[0], replace(full.transcripts[1], seconds=nan))
    with pytest.raises(ValueError, match=r"^transcripts\[1\]\.seconds is nan"):
        store.write_result(job_id, replace(full, transcripts=texts))
    odd = replace(quality_of(full), loops_time_share=nan)
    with pytest.raises(ValueError, match=r"^quality\.loops_time_share is nan"):
        store.write_result(job_id, replace(full, quality=odd))
    assert store.qualities(job_id) == ()


def test_a_result_that_cannot_be_stored_leaves_no_record(
    store: Store, job_id: int, full: Result
) -> None:
    with pytest.raises(StoreError, match=r"energy_readings\.source"):
        store.write_result(job_id, replace(full, energy=(full.energy[0], full.energy[0])))
    assert number(store, "SELECT count(*) FROM qualities") == 0
    assert number(store, "SELECT count(*) FROM transcripts") == 0


def test_a_row_that_gives_way_takes_no_record_with_it(
    store: Store, job_id: int, full: Result, joined: Result
) -> None:
    failed = replace(full, state="failed", reason="killed after the pass")
    store.write_result(job_id, failed)
    store.write_result(job_id, joined)
    again = store.write_result(job_id, replace(full, transcripts=()), replace=True)
    assert store.result(again).result == full
    assert [len(record.transcripts) for record in store.qualities(job_id)] == [2]


def test_a_record_that_no_row_shares_stays_for_the_next_attempt(
    store: Store, job_id: int, full: Result
) -> None:
    failed = replace(full, state="failed", reason="killed after the pass")
    store.write_result(job_id, failed)
    bare = replace(failed, quality=None, quality_key=None, transcripts=())
    store.write_result(job_id, bare, replace=True)
    (record,) = store.qualities(job_id)
    assert record.transcripts == full.transcripts


def test_rescoring_changes_all_rows_that_share_it_and_no_other(
    store: Store, job_id: int, full: Result, joined: Result
) -> None:
    store.write_result(job_id, full)
    second = store.write_result(job_id, joined)
    other = store.write_result(job_id, replace(full, case_key="o", quality_key="other"))
    fewer = replace(quality_of(full), wer=0.03125, substitutions=1, loops=None, remark=None)
    texts = tuple(replace(text, substitutions=0, hits=2) for text in full.transcripts)
    assert store.replace_quality(second, fewer, texts) == 2
    assert [row.wer for row in store.leaderboard()] == [0.03125, 0.03125, 0.07654]
    assert [row.quality_remark for row in store.study.rows()][:2] == [None, None]
    for result_id in (1, 2):
        result = store.result(result_id).result
        assert (result.quality, result.transcripts) == (fewer, texts)
    assert store.result(other).result.transcripts == full.transcripts
    assert [record.quality.wer for record in store.qualities(job_id)] == [0.03125, 0.0765432]


def test_rescoring_is_whole_or_not_at_all(
    store: Store, job_id: int, full: Result, failed: Result
) -> None:
    first = store.write_result(job_id, full)
    bare = store.write_result(job_id, failed)
    with pytest.raises(ValueError, match=r"quality\.wer is nan"):
        store.replace_quality(first, replace(quality_of(full), wer=float("nan")), ())
    with pytest.raises(StoreError, match="no result 99 in this store"):
        store.replace_quality(99, quality_of(full), ())
    with pytest.raises(StoreError, match=f"result {bare} has no error rates to replace"):
        store.replace_quality(bare, quality_of(full), ())
    assert store.result(first).result == full


def test_deleting_a_job_takes_its_records_only(
    store: Store, add_job: Callable[[Store], int], job_id: int, full: Result, joined: Result
) -> None:
    other = add_job(store)
    for job in (job_id, other):
        store.write_result(job, full)
        store.write_result(job, joined)
    with store._database.write() as transaction:
        transaction.run("DELETE FROM jobs WHERE id = ?", (job_id,))
    assert store.qualities(job_id) == ()
    assert [len(record.transcripts) for record in store.qualities(other)] == [2]
    assert number(store, "SELECT count(*) FROM transcripts") == 2
    assert store.counts().results == 2


def test_a_record_in_use_cannot_be_deleted(
    store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    store.write_result(job_id, full)
    connection = sqlite3.connect(store_path)
    connection.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        connection.execute("DELETE FROM qualities")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute("UPDATE results SET clips_mode = 'loose'")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute("UPDATE qualities SET quality_of = 'words'")
    connection.close()


@pytest.mark.parametrize("value", [None, False, True])
def test_yes_no_and_unknown_come_back(
    store: Store, job_id: int, full: Result, value: bool | None
) -> None:
    assert full.speech is not None
    texts = (replace(full.transcripts[0], at_limit=value),)
    result = replace(full, speech=replace(full.speech, stopped_early=value), transcripts=texts)
    stored = store.result(store.write_result(job_id, result)).result
    assert stored.transcripts[0].at_limit is value
    assert stored.speech is not None and stored.speech.stopped_early is value
    assert store.study.rows()[0].stopped_early is value
    assert store.leaderboard()[0].stopped_early is value


def test_a_study_reads_shared_texts_for_each_result(
    store: Store, job_id: int, full: Result, failed: Result, joined: Result
) -> None:
    store.write_result(job_id, full)
    store.write_result(job_id, failed)
    store.write_result(job_id, joined)
    found = store.study.children(Transcript, [1, 2, 3, 99])
    assert found == {1: full.transcripts, 3: full.transcripts}
    assert found[1] is found[3]
    assert store.study.children(Transcript, []) == {}
    assert store.study.children(Sample, [3]) == {3: full.samples}


def test_the_figures_of_a_study_row(store: Store, job_id: int, full: Result) -> None:
    store.write_result(job_id, full)
    (row,) = store.study.rows()
    assert (row.quality_id, row.quality_of, row.scored, row.quality_batch_size) == (
        *(1, "utterances", 32, 8),
    )
    assert (row.beyond_window, row.wer_interval_by, row.wer_clusters) == (3, "speaker", 6)
    assert (row.cer_low, row.cer_high, row.quality_remark) == (0.02, 0.04, full.quality.remark)  # type: ignore[union-attr]
    assert (
        row.quality_loops,
        row.quality_loops_error_share,
        row.quality_loops_time_share,
    ) == (2, 0.25, 0.0625)
    made = (row.clips_of_recording, row.clips_of_speaker, row.clips_of_utterance, row.clips_of_any)
    assert (row.clips_mode, *made, row.speech_share) == ("continuous", 5, 2, 1, 0, 0.9123456)
    words = (row.reference_words, row.hypothesis_words, row.missing_words, row.stopped_early)
    assert words == (400, 380, 22, False)
    assert (row.timed_loops, row.timed_loops_time_share) == (1, 0.125)


def test_tables_have_a_shared_record_once(
    store: Store, store_path: Path, job_id: int, full: Result, joined: Result
) -> None:
    store.write_result(job_id, full)
    store.write_result(job_id, joined)
    store.write_result(job_id, replace(full, case_key="o", quality_key="other", batch_size=9))
    with Store.open(store_path, readonly=True) as reader:
        for where, records, texts in (
            (None, [1, 2], 4),
            ("batch_size < 9", [1], 2),
            ("audio_seconds = 5", [1], 2),
            ("batch_size = 9", [2], 2),
            ("batch_size = 10", [], 0),
        ):
            qualities = reader.study.table("qualities", where=where)
            assert [row[0] for row in qualities.rows] == records
            transcripts = reader.study.table("transcripts", where=where)
            assert len(transcripts.rows) == texts
            assert {row[0] for row in transcripts.rows} == set(records)
            assert transcripts.columns[:3] == ("quality_id", "seq", "clip_id")
        with pytest.raises(StoreError, match="has no results to choose from"):
            reader.study.table("environments", where="batch_size = 9")


def test_fingerprints_are_those_of_the_first_good_row(
    store: Store, job_id: int, full: Result
) -> None:
    rows = (
        ("a", 5.0, "failed", "no"),
        ("b", 5.0, "ok", None),
        ("c", 5.0, "ok", "five"),
        ("d", 5.0, "ok", "later"),
        ("e", 30.0, "ok", "thirty"),
    )
    for key, seconds, state, fingerprint in rows:
        store.write_result(
            job_id,
            replace(
                full,
                case_key=key,
                audio_seconds=seconds,
                state=state,  # type: ignore[arg-type]
                clips_fingerprint=fingerprint,
            ),
        )
    assert store.clips_fingerprints(job_id) == {5.0: "five", 30.0: "thirty"}
    assert store.clips_fingerprints(job_id + 1) == {}
