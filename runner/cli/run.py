"""`asrprof run` and `asrprof demo`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from runner.budget import parse_budget
from runner.catalogue.models import CATALOGUE
from runner.cli import complete
from runner.cli.one_model import benchmark_of_model, save_config
from runner.cli.options import MAX_ROW, SetOption, StoreOption, store_path
from runner.cli.plain import plain
from runner.config import Benchmark
from runner.config_file import load_benchmark, parse_benchmark, presets
from runner.errors import UserError

_JOB = re.compile(r"job:([0-9]+)")

EventsOption = Annotated[bool, typer.Option("--events", help="Write JSON lines to stdout instead.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no table.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with this benchmark's last unfinished job.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print the cases and about how long they take, and stop.")
]


def run(
    config: Annotated[
        str | None,
        typer.Argument(
            help="A JSON config, a preset's name, or job:ID: that of a job in the store; with "
            "--data a model's name.",
            show_default=False,
            autocompletion=complete.configs,
        ),
    ] = None,
    config_option: Annotated[
        str | None,
        typer.Option("--config", help="The same, as an option.", autocompletion=complete.configs),
    ] = None,
    store: StoreOption = None,
    overrides: SetOption = None,
    resume: ResumeOption = False,
    dry_run: DryRunOption = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="A folder of speech: run the one model named, without a file."),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="With --data: of the speech, such as de.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="With --data: keep the config as this file.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="TIME",
            help="Most time, such as 30m: at a looser precision, then without the longest cases.",
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            help="Where: local, docker-cpu, docker-cuda or ray.",
            autocompletion=complete.targets,
        ),
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
        if config or config_option or overrides or resume or dry_run or budget or job is not None:
            raise UserError("--spool takes no config: the ticket in it has one")
        from runner.cli.execute import execute_ticket

        return execute_ticket(spool, events=events, quiet=quiet)
    if job is not None:
        # As a launcher starts it: the benchmark is in the store, with the job.
        if config or config_option or overrides or resume or dry_run or budget:
            raise UserError("--job takes no config: the job has one")
        from runner.cli.execute import execute_job

        return execute_job(store_path(store), job, attempt, events=events, quiet=quiet)
    name = config or config_option
    if name is None:
        raise UserError(f"name a config or a preset ({', '.join(presets())})")
    if config and config_option:
        raise UserError("give the config once: as an argument or with --config")
    if data is None and (language is not None or save is not None):
        raise UserError("--language and --save belong to --data FOLDER")
    if data is not None:
        benchmark = _of_model(name, data, language, overrides or (), save, quiet=quiet)
    else:
        benchmark = _named(name, store_path(store), overrides or ())
    budget_s = _budget_s(budget, elsewhere=target != "local", resume=resume)
    # Each on its own: a dry run needs no session, and a run here neither the queue nor launchers.
    if dry_run:
        from runner.cli.foresee import foresee

        foresee(benchmark, store_path(store), target, budget_s)
        return 0
    if target != "local":
        from runner.cli.elsewhere import execute_elsewhere

        if resume or events:
            raise UserError("--resume and --events belong to runs here; see `asrprof queue retry`")
        return execute_elsewhere(benchmark, store_path(store), target, quiet=quiet)
    from runner.cli.execute import execute

    return execute(
        benchmark,
        store_path(store),
        resume=resume,
        events=events,
        quiet=quiet,
        budget_s=budget_s,
    )


def demo(
    store: StoreOption = None,
    overrides: SetOption = None,
    resume: ResumeOption = False,
    dry_run: DryRunOption = False,
    events: EventsOption = False,
    quiet: QuietOption = False,
) -> int:
    """Run the built-in demo: offline, on the CPU, in about three minutes."""
    benchmark = load_benchmark("demo", overrides or ())
    if dry_run:
        from runner.cli.foresee import LOCAL, foresee

        foresee(benchmark, store_path(store), LOCAL)
        return 0
    from runner.cli.execute import execute

    return execute(benchmark, store_path(store), resume=resume, events=events, quiet=quiet)


def _budget_s(budget: str | None, *, elsewhere: bool, resume: bool) -> float | None:
    """Seconds of a budget, None where none is given."""
    if budget is not None and (resume or elsewhere):
        raise UserError("--budget is for a new run here: leave --resume and --target out")
    return None if budget is None else parse_budget(budget)


def _of_model(
    model: str,
    data: Path,
    language: str | None,
    overrides: Sequence[str],
    save: Path | None,
    *,
    quiet: bool,
) -> Benchmark:
    """The benchmark of one model on a folder; its config is printed, and kept if asked for."""
    benchmark, text, said = benchmark_of_model(model, data, language, overrides)
    if save is not None:
        save_config(save, text)
    if not quiet:
        for line in (*text.splitlines(), *filter(None, (said,))):
            typer.echo(plain(line), err=True)
    return benchmark


def _named(name: str, path: Path, overrides: Sequence[str]) -> Benchmark:
    """The benchmark of a file, a preset or a stored job."""
    again = _JOB.fullmatch(name)
    if again is None:
        if name in CATALOGUE and not Path(name).exists():
            raise UserError(
                f"{name} is a model: name a folder of speech with --data, or write a config"
            )
        return load_benchmark(name, overrides)
    return parse_benchmark(_config_of(path, int(again[1])), name, overrides)


def _config_of(path: Path, job_id: int) -> str:
    """The config of a job in a store, as JSON."""
    if job_id > MAX_ROW:
        raise UserError(f"job:{job_id}: there is no such job")
    # A preset needs no store.
    from store import Store

    with Store.open_to_read(path) as opened:
        return opened.benchmark(opened.job(job_id).benchmark_id).config
