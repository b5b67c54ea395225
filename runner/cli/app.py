"""Assembles the `asrprof` command, and turns every user's error into one line and exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import typer

from runner import __version__
from runner.cli.lazy import LazyCommand, LazyGroup
from runner.cli.plain import plain, write_what_can_be
from runner.errors import UserError


class Commands(LazyGroup):
    """The commands of `asrprof`, in the order of its help."""

    entries: ClassVar[Mapping[str, LazyCommand]] = {
        "run": LazyCommand(
            "runner.cli.run:run",
            "Run a benchmark, case by case, into the store: here, in a container or on a fleet.",
        ),
        "demo": LazyCommand(
            "runner.cli.run:demo",
            "Run the built-in demo: offline, on the CPU, in about three minutes.",
        ),
        "work": LazyCommand(
            "runner.cli.work:work",
            "Run queued jobs, one after the other, each in a runner of its own.",
        ),
        "logs": LazyCommand(
            "runner.cli.logs:logs", "Print what a queued job's runner wrote in its latest attempt."
        ),
        "serve": LazyCommand(
            "runner.cli.serve:serve",
            "Serve a model until it is ended: utterances over HTTP, streams over a websocket.",
        ),
        "schema": LazyCommand(
            "runner.cli.schema:schema", "Print the JSON Schema of a benchmark config."
        ),
        "models": LazyCommand("runner.cli.models:models", "List the models asrprof knows by name."),
        "data": LazyCommand(
            "runner.cli.data:data",
            "Show what a folder of speech, or a config's data, holds: 1 if something in it is "
            "wrong.",
        ),
        "doctor": LazyCommand(
            "runner.cli.doctor:doctor",
            "Say what this machine can measure, what it cannot, and what to do about it.",
        ),
        "results": LazyCommand(
            "runner.cli.results:results", "Show results from the store, the newest last."
        ),
        "show": LazyCommand(
            "runner.cli.result:show",
            "Show all of one result: figures with their reasons, stages, energy, machine, worst "
            "words.",
        ),
        "share": LazyCommand(
            "runner.cli.share:share",
            "Write results as a Markdown table to paste: figures, marks, hardware, and no "
            "hostname.",
        ),
        "report": LazyCommand(
            "runner.cli.report:report",
            "Make the study of a store: HTML, PDF and Markdown, with figures and recommendations.",
        ),
        "recommend": LazyCommand(
            "runner.cli.recommend:recommend",
            "Say which model to take for which purpose, and how sure that is.",
        ),
        "compare": LazyCommand(
            "runner.cli.compare:compare",
            "Compare two sets of results case by case, the first being the baseline.",
        ),
        "rescore": LazyCommand(
            "runner.cli.rescore:rescore",
            "Score stored transcripts again under another normaliser.",
        ),
        "export": LazyCommand(
            "runner.cli.export:export", "Write a table of the store as CSV, JSON or Parquet."
        ),
        "merge": LazyCommand(
            "runner.cli.merge:merge", "Take the results of other stores in, each of them once."
        ),
        "queue": LazyCommand(
            "runner.cli.queue:app",
            "Add benchmarks to the queue, and see and change what is in it.",
        ),
        "fleet": LazyCommand(
            "runner.cli.fleet:app",
            "See the nodes of the fleet (a Ray cluster; RAY_ADDRESS names it), and what is on "
            "them.",
        ),
    }


app = typer.Typer(
    name="asrprof",
    cls=Commands,
    help="Measure latency, throughput, energy, memory, FLOPs, operators and word error rate of "
    "speech recognition models, in one run.",
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `asrprof`; returns the exit code."""
    # It would look through the metadata of every installed package for plugins of its own.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    given = list(sys.argv[1:] if arguments is None else arguments)
    write_what_can_be(sys.stdout, sys.stderr)
    return guarded(app, given or ["--help"], "asrprof")


def guarded(app: typer.Typer, arguments: Sequence[str], name: str) -> int:
    """Runs a command line.

    Args:
        app: The commands.
        arguments: The words after the program's name.
        name: The program's name, for usage and errors.

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
    except SystemExit as end:
        # The reader of our output left (`asrprof results | head`): no error of ours, but Typer
        # ends the process with 1. Any other way out of it is completion's.
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        line = _in_one_line(error, name)
        if line is None:
            raise
        return _fail(name, line)


def _in_one_line(error: Exception, name: str) -> str | None:
    """What to tell the user of an error; None if it is ours."""
    # Not at the top: help needs no store, and who raises its errors has imported it.
    from store import StoreError

    if isinstance(error, UserError | StoreError):
        return str(error)
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}"
    if isinstance(error, UsageError):
        context = getattr(error, "ctx", None)
        _hide(error, context)
        message = str(getattr(error, "format_message", error.__str__)()).rstrip(".")
        # Pydantic says what is wanted, and then how it has failed to read it.
        message = message.partition(", unable to parse")[0]
        command = name if context is None else context.command_path
        if message.startswith("Got unexpected extra arg") and command.endswith(" run"):
            return f"{message}: a folder of speech is given by --data FOLDER, after the model"
        return f"{message}; see `{command} --help`"
    return None


def _hide(error: Any, context: Any) -> None:
    """Leaves hidden options out of those that an error proposes."""
    proposed = getattr(error, "possibilities", None)
    if proposed and context is not None:
        hidden = {
            name
            for option in context.command.params
            if getattr(option, "hidden", False)
            for name in option.opts
        }
        error.possibilities = [name for name in proposed if name not in hidden]


def _fail(name: str, message: str) -> int:
    typer.echo(f"{name}: error: {plain(' '.join(message.split()))}", err=True)
    return 2
