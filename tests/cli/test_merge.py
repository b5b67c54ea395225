"""`asrprof merge`: what it says, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from store import Store
from tests.cli.conftest import Ran
from tests.cli.records import failed, result
from tests.store.schema_9 import schema_9


@pytest.fixture
def other(store_with: Callable[..., Path]) -> Path:
    return store_with(result(), failed())


def test_results_of_two_stores_make_one(
    asrprof: Callable[..., Ran], other: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old.db"
    schema_9(old).close()
    into = tmp_path / "all.db"
    ran = asrprof("merge", str(other), str(old), "--store", str(into))
    assert (ran.code, ran.err) == (0, f"{tmp_path}/all.db: a new store\n")
    assert ran.out == (
        f"{other}: 1 new job and 2 results taken in\n{old}: 1 new job and 2 results taken in\n"
    )
    listed = asrprof("results", "--store", str(into), "--where", "job=1").out
    assert listed.count("whisper-tiny") == 2  # A row, and the case that failed.
    ran = asrprof("merge", str(other), "--store", str(into))
    assert ran.out == f"{other}: 0 new jobs and 0 results taken in, 1 job known before\n"


def test_a_job_that_is_left_out_has_a_word(
    asrprof: Callable[..., Ran], other: Path, tmp_path: Path
) -> None:
    with Store.open(other) as store:
        store.start_job(1, target="local", cases_total=1, owner="far:1:1", lease_s=3600)
    ran = asrprof("merge", str(other), "--store", str(tmp_path / "all.db"))
    assert ran.out.splitlines()[1] == (
        f"{other}: job 2 left out: it is running: merge again when it has ended"
    )


def test_a_slip_in_the_last_name_costs_nothing(
    asrprof: Callable[..., Ran], other: Path, tmp_path: Path
) -> None:
    into = tmp_path / "new" / "all.db"
    ran = asrprof("merge", str(other), "typo.db", "--store", str(into))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("asrprof: error: typo.db: no such store")
    assert not into.parent.exists()
    ran = asrprof("merge", str(other), "--store", str(other))
    assert (ran.code, ran.out) == (2, "")
    assert "the store itself" in ran.err
