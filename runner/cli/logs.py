"""`asrprof logs`: what a queued job's runner wrote."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.options import JobArgument, StoreOption, store_path
from runner.cli.plain import plain
from runner.dispatch.catalogue import launcher_of
from runner.errors import UserError
from store import FINAL, JobRow, Store


def logs(
    job: JobArgument,
    store: StoreOption = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for more until the job has ended.")
    ] = False,
) -> None:
    """Print what a queued job's runner wrote in its latest attempt."""
    path = store_path(store)
    with Store.open(path, readonly=True) as opened:
        found = opened.job(job)
        lines = launcher_of(found.target, path).logs(
            found, lambda: follow and opened.job(job).state not in FINAL
        )
        empty = True
        for line in lines:
            empty = False
            typer.echo(plain(line))
        if empty and not follow:
            raise UserError(_why_none(opened.job(job)))


def _why_none(job: JobRow) -> str:
    if job.state in FINAL and job.log_path is None:
        return (
            f"job {job.id} has no log: it ran in the terminal that started it; `asrprof queue show "
            f"{job.id}` has its events"
        )
    return f"job {job.id} has no log: it is {job.state}"
