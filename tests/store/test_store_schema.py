"""Schema versions and migrations."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Result, Store, StoreError
from store.migrate import check_schema, migrate
from store.schema import APPLICATION_ID, MIGRATIONS

CREATE = MIGRATIONS[0]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "asrprof.db", isolation_level=None)
    yield connection
    connection.close()


def add_column(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE jobs ADD COLUMN colour TEXT")


def rename_results(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE results RENAME TO outcomes")
    connection.execute("ALTER TABLE outcomes RENAME TO results")


def fail(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE half (x)")
    connection.execute("no sql")


def orphan(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO events (job_id, kind, at) VALUES (9, 'log', 'now')")


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchall()[0][0])


def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def test_from_version_0(connection: sqlite3.Connection) -> None:
    assert version(connection) == 0
    assert migrate(connection) == len(MIGRATIONS) == version(connection)
    assert connection.execute("PRAGMA application_id").fetchall() == [(APPLICATION_ID,)]
    before = schema(connection)
    assert migrate(connection) == len(MIGRATIONS)
    assert schema(connection) == before


def test_step_by_step_is_the_same_as_at_once(tmp_path: Path) -> None:
    steps = (CREATE, add_column, rename_results)
    schemas = []
    for name, stops in (("once", [3]), ("steps", [1, 2, 3])):
        connection = sqlite3.connect(tmp_path / name, isolation_level=None)
        for stop in stops:
            assert migrate(connection, steps[:stop]) == stop
        schemas.append(schema(connection))
        connection.close()
    assert schemas[0] == schemas[1]


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("broken", [fail, orphan])
def test_failed_migration_is_rolled_back_whole(
    connection: sqlite3.Connection, start: int, broken: object
) -> None:
    migrate(connection, MIGRATIONS[:start])
    before = schema(connection)
    with pytest.raises(sqlite3.Error):
        migrate(connection, (CREATE, add_column, broken))  # type: ignore[arg-type]
    assert schema(connection) == before
    assert version(connection) == start
    assert not connection.in_transaction
    migrate(connection, (CREATE, add_column))
    assert version(connection) == 2


def test_rows_survive_a_migration(
    store_path: Path, store: Store, job_id: int, full: Result
) -> None:
    store.write_result(job_id, full)
    connection = sqlite3.connect(store_path, isolation_level=None)
    migrate(connection, (*MIGRATIONS, add_column, rename_results))
    assert connection.execute("SELECT latency_ms FROM leaderboard").fetchall() == [(500.0,)]
    connection.close()


def test_version_1_keeps_its_rows(connection: sqlite3.Connection, tmp_path: Path) -> None:
    migrate(connection, (CREATE,))
    at = "2026-01-31T12:00:00.000000+00:00"
    connection.execute(
        "INSERT INTO benchmarks (name, config, config_hash, created_at) VALUES ('a', '{}', 'h', ?)",
        (at,),
    )
    connection.execute(
        "INSERT INTO jobs (benchmark_id, target, state, priority, cases_total, cases_done,"
        " created_at, started_at, container_id, log_path)"
        " VALUES (1, 'local', 'done', 3, 2, 2, ?, ?, 'c0ffee', 'x.log')",
        (at, at),
    )
    connection.execute(
        "INSERT INTO results (job_id, created_at, case_key, model, engine, weights, device,"
        " variant, audio_seconds, batch_size, seed, state, started_at, wall_s, latency_s)"
        " VALUES (1, ?, 'k', 'm', 'e', 'random', 'cpu', 'fp32', 5.0, 1, 0, 'ok', ?, 1.0, 0.25)",
        (at, at),
    )
    with Store.open(tmp_path / "asrprof.db") as store:
        (job,) = store.jobs()
        (row,) = store.leaderboard()
        assert (job.benchmark, job.state, job.priority, job.cases_done) == ("a", "done", 3, 2)
        assert (job.handle, job.log_path, job.attempt_started_at) == ("c0ffee", "x.log", at)
        assert (job.dispatcher, job.time_limit_s, job.cancel_requested_at) == (None, None, None)
        assert (row.job_id, row.latency_ms) == (1, 250.0)
    assert version(connection) == len(MIGRATIONS)


def test_newer_schema_is_refused(store_path: Path, store: Store) -> None:
    store.close()
    connection = sqlite3.connect(store_path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    for readonly in (False, True):
        with pytest.raises(StoreError, match=r"newer asrprof.*upgrade") as caught:
            Store.open(store_path, readonly=readonly)
        assert str(store_path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_older_schema_is_not_migrated_by_a_reader(
    connection: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(connection)
    monkeypatch.setattr("store.connection.MIGRATIONS", (*MIGRATIONS, add_column))
    with pytest.raises(StoreError, match="older asrprof"):
        Store.open(tmp_path / "asrprof.db", readonly=True)


def test_other_applications_are_left_alone(connection: sqlite3.Connection, tmp_path: Path) -> None:
    connection.execute("CREATE TABLE notes (text TEXT)")
    with pytest.raises(StoreError, match="another application"):
        Store.open(tmp_path / "asrprof.db")
    assert [name for name, _ in schema(connection)] == ["notes"]
    assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]


def test_check_leaves_no_transaction(connection: sqlite3.Connection, tmp_path: Path) -> None:
    assert check_schema(connection, tmp_path) == 0
    assert not connection.in_transaction


@pytest.mark.usefixtures("job_id")
def test_tables_are_strict_and_states_checked(store_path: Path) -> None:
    connection = sqlite3.connect(store_path)
    tables = connection.execute(
        "SELECT name, strict FROM pragma_table_list"
        " WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    ).fetchall()
    assert len(tables) == 18
    assert all(strict for _, strict in tables)
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute("UPDATE jobs SET state = 'asleep'")
    connection.close()


def test_every_table_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    ).fetchall()
    connection.close()
    assert sorted(documented) == sorted(name for (name,) in tables)
