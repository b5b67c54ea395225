"""What the store raises: one line that names the file and says what to change."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class StoreError(Exception):
    """The store cannot do what was asked. The message is one line for the user."""


class OldStoreError(StoreError):
    """An older asrprof wrote it, and it was opened to be read alone."""


class JobBusyError(StoreError):
    """Another process that is still alive runs this job."""


class LeaseLostError(StoreError):
    """The caller no longer owns the job: it was ended, or another process took it over."""


class SpoolError(StoreError):
    """What a runner has spooled is damaged or incomplete."""


_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space and resume the run; "
    "what was finished is kept",
    sqlite3.SQLITE_BUSY: "another process kept the file locked too long: end the process that "
    "holds it, and try again",
    sqlite3.SQLITE_READONLY: "the file cannot be written: make it and its folder writable, "
    "or choose another store",
    sqlite3.SQLITE_PERM: "no permission: make the file and its folder readable and writable, "
    "or choose another store",
    sqlite3.SQLITE_CANTOPEN: "the file, or the -wal and -shm files beside it, cannot be opened: "
    "make the file and its folder writable, or copy the file to a folder that is",
    sqlite3.SQLITE_NOTADB: "not a SQLite database: choose another path for the store",
    sqlite3.SQLITE_CORRUPT: "the database is damaged: put a backup in its place, or save what is "
    "left with: sqlite3 FILE .recover",
    sqlite3.SQLITE_IOERR: "the file could not be read or written: check the disk, its free space "
    "and any file size limit (ulimit -f)",
}


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """Turns an error of SQLite into one line with the path and what to do about it."""
    # SQLite packs details into the upper bits; the low byte is the kind of error. Errors that the
    # Python module raises by itself carry no code.
    code = getattr(error, "sqlite_errorcode", None)
    said = one_line(str(error))
    advice = None if code is None else _ADVICE.get(code & 0xFF)
    return StoreError(f"{path}: {said}" if advice is None else f"{path}: {advice} ({said})")


def one_line(text: str) -> str:
    """``text`` without line breaks or runs of spaces."""
    return " ".join(text.split())
