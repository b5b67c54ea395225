"""Stores of schema 9: each row with error rates and transcripts of packed clips."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from store import (
    Comparison,
    JobRequest,
    OldStoreError,
    Quality,
    Result,
    Store,
    StoredQuality,
    StoreError,
    TimedSpeech,
    Transcript,
)
from store.leaderboard import leaderboard_view
from store.schema import SCHEMA_VERSION
from tests.store.schema_9 import schema_9

AT = "2026-01-31T12:00:00.000000+00:00"
FIXED = {
    "environment_id": None,
    "created_at": AT,
    "started_at": AT,
    "weights": "pretrained",
    "energy_label": "measured",
    "stable": 1,
    "same_text_promised": 0,
}
"""Columns of ``results`` that do not take any value of their type."""
NO_QUALITY = dict.fromkeys(
    (
        *("clips", "wer", "wer_low", "wer_high", "cer", "cer_low", "cer_high"),
        *("substitutions", "deletions", "insertions", "hits"),
        *("normaliser", "normaliser_version", "quality_reason"),
    )
)
RANDOM = {**NO_QUALITY, "clips": 0, "quality_reason": "random weights"}
NO_INTERVAL = {"clips": 1, "wer_low": None, "wer_high": None, "cer_low": None, "cer_high": None}

ROWS: tuple[dict[str, Any], ...] = (
    {"job_id": 1, "case_key": "a", "state": "ok", "clips": 26},
    {"job_id": 1, "case_key": "b", "state": "ok", **RANDOM},
    {"job_id": 1, "case_key": "c", "state": "failed", **NO_QUALITY},
    {"job_id": 2, "case_key": "a", "state": "ok", **NO_INTERVAL},
    {"job_id": 2, "case_key": "d", "state": "oom", "clips": 7},
    {"job_id": 2, "case_key": "e", "state": "ok", **NO_QUALITY},
)
"""By id from 1; what is not named here gets a value that no other column of any row has."""
TEXTS = {1: 3, 4: 1, 5: 2}
"""Transcripts by result."""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A store that commit 48d4c90 wrote."""
    schema_9(tmp_path / "written.db").close()
    return tmp_path / "written.db"


def dump(path: Path) -> list[str]:
    """Everything in a store, and its version."""
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return [f"version {version}", *connection.iterdump()]


def schema(path: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT type, name, sql FROM sqlite_master ORDER BY name"
        ).fetchall()


def test_a_store_that_was_written_with_schema_9(written: Path) -> None:
    with Store.open(written) as store:
        assert store.id == "b7ffe993966fe550d9ed4315ae79edfd"
        (job,) = store.jobs()
        assert (job.benchmark, job.state, job.cases_done, job.machine) == (
            "tiny",
            "done",
            2,
            "host",
        )
        assert store.benchmark(1).name == "tiny"
        assert [event.kind for event in store.events(1)] == [
            "job-started",
            *("case-started", "remark", "case-finished") * 2,
            "job-finished",
        ]
        plain, eager = (store.result(number).result for number in (1, 2))
        assert (plain.variant, eager.variant) == ("fp32", "eager")
        assert plain.latency is not None and plain.memory is not None
        assert plain.latency.median_s == 0.1355837370001609
        assert plain.memory.rss_bytes == 391262208
        assert (store.result(1).energy_j, store.result(1).flops) == (3.74433025, 1560610560)
        assert eager.comparison == Comparison(
            baseline="fp32",
            rounds=4,
            baseline_s=0.1310532682491612,
            variant_s=0.1543401092494605,
            speedup=0.8608401741798994,
            speedup_low=0.727376132570142,
            speedup_high=1.018793128204024,
            clips=4,
            same_text=4,
            same_text_promised=True,
        )
        assert [stage.stage for stage in plain.stages][:3] == ["features", "transfer", "encode"]
        assert plain.stages[2].median_s == 0.0435564040017197839915
        assert (len(plain.samples), len(eager.samples), len(plain.flops)) == (3, 4, 5)
        assert [proof.found for proof in eager.proofs][1:] == ["aten::softmax x 16"]
        assert plain.environment is not None and plain.environment.git_commit is not None
        assert plain.environment.git_commit.startswith("48d4c90")


def test_its_words_are_there_and_marked(written: Path) -> None:
    with Store.open(written) as store:
        for number in (1, 2):
            result = store.result(number).result
            assert result.quality == Quality(
                of="packed clips",
                scored=4,
                batch_size=None,
                beyond_window=None,
                wer=1 / 46,
                wer_low=0.0,
                wer_high=3 / 41,
                cer=0.009259259259259259,
                cer_low=0.0,
                cer_high=0.03428571428571429,
                interval_by="packed clip",
                clusters=4,
                substitutions=1,
                deletions=0,
                insertions=0,
                hits=45,
                normaliser="whisper-normalizer/english",
                normaliser_version="0.1.15",
                reason=None,
            )
            assert result.speech is not None and result.speech.mode == "packed"
            texts = result.transcripts
            assert [text.clip_id for text in texts] == [f"5s-000{number}" for number in range(4)]
            assert texts[0].reference == "call four ten eight four now four big cups on the box"
            assert texts[0].hypothesis == "call four eight eight four now four big cups on the box"
            assert (texts[0].substitutions, texts[0].hits) == (1, 8)
        assert [(row.wer, row.wer_of) for row in store.leaderboard()] == [
            (0.02174, "packed clips")
        ] * 2


def test_a_migrated_store_is_like_a_new_one(written: Path, tmp_path: Path) -> None:
    Store.open(written).close()
    with Store.open(written) as store:
        scalars = store.browse.scalars()
        assert store.leaderboard()[0].scalars == {
            "memory_weights_bytes": 11063680.0,
            "memory_activations_bytes": 6711040.0,
            "memory_cache_bytes": 1501440.0,
        }
    assert scalars["memory_cache_bytes"].heading == "memory of the cache"
    Store.open(tmp_path / "new.db").close()
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        connection.execute("DROP VIEW leaderboard")
        connection.execute(leaderboard_view(scalars))
    assert schema(written) == schema(tmp_path / "new.db")
    assert len(schema(written)) > 40
    before = dump(written)
    assert before[0] == f"version {SCHEMA_VERSION}"
    Store.open(written).close()
    assert dump(written) == before


def test_numbers_of_deleted_rows_are_not_given_again(written: Path, full: Result) -> None:
    with closing(sqlite3.connect(written)) as connection:
        connection.execute("UPDATE sqlite_sequence SET seq = 70 WHERE name = 'results'")
        connection.commit()
    with Store.open(written) as store:
        assert store.write_result(1, full) == 71
        store.queue.remove(1, with_results=True)
        benchmark = store.add_benchmark("a", "{}")
        assert store.queue.add(benchmark, JobRequest(target="local"), cases_total=1) == 2


def test_a_migration_that_fails_changes_nothing(written: Path) -> None:
    with closing(sqlite3.connect(written)) as connection:
        connection.execute("INSERT INTO events (job_id, kind, at) VALUES (9, 'remark', 'now')")
        connection.commit()
    before = dump(written)
    assert before[0] == "version 9"
    with pytest.raises(StoreError, match="1 rows without their parent"):
        Store.open(written)
    assert dump(written) == before


def test_a_reader_does_not_migrate(written: Path) -> None:
    before = dump(written)
    with pytest.raises(OldStoreError, match=r"schema 9, this one needs 15\): open it once"):
        Store.open(written, readonly=True)
    assert dump(written) == before
    with Store.open_to_read(written) as store:
        assert len(store.leaderboard()) == 2


# Every column


def table(connection: sqlite3.Connection, name: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2")]


def fill(connection: sqlite3.Connection) -> None:
    """Every column of ``results`` and of ``transcripts`` gets a value."""
    connection.execute(
        "INSERT INTO benchmarks (name, config, config_hash, created_at) VALUES ('a', '{}', 'h', ?)",
        (AT,),
    )
    for _ in range(2):
        connection.execute(
            "INSERT INTO jobs (benchmark_id, target, state, cases_total, created_at)"
            " VALUES (1, 'local', 'done', 3, ?)",
            (AT,),
        )
    numbers = count(1)
    makers: dict[str, Callable[[], Any]] = {
        "INTEGER": lambda: next(numbers),
        "REAL": lambda: next(numbers) + 0.5,
        "TEXT": lambda: f"text {next(numbers)}",
    }

    def insert(name: str, given: dict[str, Any]) -> None:
        columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
        row = {c["name"]: given.get(c["name"], makers[c["type"]]()) for c in columns} | given
        marks = ", ".join("?" * len(row))
        connection.execute(
            f"INSERT INTO {name} ({', '.join(row)}) VALUES ({marks})", list(row.values())
        )

    for number, given in enumerate(ROWS, 1):
        insert("results", {**FIXED, "id": number, **given})
    for result_id, texts in TEXTS.items():
        for seq in range(texts):
            insert("transcripts", {"result_id": result_id, "seq": seq})
    insert("stages", {"result_id": 1, "seq": 0})


@pytest.fixture
def before(tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    """What was in a store of schema 9 that lies at ``old.db``."""
    with closing(schema_9(tmp_path / "old.db", empty=True)) as connection:
        fill(connection)
        return {name: table(connection, name) for name in ("results", "transcripts", "stages")}


@pytest.fixture
def old(tmp_path: Path, before: object) -> Path:
    return tmp_path / "old.db"


def test_every_figure_is_still_there(old: Path, before: dict[str, list[dict[str, Any]]]) -> None:
    Store.open(old).close()
    with closing(sqlite3.connect(old)) as connection:
        connection.row_factory = sqlite3.Row
        after = {name: table(connection, name) for name in ("results", "transcripts", "stages")}
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        records = {row["id"]: row for row in table(connection, "qualities")}
    assert len(after["results"]) == len(before["results"]) == 6
    for was, now in zip(before["results"], after["results"], strict=True):
        was["scored"] = was.pop("clips")
        assert {name: now[name] for name in was} == was
        if was["scored"] is not None:
            record = records[now["quality_id"]]
            shared = record.keys() - {"id", "key"}
            assert len(shared) == 32
            assert {name: now[name] for name in shared} == {name: record[name] for name in shared}
            assert record["key"] == now["quality_key"] == was["case_key"]
    assert [row["quality_id"] for row in after["results"]] == [1, 2, None, 4, 5, None]
    assert len(after["transcripts"]) == len(before["transcripts"]) == 6
    for was, now in zip(before["transcripts"], after["transcripts"], strict=True):
        was["quality_id"] = was.pop("result_id")
        assert {name: now[name] for name in was} == was
        assert {now[name] for name in now.keys() - was.keys()} == {None}
    assert after["stages"] == before["stages"]


def test_they_are_marked_as_what_they_are(old: Path) -> None:
    with Store.open(old) as store:
        stored = [store.result(number).result for number in range(1, 7)]
        of = [result.quality and result.quality.of for result in stored]
        assert of == ["packed clips", "packed clips", None, "packed clips", "packed clips", None]
        drawn = [(r.quality.interval_by, r.quality.clusters) for r in stored if r.quality]
        assert drawn == [("packed clip", 26), (None, None), (None, None), ("packed clip", 7)]
        packed = TimedSpeech(
            mode="packed",
            of_recording=None,
            of_speaker=None,
            of_utterance=None,
            of_any=None,
            speech_share=None,
        )
        assert [result.speech for result in stored] == [packed, packed, None, packed, None, packed]
        assert [len(result.transcripts) for result in stored] == [3, 0, 0, 1, 2, 0]
        assert [row.wer_of for row in store.leaderboard()] == of
        assert [row.stopped_early for row in store.leaderboard()] == [None] * 6


def test_records_go_with_their_job_and_can_be_rescored(old: Path) -> None:
    with Store.open(old) as store:
        first, second = store.qualities(1)
        assert (first.key, second.key) == ("a", "b")
        assert (first.quality.scored, second.quality.reason) == (26, "random weights")
        assert [record.key for record in store.qualities(2)] == ["a", "d"]
        better = replace(first.quality, wer=0.25)
        assert store.replace_quality(1, better, first.transcripts) == 1
        assert store.qualities(1)[0] == StoredQuality(
            key="a", quality=better, transcripts=first.transcripts
        )
        assert store.qualities(2)[0].quality.wer != 0.25
        found = store.study.children(Transcript, [1, 4])
        assert found == {1: first.transcripts, 4: store.result(4).result.transcripts}


def test_a_resumed_job_mixes_nothing(old: Path, full: Result) -> None:
    with Store.open(old) as store:
        number = store.write_result(1, replace(full, case_key="c"), replace=True)
        assert store.result(number).result == replace(full, case_key="c")
        assert [record.quality.of for record in store.qualities(1)] == [
            "packed clips",
            "packed clips",
            "utterances",
        ]
