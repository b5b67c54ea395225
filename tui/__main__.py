"""`asrprof-tui`: parses the command line, checks the terminal, and runs the app."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from report.text import plural
from runner import __version__
from runner.errors import UserError
from store import Store, StoreError, default_path
from tui.plain import plain
from tui.settings import load_settings, settings_path


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the app; returns the exit code, 2 for bad input."""
    given = make_parser().parse_args(arguments)
    try:
        return _run(given)
    except (UserError, StoreError) as error:
        print(f"asrprof-tui: error: {plain(str(error))}", file=sys.stderr)
        return 2


def _run(given: argparse.Namespace) -> int:
    settings = load_settings(given.settings or settings_path())
    # A browser is no terminal, but `textual serve` stands in for one.
    if "TEXTUAL_DRIVER" not in os.environ and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("this is no terminal; `asrprof` does the same without one")
    store = default_path(given.store)
    if (given.readonly or given.store is not None) and not store.exists():
        # Says so. Only the usual store is made: a misspelt name would show an empty one.
        Store.open(store, readonly=True).close()
    elif not given.readonly:
        # Made or brought up to date now; or said why that cannot be.
        Store.open(store).close()
    # Textual takes a quarter of a second to import: not needed to say what is wrong.
    from tui.app import AsrprofApp
    from tui.hangup import end_with_terminal
    from tui.options import Options
    from tui.themes import check_theme

    theme = given.theme or settings.theme
    if theme is not None:
        check_theme(theme)
    app = AsrprofApp(
        Options(
            store=store,
            readonly=given.readonly,
            dispatch=not given.no_dispatch,
            parallel=given.parallel,
            ascii=given.ascii or settings.ascii or not _speaks_utf8(),
            theme=theme,
            keymap=settings.keys,
            configs=given.configs.expanduser().absolute(),
        )
    )
    if sys.stdin.isatty():
        end_with_terminal(sys.stdin.fileno(), lambda: app.call_from_thread(app.exit))
    app.run()
    for line in open_jobs(store):
        print(plain(line))
    return app.return_code or 0


def open_jobs(store: Path) -> list[str]:
    """A line for each job that goes on when the app is left, and one for those that wait."""
    with Store.open(store, readonly=True) as opened:
        held, waiting = opened.attempts.held(), opened.queue.waiting()
    lines = [f"job {job.id} ({job.benchmark}) goes on" for job in held]
    if waiting:
        lines.append(f"{plural(len(waiting), 'job')} in the queue: `asrprof work` runs them")
    return lines


def make_parser(width: int | None = None) -> argparse.ArgumentParser:
    """The command line; ``width`` is that of its help, the terminal's when None."""
    parser = argparse.ArgumentParser(
        prog="asrprof-tui",
        description="The terminal UI: queue benchmarks, watch them, read their results.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=width),
    )
    parser.add_argument(
        "--store",
        type=Path,
        metavar="FILE",
        help="SQLite file of results, which must exist (default: ASRPROF_STORE or "
        "results/asrprof.db, made at the first start)",
    )
    parser.add_argument(
        "--configs",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="folder whose JSON configs are listed (default: the current one)",
    )
    parser.add_argument("--readonly", action="store_true", help="look, change nothing")
    parser.add_argument(
        "--no-dispatch", action="store_true", help="leave queued jobs to `asrprof work`"
    )
    parser.add_argument(
        "--parallel",
        type=_count,
        default=1,
        metavar="N",
        help="jobs to run at once; they disturb each other (default: 1)",
    )
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII only")
    parser.add_argument("--theme", metavar="NAME", help="a theme, e.g. asrprof-light")
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="your settings (default: ASRPROF_TUI_SETTINGS or ~/.config/asrprof/tui.toml)",
    )
    parser.add_argument("--version", action="version", version=f"asrprof {__version__}")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"write a number from 1 to 64, not {text!r}")
    return int(text)


def _speaks_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


if __name__ == "__main__":
    sys.exit(main())
