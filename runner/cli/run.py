"""`asrprof run` and `asrprof demo`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from runner.cli.progress import JsonLines, ProgressView
from runner.cli.table import grid_table, print_results
from runner.cli.variants import print_effects
from runner.config import Benchmark
from runner.config_file import load_benchmark, parse_benchmark, presets
from runner.errors import UserError
from runner.events import Sink, no_sink
from runner.grid import expand
from runner.ledger import StoreLedger
from runner.session import Outcome, Session
from runner.spool import SpoolLedger, read_ticket
from store import Store, default_path

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", help="The results file (default: $ASRPROF_STORE or results/asrprof.db)."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a config value; may be repeated."),
]
EventsOption = Annotated[bool, typer.Option("--events", help="Write JSON lines to stdout instead.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no table.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with this benchmark's last unfinished job.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the grid and stop.")]


def run(
    config: Annotated[
        str | None, typer.Argument(help="A JSON config or a preset's name.", show_default=False)
    ] = None,
    config_option: Annotated[
        str | None, typer.Option("--config", help="The same, as an option.")
    ] = None,
    store: StoreOption = None,
    overrides: SetOption = None,
    resume: ResumeOption = False,
    dry_run: DryRunOption = False,
    target: Annotated[
        str, typer.Option("--target", help="Where: local, docker-cpu, docker-cuda or ray.")
    ] = "local",
    events: EventsOption = False,
    quiet: QuietOption = False,
    job: Annotated[int | None, typer.Option("--job", max=2**63 - 1, hidden=True)] = None,
    attempt: Annotated[int | None, typer.Option("--attempt", hidden=True)] = None,
    spool: Annotated[Path | None, typer.Option("--spool", hidden=True)] = None,
) -> int:
    """Run a benchmark, case by case, into the store: here, in a container or on a fleet."""
    if spool is not None:
        # As a launcher starts it where the store cannot be reached.
        if config or config_option or overrides or resume or dry_run or job is not None:
            raise UserError("--spool takes no config: the ticket in it has one")
        return execute_ticket(spool, events=events, quiet=quiet)
    if job is not None:
        # As a launcher starts it: the benchmark is in the store, with the job.
        if config or config_option or overrides or resume or dry_run:
            raise UserError("--job takes no config: the job has one")
        return execute_job(store_path(store), job, attempt, events=events, quiet=quiet)
    name = config or config_option
    if name is None:
        raise UserError(f"name a config or a preset ({', '.join(presets())})")
    if config and config_option:
        raise UserError("give the config once: as an argument or with --config")
    benchmark = load_benchmark(name, overrides or ())
    if dry_run:
        Console().print(grid_table(expand(benchmark)))
        return 0
    if target != "local":
        # Not at the top: a run here needs neither the queue nor its launchers.
        from runner.cli.elsewhere import execute_elsewhere

        if resume or events:
            raise UserError("--resume and --events belong to runs here; see `asrprof queue retry`")
        return execute_elsewhere(benchmark, store_path(store), target, quiet=quiet)
    return execute(benchmark, store_path(store), resume=resume, events=events, quiet=quiet)


def demo(
    store: StoreOption = None,
    overrides: SetOption = None,
    resume: ResumeOption = False,
    events: EventsOption = False,
    quiet: QuietOption = False,
) -> int:
    """Run the built-in demo: offline, on the CPU, in about two minutes."""
    benchmark = load_benchmark("demo", overrides or ())
    return execute(benchmark, store_path(store), resume=resume, events=events, quiet=quiet)


def store_path(given: Path | None) -> Path:
    """Where the store is."""
    try:
        return default_path(given)
    except RuntimeError as error:  # A `~name` that is no user's.
        raise UserError(f"cannot find the store's folder: {error}") from error


def execute(benchmark: Benchmark, path: Path, *, resume: bool, events: bool, quiet: bool) -> int:
    """Runs a benchmark and shows it; returns the exit code."""
    with Store.open(path) as opened:
        return _show(
            opened,
            lambda sink: Session(benchmark, sink).run(opened, resume=resume),
            events=events,
            quiet=quiet,
        )


def execute_job(path: Path, job_id: int, attempt: int | None, *, events: bool, quiet: bool) -> int:
    """Runs a job that a dispatcher has claimed and shows it; returns the exit code.

    Args:
        path: The store.
        job_id: The job.
        attempt: The attempt that was claimed; by default the job's latest.
        events: Write JSON lines.
        quiet: Show nothing.
    """
    with Store.open(path) as opened:
        job = opened.job(job_id)
        config = opened.benchmark(job.benchmark_id).config
        benchmark = parse_benchmark(config, f"job {job_id}")
        return _show(
            opened,
            lambda sink: Session(benchmark, sink, job.target).run_claimed(
                StoreLedger(opened, job_id), attempt or job.attempt
            ),
            events=events,
            quiet=quiet,
        )


def execute_ticket(folder: Path, *, events: bool, quiet: bool) -> int:
    """Runs the job of the ticket in a folder, into the spool there; returns the exit code."""
    ticket = read_ticket(folder)
    benchmark = parse_benchmark(ticket.config, f"job {ticket.job_id}")
    ledger = SpoolLedger(folder, ticket)
    return _exit_code(
        _watch(
            lambda sink: Session(benchmark, sink, ticket.target, ticket.part).run_claimed(
                ledger, ticket.attempt
            ),
            events=events,
            quiet=quiet,
        )
    )


def _show(store: Store, run: Callable[[Sink], Outcome], *, events: bool, quiet: bool) -> int:
    outcome = _watch(run, events=events, quiet=quiet)
    if not events and not quiet:
        console = Console()
        print_results(console, store, store.leaderboard(job_id=outcome.job_id))
        print_effects(console, store, job_id=outcome.job_id)
    return _exit_code(outcome)


def _watch(run: Callable[[Sink], Outcome], *, events: bool, quiet: bool) -> Outcome:
    sink: Sink = no_sink
    view = None
    if events:
        sink = JsonLines()
    elif not quiet:
        sink = view = ProgressView(Console(stderr=True))
    try:
        return run(sink)
    finally:
        if view is not None:
            view.close()


def _exit_code(outcome: Outcome) -> int:
    if outcome.signal is not None:
        return 128 + outcome.signal
    return 1 if outcome.failed else 0
