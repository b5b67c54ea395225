"""Has `asrprof report` make the report, in a process of its own: it imports what draws figures."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from runner.errors import UserError
from tui.plain import log_line

REPORT_TIMEOUT_S = 900.0


def make_report(store: Path, where: str | None = None) -> Path:
    """Makes the report of a store, or of some of its results, beside it: the page for browsers.

    The other formats are made where they are there already.

    Args:
        store: The store.
        where: A SQL condition over the leaderboard, or None for all results.

    Returns:
        The page.

    Raises:
        UserError: There is no such command, or it failed; the reason is its last line.
    """
    folder = store.resolve().parent / "asrprof-report"
    page = folder / "report.html"
    command = [sys.executable, "-m", "runner.cli", "report", "--store", str(store.resolve())]
    command += ["--out", str(folder), "--format", "html"]
    # What an earlier report left beside the page would be of other results.
    for name in ("pdf", "md"):
        if page.with_suffix(f".{name}").exists():
            command += ["--format", name]
    if where is not None:
        command += ["--where", where]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=REPORT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"the report was not made: {error}") from error
    if done.returncode:
        said = [log_line(line) for line in done.stderr.splitlines() if line.strip()]
        raise UserError(f"the report was not made: {said[-1] if said else 'no reason was given'}")
    return page


def can_show(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a page can be opened in a window; a browser in this terminal would spoil the app."""
    return platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
