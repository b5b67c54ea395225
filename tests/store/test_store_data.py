"""Where the speech of a job comes from: noted once, and the same however it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from store import JobRequest, Result, Store
from store.data_source import short_data
from tests.store.older import older_store, schema_of


def data_of(store: Store, data: dict[str, object] | None, folder: str | None, full: Result) -> str:
    config = {"name": "a"} if data is None else {"name": "a", "data": data}
    benchmark = store.add_benchmark("a", json.dumps(config))
    job = store.start_job(
        benchmark, target="local", cases_total=1, owner="me", lease_s=60, folder=folder
    )
    number = store.write_result(job, full)
    (row,) = [row for row in store.leaderboard() if row.result_id == number]
    (studied,) = store.study.rows(result_ids=[number])
    assert row.data is not None and studied.data == row.data
    return row.data


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/home/me/calls", None),
        ("/home/me/calls/", "/elsewhere"),
        ("calls", "/home/me"),
        ("./calls", "/home/me"),
        ("./calls/", "/home/me/"),
        (".", "/home/me/calls"),
    ],
)
def test_a_folder_is_the_same_however_it_is_written(
    store: Store, full: Result, path: str, folder: str | None
) -> None:
    data: dict[str, object] = {"source": "folder", "path": path, "split": "validation"}
    assert data_of(store, data, folder, full) == "/home/me/calls"


def test_other_sources_are_told_apart(store: Store, full: Result) -> None:
    assert data_of(store, None, None, full) == "builtin"
    assert data_of(store, {"source": "builtin", "split": "validation"}, "/x", full) == "builtin"
    hub: dict[str, object] = {"source": "hub", "dataset": "librispeech", "split": "validation"}
    assert data_of(store, hub, None, full) == "librispeech validation"
    hub |= {"subset": "clean", "split": "test", "revision": "v1"}
    assert data_of(store, hub, None, full) == "librispeech clean test at v1"
    split: dict[str, object] = {"source": "folder", "path": "../calls", "split": "test"}
    assert data_of(store, split, "/home/me", full) == "/home/me/../calls test"


def test_a_queued_job_has_it_too(store: Store, full: Result) -> None:
    config = json.dumps({"name": "a", "data": {"source": "folder", "path": "calls"}})
    benchmark = store.add_benchmark("a", config)
    job = store.queue.add(benchmark, JobRequest(target="local", folder="/home/me"), cases_total=1)
    store.write_result(job, full)
    assert [row.data for row in store.leaderboard()] == ["/home/me/calls"]


def test_a_store_of_schema_14_is_brought_up_to_date(
    tmp_path: Path, store: Store, store_path: Path, full: Result
) -> None:
    config = json.dumps({"name": "a", "data": {"source": "folder", "path": "calls"}})
    benchmark = store.add_benchmark("a", config)
    job = store.queue.add(benchmark, JobRequest(target="local", folder="/home/me"), cases_total=1)
    store.write_result(job, full)
    store.close()
    old = older_store(
        store_path,
        tmp_path / "fourteen.db",
        14,
        lacks=(),
        statement_of=lambda statement: statement,
        more=tuple(f"CREATE VIEW {name} AS SELECT 1" for name in ("load_board", "noise_board")),
    )
    assert schema_of(old) != schema_of(store_path)
    with Store.open(old) as opened:
        assert [row.data for row in opened.leaderboard()] == ["/home/me/calls"]
        assert opened.result(1).result == full
    assert schema_of(old) == schema_of(store_path)


def test_names_for_people_are_short_where_that_tells_them_apart() -> None:
    assert short_data(["builtin", "/a/calls", "/b/test"]) == {
        "builtin": "builtin",
        "/a/calls": "calls",
        "/b/test": "test",
    }
    assert short_data(["/a/test", "/b/test"]) == {"/a/test": "/a/test", "/b/test": "/b/test"}
