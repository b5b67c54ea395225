"""Runs a benchmark here, shows it, and says by the exit code how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console

from report.text import plural
from runner.budget import fit
from runner.cli.foresee import foretell, how_known, times_before
from runner.cli.load_table import print_load
from runner.cli.options import open_or_make
from runner.cli.plain import cell
from runner.cli.progress import JsonLines, ProgressView
from runner.cli.robustness_table import print_robustness
from runner.cli.table import print_results
from runner.cli.variants import print_effects
from runner.config import Benchmark
from runner.config_file import parse_benchmark
from runner.estimate import duration
from runner.events import JobRemark, Sink, no_sink
from runner.grid import expand
from runner.ledger import StoreLedger
from runner.neighbours import other_runs
from runner.session import Outcome, Session
from runner.spool import SpoolLedger, read_ticket
from store import Store

MOST_NAMED = 10
"""Cases that are named as left out for a budget."""


def execute(
    benchmark: Benchmark,
    path: Path,
    *,
    resume: bool,
    events: bool,
    quiet: bool,
    budget_s: float | None = None,
) -> int:
    """Runs a benchmark and shows it; returns the exit code.

    Args:
        benchmark: What to run.
        path: The store.
        resume: Go on with the latest job of the same benchmark.
        events: Write JSON lines.
        quiet: Show nothing.
        budget_s: Seconds that it may take; as long as it needs when None.

    Raises:
        UserError: The budget is too short.
    """
    cases = expand(benchmark)
    plan = None
    if budget_s is not None:
        plan = fit(benchmark, cases, times_before(path), budget_s)
        benchmark = plan.benchmark
    with open_or_make(path, quiet=quiet) as opened:
        others = tuple(other_runs(opened))
        expected = plan.estimate if plan else foretell(benchmark, cases, opened)
        began = time.monotonic()

        def run(sink: Sink) -> Outcome:
            session = Session(benchmark, sink, remarks=others)
            if not events:
                # The speech is prepared first, which may take minutes: now one can still wait.
                for text in others:
                    sink(JobRemark(text))
            if plan is not None:
                session.only = frozenset(case.key for case in plan.cases)
                session.remarks += tuple(plan.lines(MOST_NAMED))
            return session.run(opened, resume=resume)

        def closing(outcome: Outcome) -> list[str]:
            if resume or outcome.state != "done":
                return []
            took = f"took {duration(time.monotonic() - began)}"
            foretold = f"foretold: about {duration(expected.seconds)}, {how_known(expected)}"
            return [*(plan.lines(MOST_NAMED) if plan else []), f"{took} ({foretold})"]

        return _show(opened, run, events=events, quiet=quiet, closing=closing)


def execute_job(path: Path, job_id: int, attempt: int | None, *, events: bool, quiet: bool) -> int:
    """Runs a job that a dispatcher has claimed and shows it; returns the exit code.

    Args:
        path: The store.
        job_id: The job.
        attempt: The attempt that was claimed; by default the job's latest.
        events: Write JSON lines.
        quiet: Show nothing.
    """
    if not path.exists():
        Store.open(path, readonly=True).close()  # Says so: a job is in a store that is there.
    with Store.open(path) as opened:
        job = opened.job(job_id)
        config = opened.benchmark(job.benchmark_id).config
        benchmark = parse_benchmark(config, f"job {job_id}")
        others = tuple(other_runs(opened, but=job_id))
        return _show(
            opened,
            lambda sink: Session(benchmark, sink, job.target, remarks=others).run_claimed(
                StoreLedger(opened, job_id), attempt or job.attempt
            ),
            events=events,
            quiet=quiet,
        )


def execute_ticket(folder: Path, *, events: bool, quiet: bool) -> int:
    """Runs the job of the ticket in a folder, into the spool there; returns the exit code.

    Args:
        folder: It holds the ticket, and gets the spool.
        events: Write JSON lines.
        quiet: Show nothing.

    Raises:
        UserError: There is no ticket, or it is damaged.
    """
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


def _show(
    store: Store,
    run: Callable[[Sink], Outcome],
    *,
    events: bool,
    quiet: bool,
    closing: Callable[[Outcome], list[str]] = lambda _: [],
) -> int:
    outcome = _watch(run, events=events, quiet=quiet)
    if not events and not quiet:
        console = Console()
        print_results(console, store, store.leaderboard(job_id=outcome.job_id))
        print_effects(console, store, job_id=outcome.job_id)
        print_load(console, store, job_id=outcome.job_id)
        print_robustness(console, store, job_id=outcome.job_id)
        for line in closing(outcome):
            console.print(cell(line, "dim"))
        if outcome.signal is not None:
            kept = plural(outcome.ok + outcome.failed, "case")
            typer.echo(f"interrupted: {kept} of this run stored; --resume goes on", err=True)
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
    except KeyboardInterrupt:
        # While cases run, the session itself ends in order.
        typer.echo(
            "interrupted in the preparation of the speech; run again to take it up", err=True
        )
        raise
    finally:
        if view is not None:
            view.close()


def _exit_code(outcome: Outcome) -> int:
    if outcome.signal is not None:
        return 128 + outcome.signal
    return 1 if outcome.failed else 0
