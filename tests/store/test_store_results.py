"""Writing results and reading them back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import (
    Comparison,
    Conditions,
    DecoderStep,
    EnergyReading,
    Environment,
    Event,
    FlopsReading,
    Latency,
    LoadLevel,
    Memory,
    NoiseLevel,
    Operator,
    Peak,
    PowerSample,
    Proof,
    Quality,
    Result,
    Sample,
    Scalar,
    Stage,
    Store,
    StoreError,
    TimedSpeech,
    Transcript,
    records,
)

AT = "2026-01-31T12:00:00+00:00"
CHILD_TABLES = (
    "stages",
    "samples",
    "energy_readings",
    "power_samples",
    "flops",
    "operators",
    "peaks",
    "proofs",
    "figures",
    "decoder_steps",
    "qualities",
    "transcripts",
)


def rows(path: Path, sql: str) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def size(path: Path, table: str) -> int:
    return int(rows(path, f"SELECT count(*) FROM {table}")[0][0])


def test_full_result_comes_back_equal(store: Store, job_id: int, full: Result) -> None:
    result_id = store.write_result(job_id, full)
    stored = store.result(result_id)
    assert stored.result == full
    assert stored.result.latency is not None
    assert stored.result.latency.stable is True
    assert (stored.id, stored.job_id) == (result_id, job_id)


def test_result_without_figures_comes_back_equal(store: Store, job_id: int, failed: Result) -> None:
    stored = store.result(store.write_result(job_id, failed))
    assert stored.result == failed
    assert stored.energy_j is None


def test_derived_figures(store: Store, job_id: int, full: Result) -> None:
    stored = store.result(store.write_result(job_id, full))
    # 12.5 J for a batch of 100 s of audio.
    assert stored.energy_j == 12.5
    assert stored.joules_per_audio_hour == pytest.approx(450.0)
    assert (stored.encoder_flops, stored.flops) == (48_000_000_000, 60_000_000_000)


def test_refused_primary_reading_gives_no_joules(store: Store, job_id: int, full: Result) -> None:
    stored = store.result(store.write_result(job_id, replace(full, energy_primary="rapl")))
    assert stored.energy_j is None
    assert stored.joules_per_audio_hour is None
    assert stored.result.energy_primary == "rapl"


def test_joules_an_hour_that_overflow_are_refused(store: Store, job_id: int, full: Result) -> None:
    assert full.latency is not None
    short = replace(full, latency=replace(full.latency, audio_s=5e-324))
    with pytest.raises(ValueError, match=r"^joules_per_audio_hour is inf"):
        store.write_result(job_id, short)


def test_energy_without_latency_has_no_hour(store: Store, job_id: int, full: Result) -> None:
    stored = store.result(store.write_result(job_id, replace(full, latency=None)))
    assert stored.energy_j == 12.5
    assert stored.joules_per_audio_hour is None


def test_results_table_has_each_reading_once(
    store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    store.write_result(job_id, full)
    assert {table: size(store_path, table) for table in CHILD_TABLES} == {
        "stages": 2,
        "samples": 3,
        "energy_readings": 2,
        "power_samples": 2,
        "flops": 3,
        "operators": 1,
        "peaks": 1,
        "proofs": 1,
        "figures": 2,
        "decoder_steps": 2,
        "qualities": 1,
        "transcripts": 2,
    }
    found = rows(store_path, "SELECT latency_s, latency_mean_s, energy_net_j, idle_w FROM results")
    assert found == [(0.5, 0.505, 7.5, 30.0)]


def test_second_write_changes_nothing(
    store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    first = store.write_result(job_id, full)
    again = store.write_result(job_id, replace(full, wall_s=1.0, samples=()))
    assert again == first
    assert store.result(first).result == full
    assert size(store_path, "samples") == 3
    assert store.job(job_id).cases_done == 1


def test_same_case_of_two_jobs_is_two_rows(
    store: Store, add_job: Callable[[Store], int], full: Result
) -> None:
    one, two = add_job(store), add_job(store)
    assert store.write_result(one, full) != store.write_result(two, full)
    assert store.counts().ok == 2
    assert store.counts(two).ok == 1


@pytest.mark.parametrize("state", ["failed", "oom", "refused"])
def test_replace_takes_a_row_that_is_not_ok(
    store: Store, store_path: Path, job_id: int, full: Result, state: records.ResultState
) -> None:
    old = store.write_result(job_id, replace(full, state=state, reason="no"))
    new = store.write_result(job_id, full, replace=True)
    assert new != old
    assert store.result(new).result == full
    assert size(store_path, "results") == 1
    assert size(store_path, "samples") == 3
    assert store.job(job_id).cases_done == 1
    with pytest.raises(StoreError, match=f"no result {old} "):
        store.result(old)


def test_replace_keeps_an_ok_row(store: Store, job_id: int, full: Result) -> None:
    old = store.write_result(job_id, full)
    failed = replace(full, state="failed", reason="later")
    assert store.write_result(job_id, failed, replace=True) == old
    assert store.result(old).result == full


def test_failing_child_leaves_nothing(
    store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    with pytest.raises(StoreError, match=r"energy_readings\.source"):
        store.write_result(job_id, replace(full, energy=(full.energy[0], full.energy[0])))
    for table in ("results", "environments", *CHILD_TABLES):
        assert size(store_path, table) == 0, table
    assert store.job(job_id).cases_done == 0
    store.write_result(job_id, full)


def test_deleting_a_benchmark_takes_all_but_the_environment(
    store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    store.write_result(job_id, full)
    store.add_event(job_id, Event(kind="remark", at=AT))
    with store._database.write() as transaction:
        transaction.run("DELETE FROM benchmarks")
    for table in ("jobs", "results", "events", *CHILD_TABLES):
        assert size(store_path, table) == 0, table
    assert size(store_path, "environments") == 1


def test_equal_environments_are_one_row(
    store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    assert full.environment is not None
    other = replace(full.environment, fingerprint="f" * 64, kernel="6.2")
    ids = [
        store.result(store.write_result(job_id, result)).environment_id
        for result in (
            full,
            replace(full, case_key="b"),
            replace(full, case_key="c", environment=other),
        )
    ]
    assert ids[0] == ids[1] != ids[2]
    assert size(store_path, "environments") == 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_figures_that_are_no_number_are_refused(
    store: Store, job_id: int, full: Result, bad: float
) -> None:
    assert full.latency is not None
    cases = {
        "wall_s": replace(full, wall_s=bad),
        "latency.p99_s": replace(full, latency=replace(full.latency, p99_s=bad)),
        "samples[2].seconds": replace(
            full, samples=(*full.samples[:2], replace(full.samples[2], seconds=bad))
        ),
        "energy[0].mean_w": replace(full, energy=(replace(full.energy[0], mean_w=bad),)),
    }
    for field, result in cases.items():
        with pytest.raises(ValueError, match=r"is -?(nan|inf): ") as caught:
            store.write_result(job_id, result)
        assert str(caught.value).startswith(f"{field} is ")
    assert store.counts().results == 0


def test_values_that_sqlite_cannot_hold_are_refused_by_name(
    store: Store, job_id: int, full: Result
) -> None:
    class Count:
        """Stands for NumPy's integers, which are no Python integers."""

    with pytest.raises(ValueError, match=r"^batch_size is a Count, "):
        store.write_result(job_id, replace(full, batch_size=Count()))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^parameters is an integer of more than 64 bits"):
        store.write_result(job_id, replace(full, parameters=2**63))
    with pytest.raises(ValueError, match=r"^reason is not valid Unicode"):
        store.write_result(job_id, replace(full, reason="\udce9"))
    with pytest.raises(ValueError, match="energy_primary is 'codecarbon'"):
        store.write_result(job_id, replace(full, energy_primary="codecarbon"))


def test_unknown_job_is_named(store: Store, full: Result) -> None:
    with pytest.raises(StoreError, match="no job 99"):
        store.write_result(99, full)
    with pytest.raises(StoreError, match="no job 99"):
        store.add_event(99, Event(kind="remark", at=AT))


@pytest.mark.timed
def test_a_hundred_thousand_samples(store: Store, job_id: int, full: Result) -> None:
    samples = tuple(
        Sample(kind="latency", iteration=i, batch=i % 8, seconds=i * 1e-6) for i in range(100_000)
    )
    started = time.monotonic()
    result_id = store.write_result(job_id, replace(full, samples=samples))
    assert time.monotonic() - started < 10
    assert store.result(result_id).result.samples == samples


def test_case_keys_by_state(store: Store, job_id: int, full: Result, failed: Result) -> None:
    store.write_result(job_id, full)
    store.write_result(job_id, failed)
    assert store.case_keys(job_id) == {"case-1", "case-2"}
    assert store.case_keys(job_id, ["ok"]) == {"case-1"}
    assert store.case_keys(job_id, ("failed", "oom")) == {"case-2"}
    assert store.case_keys(job_id, ()) == set()


def test_counts(store: Store, job_id: int, full: Result, failed: Result) -> None:
    store.write_result(job_id, full)
    store.write_result(job_id, failed)
    counts = store.counts()
    assert (counts.benchmarks, counts.jobs, counts.results) == (1, 1, 2)
    assert (counts.ok, counts.failed, counts.oom, counts.refused) == (1, 1, 0, 0)
    assert store.counts(job_id) == counts


def test_data_version_shows_what_others_write(
    store: Store, store_path: Path, job_id: int, full: Result
) -> None:
    with Store.open(store_path, readonly=True) as watcher:
        before = watcher.data_version()
        assert watcher.data_version() == before
        store.write_result(job_id, full)
        assert watcher.data_version() != before
        assert watcher.counts().ok == 1


def strategy_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values that SQLite can hold, for the type of a record's field."""
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    simple: dict[Any, st.SearchStrategy[Any]] = {
        # Joules an hour of audio, which is their ratio, must be finite too.
        float: st.just(0.0) | st.floats(1e-9, 1e150) | st.floats(-1e150, -1e-9),
        int: st.integers(-(2**63), 2**63 - 1),
        str: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        bool: st.booleans(),
        type(None): st.none(),
    }
    if hint in simple:
        return simple[hint]
    return st.one_of([strategy_of(part) for part in get_args(hint)])


def records_of(record: type[Any], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    fields = {
        name: strategy_of(hint)
        for name, hint in get_type_hints(record).items()
        if name not in given
    }
    return st.builds(record, **fields, **given)


def some(record: type[Any], **unique: Any) -> st.SearchStrategy[Any]:
    return st.lists(records_of(record), max_size=2, **unique).map(tuple)


@st.composite
def results(draw: st.DrawFn) -> Result:
    energy = draw(some(EnergyReading, unique_by=lambda reading: reading.source))
    sources = [reading.source for reading in energy]
    optional = {
        "latency": Latency,
        "speech": TimedSpeech,
        "memory": Memory,
        "quality": Quality,
        "conditions": Conditions,
        "comparison": Comparison,
        # Rows of one fingerprint are one environment, so a random one needs its own.
        "environment": Environment,
    }
    children = {
        "flops": some(FlopsReading, unique_by=lambda reading: (reading.method, reading.stage)),
        "stages": some(Stage),
        "samples": some(Sample),
        "power_samples": some(PowerSample),
        "operators": some(Operator),
        "peaks": some(Peak),
        "transcripts": some(Transcript),
        "proofs": some(Proof),
        "figures": some(Scalar, unique_by=lambda figure: figure.name),
        "decoder_steps": some(DecoderStep),
        # Long records: they have tests of their own.
        "load_levels": st.just(()),
        "noise_levels": st.just(()),
    }
    result: Result = draw(
        records_of(
            Result,
            energy=st.just(energy),
            metrics=st.just(()),
            energy_primary=st.sampled_from([None, *sources]),
            **{name: st.none() | records_of(record) for name, record in optional.items()},
            **children,
        )
    )
    if result.latency is not None:
        result = replace(result, latency_reason=None)
    if result.quality is None:
        result = replace(result, transcripts=())
    elif result.quality_key is None:
        result = replace(result, quality_key=result.case_key)
    if result.environment is None:
        return result
    fingerprint = str(hash(result.environment))
    return replace(result, environment=replace(result.environment, fingerprint=fingerprint))


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("shared") / "asrprof.db") as store:
        yield store


@pytest.mark.e2e
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)
@given(result=results())
def test_any_result_comes_back_equal(
    shared_store: Store, add_job: Callable[[Store], int], result: Result
) -> None:
    result_id = shared_store.write_result(add_job(shared_store), result)
    assert shared_store.result(result_id).result == result


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(level=records_of(LoadLevel))
def test_any_level_of_load_comes_back_equal(
    shared_store: Store, add_job: Callable[[Store], int], failed: Result, level: LoadLevel
) -> None:
    result = replace(failed, load_levels=(level,))
    result_id = shared_store.write_result(add_job(shared_store), result)
    assert shared_store.result(result_id).result == result


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(level=records_of(NoiseLevel))
def test_any_condition_comes_back_equal(
    shared_store: Store, add_job: Callable[[Store], int], failed: Result, level: NoiseLevel
) -> None:
    result = replace(failed, noise_levels=(level,))
    result_id = shared_store.write_result(add_job(shared_store), result)
    assert shared_store.result(result_id).result == result
