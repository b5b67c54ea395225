"""Assembles the `asrprof` command, and turns every user's error into one line and exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from runner import __version__
from runner.cli import compare, export, fleet, logs, queue, report, rescore, run, show, work
from runner.cli.plain import plain
from runner.errors import UserError
from store import StoreError

app = typer.Typer(
    name="asrprof",
    help="Measure latency, throughput, energy, memory, FLOPs, operators and word error rate of "
    "speech recognition models, in one run.",
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


UsageError = typer.BadParameter.__mro__[1]
"""Click's class of usage errors; Typer carries a Click of its own and exports only its children."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"asrprof {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Measures speech recognition models."""


app.command("run")(run.run)
app.command("demo")(run.demo)
app.add_typer(queue.app, name="queue")
app.add_typer(fleet.app, name="fleet")
app.command("work")(work.work)
app.command("logs")(logs.logs)
app.command("schema")(show.schema)
app.command("models")(show.models)
app.command("doctor")(show.doctor)
app.command("results")(show.results)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("rescore")(rescore.rescore)
app.command("export")(export.export)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `asrprof`; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    return guarded(app, given or ["--help"], "asrprof")


def guarded(app: typer.Typer, arguments: Sequence[str], name: str) -> int:
    """Runs a command line.

    Returns:
        0 all cases ok, 1 some cases failed, 2 bad input (one line on stderr), 128 + n ended by
        signal n.
    """
    try:
        code = typer.main.get_command(app).main(
            args=list(arguments), prog_name=name, standalone_mode=False
        )
        return code if isinstance(code, int) else 0
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except (UserError, StoreError) as error:
        return _fail(name, str(error))
    except SystemExit as end:
        # The reader of our output left (`asrprof results | head`): no error of ours, but Typer
        # ends the process with 1. Any other way out of it is completion's.
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _fail(name, f"{error.strerror or error}{where}")
    except Exception as error:
        if not isinstance(error, UsageError):
            raise
        message = str(getattr(error, "format_message", error.__str__)()).rstrip(".")
        return _fail(name, f"{message}; see `{name} --help`")


def _fail(name: str, message: str) -> int:
    typer.echo(f"{name}: error: {plain(' '.join(message.split()))}", err=True)
    return 2
