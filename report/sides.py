"""What a user calls one side of a comparison: a store, a job of one, or a commit of the harness."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from report.errors import ReportError
from report.study import Study
from store import FilterError, Store, StoreError

MAX_ID = 2**63 - 1


@dataclass(frozen=True)
class Side:
    """One side, by its name and its results."""

    name: str
    study: Study


def open_side(text: str, store: Path, stack: ExitStack, where: str | None = None) -> Side:
    """Finds what ``text`` means.

    Args:
        text: The path of a store, ``PATH#JOB``, the number of a job, or the first letters of a
            commit of the harness (``commit:…`` where they are digits alone).
        store: The store of jobs and commits without a path.
        stack: Closes what is opened.
        where: Only results that this filter lets pass (`store.filters`).

    Raises:
        ReportError: It is none of these, or has no results, or the filter cannot hold; one line.
        StoreError: The store cannot be opened.
    """
    # First, because a file may be called x.db#2.
    if Path(text).is_file():
        return _side(text, Path(text), stack, where)
    path, _, job = text.rpartition("#")
    if path and job.isdecimal():
        return _side(text, Path(path), stack, where, job_id=_number(text, job))
    commit = text.removeprefix("commit:")
    if text.removeprefix("job:").isdecimal() and commit == text:
        number = _number(text, text.removeprefix("job:"))
        return _side(f"job {number}", store, stack, where, job_id=number)
    if re.fullmatch(r"[0-9a-f]{4,40}", commit):
        return _side(f"commit {commit}", store, stack, where, git_commit=commit)
    raise ReportError(
        f"{text!r} is not a store, a job or a commit: write the path of a store, PATH#JOB, a "
        "job's number or the first letters of a commit"
    )


def _number(text: str, digits: str) -> int:
    number = int(digits) if len(digits) <= 19 else MAX_ID + 1
    if number > MAX_ID:
        raise ReportError(f"{text!r}: no job has such a number")
    return number


def _side(
    name: str,
    path: Path,
    stack: ExitStack,
    where: str | None,
    *,
    job_id: int | None = None,
    git_commit: str | None = None,
) -> Side:
    store = stack.enter_context(Store.open_to_read(path))
    try:
        condition = None if where is None else store.browse.condition(where)
    except (FilterError, StoreError) as error:
        raise ReportError(f"--where {where!r}: {error}") from error
    rows = store.study.rows(where=condition, job_id=job_id, git_commit=git_commit)
    if not rows:
        raise ReportError(f"{name}: no results of it in {path}")
    return Side(name, Study(path, rows, store.study.environments(), store.study))
