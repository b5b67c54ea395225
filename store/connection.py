"""Opening the store's file, and its transactions.

Several processes write at once. What makes that safe: write-ahead logging on a file system that
can do it, a long busy timeout, and ``BEGIN IMMEDIATE`` for every write. A transaction that reads
first and writes later would fail with "database is locked" at once, whatever the timeout.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from store.errors import OldStoreError, StoreError, explain, one_line
from store.migrate import check_schema, migrate
from store.mounts import MOUNTINFO, mount_of
from store.schema import SCHEMA_VERSION

Value = str | int | float | None

BUSY_TIMEOUT_S = 30.0
"""Waiting writers are not served in turn; with five of them waits of 13 s have been seen."""


def default_path(path: str | Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the store is: ``path`` if given, else ``ASRPROF_STORE``, else results/asrprof.db."""
    return Path(path or environ.get("ASRPROF_STORE") or "results/asrprof.db").expanduser()


class Database:
    """One connection to the store. Use it in the thread that opened it."""

    def __init__(
        self, path: Path, file: Path, connection: sqlite3.Connection, *, readonly: bool
    ) -> None:
        """Takes over an open connection.

        Args:
            path: The file as the user named it; messages name it so.
            file: The file that is open.
            connection: The connection; ``close`` closes it.
            readonly: Whether the connection can only read.
        """
        self.path = path
        self.file = file
        self.readonly = readonly
        self._connection = connection
        self._identity = _identity(file)

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; closing twice is fine."""
        self._connection.close()

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """One write transaction: all of it is stored, or nothing.

        Raises:
            StoreError: The store is read-only, locked or gone, or the disk is full.
        """
        if self.readonly:
            raise StoreError(f"{self.path}: opened read-only")
        if _identity(self.file) != self._identity:
            # SQLite would go on writing to the file that no name leads to any more.
            raise StoreError(f"{self.path}: removed or replaced while in use: start again")
        with self._transaction("BEGIN IMMEDIATE") as transaction:
            yield transaction

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """Several reads of one state of the store, whatever others write meanwhile."""
        with self._transaction("BEGIN") as transaction:
            yield transaction

    def rows(self, sql: str, parameters: Sequence[Value] = ()) -> list[sqlite3.Row]:
        """All rows of one query.

        Raises:
            StoreError: SQLite cannot answer the query.
        """
        try:
            return Transaction(self._connection).rows(sql, parameters)
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def rows_within(self, seconds: float, sql: str) -> list[sqlite3.Row]:
        """All rows of a query with something of the user's in it, which may never end by itself.

        Raises:
            StoreError: It takes longer, or SQLite does not understand it.
        """
        end = time.monotonic() + seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > end, 100_000)
        try:
            return self.rows(sql)
        except StoreError as error:
            if time.monotonic() > end:
                raise StoreError(f"took longer than {seconds:g} s: ask for less") from error
            raise
        finally:
            self._connection.set_progress_handler(None, 0)

    @contextlib.contextmanager
    def attached(self, file: Path, name: str) -> Iterator[None]:
        """Another database under a name of this connection, to be read alone.

        Args:
            file: The other database.
            name: How SQL names it.

        Raises:
            StoreError: It cannot be opened.
        """
        try:
            uri = f"{file.resolve().as_uri()}?mode=ro"
            self._connection.execute(f"ATTACH ? AS {name}", (uri,)).close()
        except sqlite3.Error as error:
            raise explain(error, file) from error
        try:
            yield
        finally:
            self._connection.execute(f"DETACH {name}").close()

    def number(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """The one integer that a query gives."""
        ((number,),) = self.rows(sql, parameters)
        return int(number)

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[Transaction]:
        try:
            self._connection.execute(begin).close()
            try:
                yield Transaction(self._connection)
                self._connection.execute("COMMIT").close()
            except BaseException:
                # After a full disk SQLite may have rolled back by itself, and an error of the
                # rollback must not hide the error that caused it.
                with contextlib.suppress(sqlite3.Error):
                    self._connection.rollback()
                raise
        except sqlite3.Error as error:
            raise explain(error, self.path) from error


class Transaction:
    """Statements within one transaction; no cursor outlives its call."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Runs one statement and returns how many rows it changed."""
        with contextlib.closing(self._connection.execute(sql, parameters)) as cursor:
            return cursor.rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Runs one statement for each row."""
        self._connection.executemany(sql, rows).close()

    def insert(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Runs one INSERT and returns the new row's id."""
        with contextlib.closing(self._connection.execute(sql, parameters)) as cursor:
            return int(cursor.lastrowid or 0)

    def rows(self, sql: str, parameters: Sequence[Value] = ()) -> list[sqlite3.Row]:
        """All rows of one query."""
        with contextlib.closing(self._connection.execute(sql, parameters)) as cursor:
            return cursor.fetchall()


def open_database(
    path: Path,
    *,
    readonly: bool = False,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
    mountinfo: Path = MOUNTINFO,
) -> Database:
    """Opens the store, and unless ``readonly`` creates or migrates it first.

    Args:
        path: The file. Its folder is created when missing.
        readonly: Never write; the file must exist.
        busy_timeout_s: How long to wait for other processes' write transactions.
        mountinfo: The mount table, as ``/proc/self/mountinfo`` gives it.

    Raises:
        StoreError: It cannot be opened; the message says why and what to change.
    """
    # The -wal and -shm files lie beside the real file, so every check must look there too.
    real = _resolve(path)
    _check_place(path, real, readonly=readonly)
    _check_mount(path, real, mountinfo)
    if not readonly:
        _check_writable(path, real)
    mode = "ro" if readonly else "rwc"
    try:
        connection = sqlite3.connect(
            f"{real.as_uri()}?mode={mode}", uri=True, timeout=busy_timeout_s, isolation_level=None
        )
    except sqlite3.Error as error:
        raise explain(error, path) from error
    try:
        connection.row_factory = sqlite3.Row
        prepare = _prepare_reader if readonly else _prepare_writer
        _wait_for_lock(lambda: prepare(connection, path), busy_timeout_s)
        return Database(path, real, connection, readonly=readonly)
    except sqlite3.Error as error:
        connection.close()
        if readonly and not os.access(real.parent, os.W_OK):
            raise StoreError(
                f"{path}: its folder cannot be written, which SQLite needs even to read: copy the "
                "file to a folder that can"
            ) from error
        raise explain(error, path) from error
    except BaseException:
        connection.close()
        raise


def _prepare_reader(connection: sqlite3.Connection, path: Path) -> None:
    version = check_schema(connection, path)
    if version == 0:
        raise StoreError(f"{path}: no results in it yet: run a benchmark first")
    if version < SCHEMA_VERSION:
        raise OldStoreError(
            f"{path}: written by an older asrprof (schema {version}, this one needs "
            f"{SCHEMA_VERSION}): open it once for writing, and it is brought up to date"
        )


def _prepare_writer(connection: sqlite3.Connection, path: Path) -> None:
    version = check_schema(connection, path)
    ((mode,),) = connection.execute("PRAGMA journal_mode").fetchall()
    if mode != "wal":
        ((mode,),) = connection.execute("PRAGMA journal_mode = WAL").fetchall()
    if mode != "wal":
        raise StoreError(
            f"{path}: write-ahead logging is not possible here: put the store on a local disk"
        )
    connection.execute("PRAGMA synchronous = NORMAL").close()
    if version < SCHEMA_VERSION:
        connection.execute("PRAGMA foreign_keys = OFF").close()
        migrate(connection)
    connection.execute("PRAGMA foreign_keys = ON").close()


def _wait_for_lock(action: Callable[[], None], timeout_s: float) -> None:
    """Repeats ``action`` while the file is locked.

    While several processes create one store, SQLite now and then says "database is locked" at
    once, without regard to its busy timeout: where waiting could be a deadlock it does not wait.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreError(f"{path}: not a usable path: {one_line(str(error))}") from error


def _check_place(path: Path, real: Path, *, readonly: bool) -> None:
    try:
        if real.is_dir():
            raise StoreError(f"{path}: a folder, not a file: add a file name, e.g. asrprof.db")
        if real.exists():
            if not real.is_file():
                raise StoreError(f"{path}: not a regular file: choose another path for the store")
            if not os.access(real, os.R_OK):
                raise StoreError(f"{path}: no permission to read it: change its permissions")
        elif readonly:
            raise StoreError(f"{path}: no such store: run a benchmark first, or name another file")
        else:
            real.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot create or enter its folder ({error.strerror}): "
            "choose another path for the store"
        ) from error


def _check_writable(path: Path, real: Path) -> None:
    # SQLite falls back to reading in silence, and would fail only at the first result.
    if not os.access(real.parent, os.W_OK | os.X_OK):
        raise StoreError(
            f"{path}: its folder cannot be written: make it writable, or choose another store"
        )
    if real.exists() and not os.access(real, os.W_OK):
        raise StoreError(
            f"{path}: the file cannot be written: make it writable, or choose another store"
        )


def _check_mount(path: Path, real: Path, mountinfo: Path) -> None:
    mount = mount_of(real, mountinfo)
    if mount is None:
        return
    if not mount.keeps_wal_safe:
        raise StoreError(
            f"{path}: lies on {mount.filesystem} ({mount.point}), where several processes would "
            "damage it: choose a path on a local disk"
        )
    if mount.point == real:
        # The -wal file beside it would lie on another file system and be lost with it.
        raise StoreError(f"{path}: the file itself is mounted: mount its folder instead")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
