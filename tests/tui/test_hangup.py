"""A terminal that goes ends the app, also where SIGHUP is ignored."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from store import Store
from tests.conftest import ROOT, clean_environment
from tui.hangup import EXIT_CODE, hung_up

# Ignored signals stay ignored in what is executed, as nohup has it.
IGNORING = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, "-m", "tui", *sys.argv[1:]])
"""
DEADLINE_S = 300.0
"""Where the app would never end: not a limit of its speed."""


def drawn(master: int, word: bytes) -> bool:
    """Reads a terminal until a word stands on it."""
    seen, end = b"", time.monotonic() + DEADLINE_S
    while word not in seen and time.monotonic() < end:
        if select.select([master], [], [], 1.0)[0]:
            seen += os.read(master, 65536)
    return word in seen


def start(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The app in a terminal, and the terminal's other end."""
    Store.open(folder / "s.db").close()
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IGNORING, "--store", str(folder / "s.db"), "--no-dispatch"],
        cwd=ROOT,
        env={**clean_environment(folder), "TERM": "xterm-256color"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    return process, master


@pytest.mark.timeout(900)
def test_the_app_ends_with_its_terminal(tmp_path: Path) -> None:
    process, master = start(tmp_path)
    try:
        assert drawn(master, b"Home")
        os.close(master)
        assert process.wait(timeout=DEADLINE_S) in (0, 1, EXIT_CODE)
    finally:
        process.kill()
        process.wait()


def test_a_terminal_that_is_there_has_not_hung_up() -> None:
    """Asked in a process of its own: it would wait for as long as the terminal is there."""
    master, slave = pty.openpty()
    asks = f"from tui.hangup import hung_up; print(hung_up({slave}), flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", asks], cwd=ROOT, stdout=subprocess.PIPE, pass_fds=[slave]
    )
    assert process.stdout is not None
    assert not select.select([process.stdout], [], [], 2.0)[0]
    os.write(master, b"x")  # Something to read is no end.
    assert process.poll() is None
    os.close(slave)
    os.close(master)
    assert process.stdout.readline() == b"True\n"
    process.stdout.close()
    assert process.wait(timeout=DEADLINE_S) == 0


def test_a_pipe_that_was_closed_has_hung_up() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    assert hung_up(reading)
    os.close(reading)
