"""`asrprof queue`: what waits, what runs, and their order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from report.text import plural
from runner.cli import complete
from runner.cli.foresee import check_speech, missing_devices
from runner.cli.options import (
    JobArgument,
    JsonOption,
    SetOption,
    StoreOption,
    open_or_make,
    row_number,
    store_path,
)
from runner.cli.plain import cell, plain
from runner.config_file import load_benchmark
from runner.dispatch.catalogue import check_target, launcher_of
from runner.dispatch.enqueue import enqueue
from runner.dispatch.fleet.launcher import RayLauncher
from runner.dispatch.fleet.needs import in_words, parse_needs
from runner.dispatch.fleet.spread import spread as spread_over
from runner.errors import UserError
from runner.grid import expand
from store import (
    FINAL,
    JobRequest,
    JobRow,
    Place,
    ResultState,
    Store,
    event_words,
    is_gone,
)

RECENT = 10
"""Ended jobs that the list shows unless it is asked for all."""
_STYLES = {"done": "green", "failed": "red", "lost": "red", "cancelled": "yellow", "queued": "dim"}

app = typer.Typer(help="Add benchmarks to the queue, and see and change what is in it.")


@app.command("add")
def add(
    config: Annotated[
        str,
        typer.Argument(help="A JSON config or a preset's name.", autocompletion=complete.configs),
    ],
    store: StoreOption = None,
    target: Annotated[
        str, typer.Option("--target", help="Where to run it.", autocompletion=complete.targets)
    ] = "local",
    priority: Annotated[
        int, typer.Option("--priority", min=-1000, max=1000, help="A higher one starts first.")
    ] = 0,
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", metavar="S", help="Seconds after which it is stopped."),
    ] = None,
    overrides: SetOption = None,
    need: Annotated[
        list[str] | None,
        typer.Option(
            "--need",
            metavar="NAME=VALUE",
            help="What a node of the fleet must have: accelerator, arch, host or a label.",
        ),
    ] = None,
    spread: Annotated[
        bool, typer.Option("--spread", help="Share the cases out to all such nodes.")
    ] = False,
    unequal: Annotated[
        bool, typer.Option("--unequal", help="Spread over nodes that differ in hardware, too.")
    ] = False,
    retries: Annotated[
        int | None,
        typer.Option(
            "--retries", min=0, max=100, help="How often to try again when lost (ray: 2, else 0)."
        ),
    ] = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Queue it also if the target cannot work here.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Put a benchmark into the queue; `asrprof work` runs it."""
    check_target(target)
    if time_limit is not None and not 0 < time_limit < float("inf"):
        raise UserError(f"--time-limit {time_limit:g}: write seconds, more than 0")
    benchmark = load_benchmark(config, overrides or ())
    if not unchecked:
        check_speech(benchmark)
    path = store_path(store)
    needs = parse_needs(need or ())
    launcher = launcher_of(target, path)
    if not unchecked or (needs is not None and not launcher.elsewhere):
        launcher.check(needs)
    shares: list[str | None] = [None]
    if spread:
        if not isinstance(launcher, RayLauncher):
            raise UserError("--spread shares cases out to nodes of a fleet: add --target ray")
        shares = [*spread_over(launcher, benchmark, needs, unequal=unequal)]
    elif unequal:
        raise UserError("--unequal goes with --spread")
    request = JobRequest(
        target=target, priority=priority, time_limit_s=time_limit, needs=needs, retries=retries
    )
    with open_or_make(path) as opened:
        jobs = [
            opened.job(enqueue(opened, benchmark, replace(request, part=part))) for part in shares
        ]
    if as_json:
        documents = [asdict(job) for job in jobs]
        typer.echo(json.dumps(documents if spread else documents[0], indent=2))
        return
    for job in jobs:
        part = f" (part {job.part})" if job.part else ""
        typer.echo(
            f"job {job.id} queued on {target}: {plain(benchmark.name)}{part}, "
            f"{plural(job.cases_total, 'case')}"
        )
    if target == "local":
        for line in missing_devices(expand(benchmark)):
            typer.echo(plain(line))


@app.command("list")
def show_list(
    store: StoreOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help=f"All ended jobs, not only the last {RECENT}.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List jobs: what runs, what waits in its order, what has ended."""
    path = store_path(store)
    with Store.open(path, readonly=True) as opened:
        waiting = opened.queue.waiting()
        ended = opened.jobs(states=FINAL, last=None if everything else RECENT)
        older = opened.queue.count_ended() - len(ended)
        jobs = [*ended, *opened.attempts.held(), *waiting]
        without = {} if as_json else {job.id: _without_figures(opened, job) for job in jobs}
    if as_json:
        typer.echo(json.dumps([asdict(job) for job in jobs], indent=2))
    elif jobs:
        Console().print(_table(jobs, without))
        if older > 0:
            typer.echo(f"{older} older ones: asrprof queue list --all")
    else:
        typer.echo(f"no jobs in {plain(str(path))}")


@app.command("show")
def show(job: JobArgument, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Show all that is known of a job, and what happened to it."""
    with Store.open(store_path(store), readonly=True) as opened:
        found, events = opened.job(job), opened.events(job)
    if as_json:
        document = {**asdict(found), "events": [asdict(event) for event in events]}
        typer.echo(json.dumps(document, indent=2))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in asdict(found).items():
        if value is not None:
            table.add_row(name, cell(f"{value:g}" if isinstance(value, float) else str(value)))
    console = Console()
    console.print(table)
    for event in events:
        words = event_words(event, events)
        line = Text.assemble((plain(event.at[:19]), "dim"), " ", cell(f"{event.kind}: {words}"))
        console.print(line, soft_wrap=True, highlight=False)


@app.command("move")
def move(
    job: JobArgument,
    store: StoreOption = None,
    top: Annotated[bool, typer.Option("--top", help="Make it the first.")] = False,
    bottom: Annotated[bool, typer.Option("--bottom", help="Make it the last.")] = False,
    before: Annotated[
        int | None, typer.Option("--before", metavar="JOB", help="Put it before this one.")
    ] = None,
    after: Annotated[
        int | None, typer.Option("--after", metavar="JOB", help="Put it after this one.")
    ] = None,
) -> None:
    """Move a waiting job to another position; it takes on the priority there."""
    given: list[tuple[Place, int | None]] = []
    given += [("top", None)] if top else []
    given += [("bottom", None)] if bottom else []
    given += [("before", before)] if before is not None else []
    given += [("after", after)] if after is not None else []
    if len(given) != 1:
        raise UserError("give one of --top, --bottom, --before JOB and --after JOB")
    ((place, other),) = given
    if other is not None:
        row_number(other)
    with _existing(store) as opened:
        opened.queue.move(job, place, other)
        order = [row.id for row in opened.queue.waiting()]
    typer.echo(f"job {job} is number {order.index(job) + 1} of {len(order)}")


@app.command("cancel")
def cancel(job: JobArgument, store: StoreOption = None) -> None:
    """Cancel a waiting job, or end one that runs; its finished cases keep their rows."""
    with _existing(store) as opened:
        state = opened.queue.cancel(job)
    done = state == "cancelled"
    typer.echo(f"job {job} cancelled" if done else f"job {job} is {state}: asked to end")


@app.command("retry")
def retry(job: JobArgument, store: StoreOption = None) -> None:
    """Queue a job again that failed, was cancelled or lost; it goes on where it was."""
    with _existing(store) as opened:
        opened.queue.retry(job)
        attempt = opened.job(job).attempt
    typer.echo(f"job {job} queued again, attempt {attempt}")


@app.command("rm")
def remove(
    job: JobArgument,
    store: StoreOption = None,
    results: Annotated[bool, typer.Option("--results", help="Delete its results too.")] = False,
) -> None:
    """Delete a job that does not run, with its log."""
    path = store_path(store)
    with _existing(store) as opened:
        found = opened.job(job)
        if found.cases_done and not results:
            raise UserError(
                f"job {job} has {plural(found.cases_done, 'result')}: "
                "add --results to delete them too"
            )
        launcher = launcher_of(found.target, path)
        opened.queue.remove(job, with_results=results)
    launcher.forget(found)
    typer.echo(f"job {job} deleted")


def _existing(store: Path | None) -> Store:
    """The store, which these commands must not create."""
    path = store_path(store)
    if not path.exists():
        Store.open(path, readonly=True).close()  # Says so.
    return Store.open(path)


def _print_json(job: JobRow) -> None:
    typer.echo(json.dumps(asdict(job), indent=2))


def _without_figures(store: Store, job: JobRow) -> str:
    """How many of a job's cases have a reason in place of figures; empty where none has."""
    if not job.cases_done:
        return ""
    states: tuple[ResultState, ...] = ("failed", "oom", "refused")
    counts = {state: len(store.case_keys(job.id, states=(state,))) for state in states}
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count)


def _table(jobs: Sequence[JobRow], without: Mapping[int, str]) -> Table:
    """The jobs.

    Args:
        jobs: In their order.
        without: How many of their cases have no figures, in words.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)
    table.add_column("job", justify="right", no_wrap=True)
    table.add_column("benchmark", overflow="fold", min_width=12)
    table.add_column("target", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("priority", justify="right", no_wrap=True)
    table.add_column("cases", justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for job in jobs:
        gone = is_gone(job)
        reason = job.reason or ("asked to end" if job.cancel_requested_at else "")
        reason = "; ".join(filter(None, (without.get(job.id), reason)))
        if gone:
            reason = "its process is gone: `asrprof work`, or `asrprof run` with --resume, goes on"
        table.add_row(
            str(job.id),
            cell(f"{job.benchmark} {job.part}" if job.part else job.benchmark),
            cell(_place(job)),
            cell("gone", "red") if gone else cell(job.state, _STYLES.get(job.state, "")),
            str(job.priority),
            f"{job.cases_done}/{job.cases_total}",
            cell(reason),
        )
    return table


def _place(job: JobRow) -> str:
    """Where a job is or will be: its target, and of a fleet the node or what that must have."""
    if job.node:
        return f"{job.target} {job.node.partition('/')[0]}"
    return f"{job.target} ({in_words(job.needs)})" if job.needs else job.target
