"""`python -m runner --config x.json`: one benchmark, here."""

from __future__ import annotations

import sys

import typer

from runner.cli.app import guarded
from runner.cli.run import run


def main() -> int:
    """Runs one benchmark; returns the exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command("runner")(run)
    return guarded(app, sys.argv[1:], "python -m runner")


if __name__ == "__main__":
    sys.exit(main())
