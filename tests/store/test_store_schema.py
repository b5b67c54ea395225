"""The schema of a new store, and which files are refused."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from store import Store, StoreError
from store.migrate import check_schema, migrate
from store.schema import APPLICATION_ID, CREATE_TABLES, SCHEMA_VERSION


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "asrprof.db", isolation_level=None)
    yield connection
    connection.close()


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchall()[0][0])


def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def test_of_a_new_store(connection: sqlite3.Connection) -> None:
    assert version(connection) == 0
    migrate(connection)
    assert version(connection) == SCHEMA_VERSION == 15
    assert connection.execute("PRAGMA application_id").fetchall() == [(APPLICATION_ID,)]
    before = schema(connection)
    migrate(connection)
    assert schema(connection) == before
    assert {name for name, _ in before} > {"leaderboard", "results_by_wer", *CREATE_TABLES}


def test_newer_schema_is_refused(store_path: Path, store: Store) -> None:
    store.close()
    connection = sqlite3.connect(store_path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    for readonly in (False, True):
        with pytest.raises(StoreError, match=r"newer asrprof.*upgrade") as caught:
            Store.open(store_path, readonly=readonly)
        assert str(store_path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("readonly", [False, True])
def test_schemas_before_the_first_release_are_refused(
    store_path: Path, store: Store, number: int, readonly: bool
) -> None:
    store.close()
    with closing(sqlite3.connect(store_path)) as connection:
        connection.execute(f"PRAGMA user_version = {number}")
    with pytest.raises(StoreError) as caught:
        Store.open(store_path, readonly=readonly)
    assert str(caught.value) == (
        f"{store_path}: written before the first release of asrprof (schema {number}, this one "
        "takes 9 to 15): choose another store, or run `asrprof results` of commit 48d4c90 on it "
        "first"
    )
    with pytest.raises(StoreError, match="choose another store"):
        Store.open_to_read(store_path)
    with closing(sqlite3.connect(store_path)) as connection:
        assert version(connection) == number


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
    assert len(tables) == 22
    assert all(strict for _, strict in tables)
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute("UPDATE jobs SET state = 'asleep'")
    connection.close()


def test_every_table_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "store.md").read_text(encoding="utf-8")
    listed, _, _ = text.partition("### The leaderboard")
    documented = re.findall(r"^\| `(\w+)` \|", listed, flags=re.MULTILINE)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    ).fetchall()
    connection.close()
    assert sorted(documented) == sorted(name for (name,) in tables)
