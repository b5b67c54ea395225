"""Names of models and devices, and which result of a case counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from report.regression import compare_studies
from report.study import Study
from store import Result, Store, StoreError, process_owner
from tests.report.synthetic import ENVIRONMENT, Grid, results_of

ONE = next(iter(results_of(Grid(clips=1))))


def study_of(path: Path, results: Iterable[Result]) -> Study:
    with Store.open(path) as store:
        for number, result in enumerate(results):
            job = store.start_job(
                store.add_benchmark(f"b{number}", f'{{"name": "b{number}"}}'),
                target="local",
                cases_total=1,
                owner=process_owner(),
                lease_s=60.0,
            )
            store.write_result(job, result)
    with Store.open(path, readonly=True) as store:
        return Study.read(store)


def test_hardware_is_named_only_where_a_device_has_several(tmp_path: Path) -> None:
    other = replace(ENVIRONMENT, gpu_name="NVIDIA H100", fingerprint="b" * 64)
    study = study_of(
        tmp_path / "store.db",
        [
            replace(ONE, device="cpu"),
            replace(ONE, device="cuda"),
            replace(ONE, device="cuda", environment=other),
        ],
    )
    assert study.places == ("cpu", "cuda (NVIDIA H100)", "cuda (NVIDIA Tesla P100)")
    assert len(study.cases) == 3


def test_models_of_one_name_keep_their_owners(tmp_path: Path) -> None:
    study = study_of(
        tmp_path / "store.db",
        [
            replace(ONE, model="a/tiny"),
            replace(ONE, model="b/tiny"),
            replace(ONE, model="c/base", weights="random"),
        ],
    )
    assert set(study.models) == {"a/tiny", "b/tiny", "base (random)"}


def test_one_model_through_two_engines_is_two_cases(tmp_path: Path) -> None:
    study = study_of(
        tmp_path / "store.db",
        [
            replace(ONE, engine="whisper"),
            replace(ONE, engine="faster-whisper"),
            replace(ONE, engine="faster-whisper", weights="random"),
        ],
    )
    assert len(study.cases) == 3
    assert set(study.models) == {
        "whisper-tiny",
        "whisper-tiny (faster-whisper)",
        "whisper-tiny (random, faster-whisper)",
    }
    with Store.open(study.path, readonly=True) as store:
        alone = compare_studies(Study.read(store), Study.read(store))
    assert len(alone.pairs) == 3
    assert all(pair.latency.ratio == 1 for pair in alone.pairs)


def test_a_later_failure_does_not_take_figures_away(tmp_path: Path) -> None:
    failed = replace(
        ONE, state="failed", reason="crash", latency=None, energy=(), energy_primary=None
    )
    assert ONE.latency is not None
    faster = replace(ONE, latency=replace(ONE.latency, median_s=0.001))
    study = study_of(tmp_path / "store.db", [ONE, faster, failed])
    (case,) = study.cases
    assert case.row.latency_s == 0.001
    assert study.results == 3


def test_a_condition_needs_a_store_that_is_only_read(study_path: Path) -> None:
    with Store.open(study_path) as store, pytest.raises(StoreError, match="read-only"):
        Study.read(store, where="1")
