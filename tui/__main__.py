"""`asrprof-tui`: parses the command line, checks the terminal, and runs the app."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from runner import __version__
from store import StoreError, default_path


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the app; returns the exit code, 2 for bad input."""
    given = _parser().parse_args(arguments)
    if "TEXTUAL_DRIVER" not in os.environ and not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _fail("needs a terminal; `asrprof` does the same without one")
    # Textual takes a quarter of a second to import: not needed to say what is wrong.
    from tui.app import AsrprofApp
    from tui.options import Options

    try:
        app = AsrprofApp(
            Options(
                store=default_path(given.store),
                readonly=given.readonly,
                dispatch=not given.no_dispatch,
                parallel=given.parallel,
                ascii=given.ascii or not _speaks_utf8(),
                theme=given.theme,
            )
        )
        app.run()
    except StoreError as error:
        return _fail(str(error))
    return app.return_code or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="asrprof-tui",
        description="The terminal UI: queue benchmarks, watch them, read their results.",
    )
    parser.add_argument(
        "--store",
        type=Path,
        help="SQLite file of results (default: ASRPROF_STORE or results/asrprof.db)",
    )
    parser.add_argument("--readonly", action="store_true", help="look, change nothing")
    parser.add_argument(
        "--no-dispatch", action="store_true", help="leave queued jobs to `asrprof work`"
    )
    parser.add_argument(
        "--parallel", type=int, default=1, metavar="N", help="jobs to run at once (default: 1)"
    )
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII only")
    parser.add_argument("--theme", help="name of a theme, e.g. asrprof-light")
    parser.add_argument("--version", action="version", version=f"asrprof {__version__}")
    return parser


def _speaks_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _fail(message: str) -> int:
    print(f"asrprof-tui: error: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
