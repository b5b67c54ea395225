"""The view ``leaderboard`` and reading it with filters."""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import LEADERBOARD_COLUMNS, Result, Store, StoreError

COLUMNS = [
    "result_id",
    "job_id",
    "benchmark",
    "model",
    "engine",
    "weights",
    "device",
    "variant",
    "language",
    "language_by",
    "audio_seconds",
    "batch_size",
    "state",
    "reason",
    "data",
    "clips_mode",
    "speech_share",
    "latency_ms",
    "latency_low_ms",
    "latency_high_ms",
    "p95_ms",
    "cold_ms",
    "stable",
    "stopped_early",
    "rtfx",
    "throughput",
    "energy_j",
    "energy_label",
    "energy_source",
    "joules_per_audio_hour",
    "encoder_gflops",
    "gflops",
    "rss_mb",
    "vram_mb",
    "tokens",
    "speedup",
    "wer",
    "wer_low",
    "wer_high",
    "cer",
    "wer_of",
    "scored",
    "loops",
    "normaliser",
    "headline",
    "not_scored",
    "environment_id",
    "created_at",
]


@pytest.fixture
def filled(store: Store, job_id: int, full: Result, failed: Result) -> Store:
    """Three results: two ok with batch sizes 4 and 8, one failed."""
    store.write_result(job_id, full)
    store.write_result(job_id, failed)
    store.write_result(job_id, replace(full, case_key="case-3", batch_size=8))
    return store


@pytest.mark.usefixtures("store")
def test_columns_and_their_order(store_path: Path) -> None:
    connection = sqlite3.connect(store_path)
    names = [column[1] for column in connection.execute("PRAGMA table_info(leaderboard)")]
    connection.close()
    assert names == COLUMNS
    assert list(LEADERBOARD_COLUMNS) == COLUMNS


def test_figures_of_a_row(filled: Store, job_id: int) -> None:
    row = filled.leaderboard()[0]
    assert (row.benchmark, row.job_id, row.model) == ("demo", job_id, "openai/whisper-tiny")
    assert (row.latency_ms, row.latency_low_ms, row.latency_high_ms) == (500.0, 490.0, 510.0)
    assert (row.p95_ms, row.cold_ms, row.stable) == (530.0, 900.0, True)
    assert (row.rtfx, row.throughput, row.tokens) == (200.0, 8.0, 111.5)
    assert (row.energy_j, row.energy_label, row.energy_source) == (12.5, "measured", "nvml-counter")
    assert row.joules_per_audio_hour == 450.0
    assert (row.encoder_gflops, row.gflops) == (48.0, 60.0)
    assert (row.rss_mb, row.vram_mb) == (1234.6, 250.0)
    assert row.speedup == 2.0
    assert (row.wer, row.wer_low, row.wer_high, row.cer) == (0.07654, 0.05, 0.1, 0.03)
    assert (row.wer_of, row.scored, row.loops) == ("utterances", 32, 2)
    assert (row.normaliser, row.headline, row.not_scored) == ("asrprof/english-1", "WER", 12)
    assert (row.clips_mode, row.speech_share, row.stopped_early) == ("continuous", 0.9123, False)
    assert row.created_at == "2026-01-31T12:00:00.000000+00:00"


def test_missing_figures_are_null_not_zero(filled: Store) -> None:
    row = filled.leaderboard()[1]
    assert (row.state, row.reason) == ("failed", "RuntimeError: no")
    for column in COLUMNS[COLUMNS.index("clips_mode") : COLUMNS.index("created_at")]:
        assert getattr(row, column) is None, column


def test_label_and_source_go_with_the_joules(store: Store, job_id: int, full: Result) -> None:
    store.write_result(job_id, replace(full, energy_primary="rapl"))
    (row,) = store.leaderboard()
    assert (row.energy_j, row.energy_label, row.energy_source) == (None, None, None)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(figure=st.floats(1e-9, 1e12))
def test_rounding_keeps_five_digits(store: Store, job_id: int, full: Result, figure: float) -> None:
    assert full.latency is not None
    result = replace(full, case_key=str(figure), latency=replace(full.latency, rtfx=figure))
    result_id = store.write_result(job_id, result)
    (row,) = store.leaderboard(where=f"result_id = {result_id}")
    assert row.rtfx is not None
    assert math.isclose(row.rtfx, figure, rel_tol=5.1e-5)
    assert row.rtfx == float(f"{figure:.5g}")


def test_filters(filled: Store, job_id: int, add_job: Callable[[Store], int]) -> None:
    def keys(**filters: object) -> list[int]:
        return [row.batch_size for row in filled.leaderboard(**filters)]  # type: ignore[arg-type]

    assert keys() == [4, 16, 8]
    assert keys(where="state = 'ok'") == [4, 8]
    assert keys(where="batch_size > 4 -- or so") == [16, 8]
    assert keys(order="batch_size DESC") == [16, 8, 4]
    assert keys(order="batch_size DESC", limit=1, where="wer < 0.5") == [8]
    assert keys(limit=0) == []
    assert keys(job_id=job_id, where="1 OR 1", limit=2) == [4, 16]
    assert keys(job_id=add_job(filled), where="1 OR 1") == []
    assert keys(benchmark="demo") == [4, 16, 8]
    assert keys(benchmark="other", where="1 OR 1") == []


@pytest.mark.parametrize(
    "where",
    ["speed > 1", "wer <", "1); DELETE FROM jobs", "1; DROP TABLE jobs", "wer = ?", "load_it()"],
)
def test_bad_filter_is_one_line_that_quotes_it(filled: Store, where: str) -> None:
    with pytest.raises(StoreError) as caught:
        filled.leaderboard(where=where)
    assert where in str(caught.value)
    assert "\n" not in str(caught.value)
    assert filled.counts().results == 3


def test_bad_order_is_quoted(filled: Store) -> None:
    with pytest.raises(StoreError, match="order 'fastest'"):
        filled.leaderboard(order="fastest")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.text(st.characters(max_codepoint=126), max_size=30))
def test_no_filter_breaks_out(filled: Store, where: str) -> None:
    with contextlib.suppress(StoreError):
        filled.leaderboard(where=where)
    assert filled.counts().results == 3


def test_filters_see_what_was_just_written(filled: Store, job_id: int, full: Result) -> None:
    assert len(filled.leaderboard(where="batch_size = 32")) == 0
    filled.write_result(job_id, replace(full, case_key="case-4", batch_size=32))
    assert len(filled.leaderboard(where="batch_size = 32")) == 1
