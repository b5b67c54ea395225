"""A process of ours at the other end of a pipe; it ends with whichever end is gone first."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

END_S = 5.0
"""For it to end by itself."""
_ROOT = Path(__file__).parents[2]


@contextmanager
def child(module: str) -> Iterator[tuple[Connection, subprocess.Popen[bytes]]]:
    """The pipe to a new process, and the process; both are gone at the end.

    Args:
        module: What it runs, which is given the number of its end of the pipe.
    """
    ours, theirs = multiprocessing.Pipe()
    command = [sys.executable, "-m", module, str(theirs.fileno())]
    process = subprocess.Popen(
        command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, cwd=_ROOT
    )
    theirs.close()
    try:
        yield ours, process
    finally:
        ours.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
