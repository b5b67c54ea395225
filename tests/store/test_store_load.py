"""Levels of load: rows, the view, and stores of the schema before there were any."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from store import LoadLevel, Result, Store, StoreError
from store.schema import SCHEMA_VERSION
from tests.store.older import older_store, schema_of

OLDER = "held by an asrprof that did not measure it"


def load_level(**known: Any) -> LoadLevel:
    """A level with nothing but what is named."""
    given: dict[str, Any] = {field.name: None for field in fields(LoadLevel)}
    given |= {"mode": "open", "held": True, "window_s": 30.0, "requests": 60, "answered": 58}
    given |= {"errors": 2, "slo_p95_s": 2.0, "scored": 0, "paced": False}
    return LoadLevel(**given | known)


def without_streams(statement: str) -> str:
    """The statement of a table as it was before schema 14."""
    kept = [line for line in statement.splitlines() if not line.startswith("  paced ")]
    return "\n".join(kept) if "TABLE load_levels" in statement else statement


def without_joules(statement: str) -> str:
    """The statement of a table as it was before schema 13."""
    kept = [line for line in without_streams(statement).splitlines() if "  energy_" not in line]
    return "\n".join(kept) if "TABLE load_levels" in statement else statement


def test_levels_come_back_and_the_view_speaks_of_milliseconds(
    store: Store, job_id: int, full: Result
) -> None:
    levels = (
        load_level(
            rate_per_s=2.0,
            arrivals="poisson",
            latency_p95_s=0.25,
            latency_p95_low_s=0.2,
            queue_mean_s=0.01,
            slo_met=True,
            goodput_per_s=1.9,
            errors_by_kind='{"http_429": 2}',
            wer=0.05,
        ),
        load_level(mode="closed", concurrency=4, held=False, reason="all failed"),
    )
    number = store.write_result(job_id, replace(full, load_levels=levels, load_reason=None))
    assert store.result(number).result.load_levels == levels
    first, second = store.load_board(job_id)
    assert (first.model, first.engine, first.level) == (full.model, full.engine, 0)
    assert (first.mode, first.rate, first.concurrency) == ("open", 2.0, None)
    assert (first.p95_ms, first.p95_low_ms, first.queue_ms) == (250.0, 200.0, 10.0)
    assert (first.slo_p95_ms, first.slo_met, first.goodput_per_s) == (2000.0, 1, 1.9)
    assert (first.errors, first.errors_by_kind, first.wer) == (2, '{"http_429": 2}', 0.05)
    assert (second.concurrency, second.held, second.reason) == (4, 0, "all failed")
    assert store.load_board(job_id + 1) == ()
    assert store.load_board() == (first, second)


def test_streams_of_a_thread_are_told_where_the_slo_was_met(
    store: Store, job_id: int, full: Result
) -> None:
    assert full.conditions is not None
    threads = replace(full.conditions, threads=2)
    met = load_level(rtfx=24.0, slo_met=True, replicas=3)
    levels = (met, replace(met, slo_met=False), replace(met, replicas=None))
    on_cpu = replace(full, device="cpu", conditions=threads, load_levels=levels)
    store.write_result(job_id, on_cpu)
    store.write_result(job_id, replace(on_cpu, case_key="gpu", device="cuda"))
    told = [row.streams_per_thread for row in store.load_board()]
    assert told == [4.0, None, None, None, None, None]  # 24 streams on three models of two.
    assert [row.replicas for row in store.load_board()][:3] == [3, 3, None]


def test_the_reason_that_there_are_none_is_kept(store: Store, job_id: int, full: Result) -> None:
    number = store.write_result(job_id, replace(full, load_reason="no utterances"))
    assert store.result(number).result.load_reason == "no utterances"


@pytest.fixture
def schema_10(tmp_path: Path, store: Store, store_path: Path, job_id: int, full: Result) -> Path:
    """A store as schema 10 has it, with a result."""
    store.write_result(job_id, full)
    store.close()
    absent = ("  load_reason TEXT,\n", "  robustness_reason TEXT,\n")

    def as_it_was(statement: str) -> str:
        for column in absent:
            statement = statement.replace(column, "")
        return statement

    return older_store(
        store_path,
        tmp_path / "ten.db",
        10,
        lacks=("load_levels", "noise_levels"),
        statement_of=as_it_was,
    )


def test_a_store_of_schema_10_is_brought_up_to_date(
    schema_10: Path, store_path: Path, full: Result
) -> None:
    assert schema_of(schema_10) != schema_of(store_path)
    with Store.open(schema_10) as store:
        (row,) = store.leaderboard()
        assert store.result(row.result_id).result == full
        assert store.load_board() == ()
        benchmark = replace(full, case_key="another", load_levels=(load_level(),))
        assert store.write_result(row.job_id, benchmark) > row.result_id
        assert len(store.load_board()) == 1
    assert schema_of(schema_10) == schema_of(store_path)


def test_joules_are_told_by_the_audio_that_was_answered(
    store: Store, job_id: int, full: Result
) -> None:
    known = load_level(rtfx=20.0, energy_j=3000.0, energy_label="sampled", energy_source="nvml")
    silent = replace(known, rtfx=0.0)
    none = load_level(energy_reason="no meter")
    store.write_result(job_id, replace(full, load_levels=(known, silent, none)))
    first, second, third = store.load_board()
    # 100 W over 20 seconds of audio a second.
    assert first.joules_per_audio_hour == known.joules_per_audio_hour == 18_000.0
    assert (first.energy_j, first.energy_label, first.energy_source) == (3000, "sampled", "nvml")
    assert second.joules_per_audio_hour is silent.joules_per_audio_hour is None
    assert (third.energy_j, third.energy_reason) == (None, "no meter")


def test_a_label_of_joules_that_there_is_not_is_refused(
    store: Store, job_id: int, full: Result
) -> None:
    wrong = load_level(energy_label="guessed")
    with pytest.raises(StoreError, match="CHECK constraint"):
        store.write_result(job_id, replace(full, load_levels=(wrong,)))


def test_a_store_of_schema_12_is_brought_up_to_date(
    tmp_path: Path, store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    levels = (load_level(wer=0.1), load_level(cpu_busy=0.5))
    store.write_result(job_id, replace(full, load_levels=levels))
    store.close()
    old_path = older_store(
        store_path,
        tmp_path / "twelve.db",
        12,
        lacks=(),
        statement_of=without_joules,
        more=tuple(f"CREATE VIEW {name} AS SELECT 1" for name in ("load_board", "noise_board")),
    )
    with closing(sqlite3.connect(old_path)) as old:
        columns = [row[1] for row in old.execute("PRAGMA table_info(load_levels)")]
    assert "energy_j" not in columns
    with Store.open(old_path) as opened:
        (row,) = opened.leaderboard()
        kept = opened.result(row.result_id).result
        assert kept.load_levels == tuple(replace(one, energy_reason=OLDER) for one in levels)
        assert [level.cpu_busy for level in opened.load_board()] == [None, 0.5]
    assert schema_of(old_path) == schema_of(store_path)
    with closing(sqlite3.connect(old_path)) as brought:
        assert brought.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_a_store_of_schema_13_is_brought_up_to_date(
    tmp_path: Path, store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    levels = (load_level(energy_j=3.0, energy_label="sampled"), load_level(cpu_busy=0.5))
    store.write_result(job_id, replace(full, load_levels=levels))
    store.close()
    old_path = older_store(
        store_path,
        tmp_path / "thirteen.db",
        13,
        lacks=(),
        statement_of=without_streams,
        more=tuple(f"CREATE VIEW {name} AS SELECT 1" for name in ("load_board", "noise_board")),
    )
    with closing(sqlite3.connect(old_path)) as old:
        columns = [row[1] for row in old.execute("PRAGMA table_info(load_levels)")]
    assert "paced" not in columns and "energy_j" in columns
    with Store.open(old_path) as opened:
        (row,) = opened.leaderboard()
        assert opened.result(row.result_id).result.load_levels == levels
        assert [level.paced for level in opened.load_board()] == [0, 0]
    assert schema_of(old_path) == schema_of(store_path)
