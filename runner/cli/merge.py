"""`asrprof merge`: the results of other stores, of other machines perhaps, in one store."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from report.text import plural
from runner.cli.options import StoreOption, open_or_make, store_path
from runner.cli.plain import cell, plain
from runner.cli.progress import REFRESH_HZ
from store import Merged, OldStoreError, Store


def merge(
    others: Annotated[
        list[Path],
        typer.Argument(metavar="OTHER.db...", help="The stores to take in; they stay as they are."),
    ],
    store: StoreOption = None,
) -> None:
    """Take the results of other stores in, each of them once.

    Merging again, or from both sides, adds nothing twice. Jobs that wait or run are left out.
    """
    for path in others:
        # Before anything is made or changed: a slip in the last name should cost nothing.
        with suppress(OldStoreError):  # That one is brought up to date in a copy.
            Store.open(path, readonly=True).close()
    with open_or_make(store_path(store)) as opened:
        for path in others:
            for line in _lines(path, _merge(opened, path)):
                typer.echo(plain(line))


def _merge(store: Store, path: Path) -> Merged:
    """Merges one store with a bar on stderr, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        refresh_per_second=REFRESH_HZ,
    ) as bar:
        task = bar.add_task(cell(path.name).plain)
        return store.merge(
            path, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )


def _lines(path: Path, merged: Merged) -> list[str]:
    known = f", {plural(merged.known_jobs, 'job')} known before" if merged.known_jobs else ""
    failed = f", {merged.replaced} in the place of failed ones" if merged.replaced else ""
    taken = plural(merged.results + merged.replaced, "result")
    return [
        f"{path}: {plural(merged.jobs, 'new job')} and {taken} taken in{failed}{known}",
        *(f"{path}: job {job.job_id} left out: {job.reason}" for job in merged.left_out),
    ]
