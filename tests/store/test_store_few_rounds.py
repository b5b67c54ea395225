"""Stores of earlier versions hold intervals of two rounds: they lose them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from store import Result, Sample, Stage, Store, StoredResult
from store.few_rounds import drop_intervals_of_few_rounds

FEW = "fewer than 4 rounds of the batch cycle give no interval"
STAGE = Stage(stage="encode", median_s=0.1, low_s=0.09, high_s=0.11, iterations=10)


def samples(kind: str, *rounds: int) -> tuple[Sample, ...]:
    """So many rounds of each batch of the cycle."""
    return tuple(
        Sample(kind=kind, iteration=n, batch=batch, seconds=0.5)
        for batch, count in enumerate(rounds)
        for n in range(count)
    )


def after_migration(store: Store, path: Path, job: int, result: Result) -> StoredResult:
    """A result as an earlier version's store gives it once it is brought up to date."""
    number = store.write_result(job, result)
    store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        drop_intervals_of_few_rounds(connection)
    with Store.open(path) as opened:
        return opened.result(number)


@pytest.mark.parametrize(
    ("rounds", "kept"), [((2, 2), False), ((9, 3), False), ((4, 4), True), ((), True)]
)
def test_a_latency_of_few_rounds_loses_its_interval(
    rounds: tuple[int, ...], kept: bool, store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    # Many rounds of another kind are none of the latency.
    timed = (*samples("latency", *rounds), *samples("warmup", 2), *samples("stage:encode", 5))
    result = replace(full, samples=timed, stages=(STAGE,))
    stored = after_migration(store, store_path, job_id, result).result
    assert stored.latency is not None and full.latency is not None
    if kept:
        assert stored.latency == full.latency
    else:
        nothing = {"low_s": None, "high_s": None, "interval_reason": FEW}
        assert stored.latency == replace(full.latency, **nothing)
    assert stored.stages == (STAGE,)


def test_a_stage_of_few_rounds_loses_its_own(
    store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    other = replace(STAGE, stage="decode")
    timed = (*samples("latency", 5), *samples("stage:encode", 2), *samples("stage:decode", 4))
    result = replace(full, samples=timed, stages=(STAGE, other))
    stored = after_migration(store, store_path, job_id, result).result
    assert stored.latency == full.latency
    assert stored.stages == (
        replace(STAGE, low_s=None, high_s=None, interval_reason=FEW),
        other,
    )


@pytest.mark.parametrize("windows", [3, 4])
def test_joules_of_few_windows_lose_their_uncertainty(
    windows: int, store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    primary = replace(full.energy[0], windows=windows)
    other = replace(primary, source="rapl", windows=7 - windows)
    result = replace(full, energy=(primary, other), energy_primary=primary.source)
    stored = after_migration(store, store_path, job_id, result).result
    unsure = {"uncertainty_j": None, "net_uncertainty_j": None}
    expected = [replace(one, **unsure) if one.windows < 4 else one for one in (primary, other)]
    assert list(stored.energy) == expected
    with Store.open(store_path, readonly=True) as opened:
        (row,) = opened.study.rows()
    assert row.energy_uncertainty_j == expected[0].uncertainty_j
