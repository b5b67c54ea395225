"""Which signals end a run, and that what it prints after its terminal has gone is no error."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

ASKS = """
import signal, sys
from runner.stop_signals import stop_signals
signal.signal(signal.SIGHUP, getattr(signal, sys.argv[1]))
print(*(number.name for number in stop_signals()))
"""
PRINTS = """
import sys
from pathlib import Path
from runner.stop_signals import drop_output, terminals
found = terminals()
Path(sys.argv[1]).write_text(str(found))
sys.stdin.read()
if sys.argv[2] == "drop":
    drop_output(found)
print("x" * 100, flush=True)
"""


def test_a_hang_up_ends_a_run_unless_it_is_ignored() -> None:
    said = {
        handler: subprocess.run(
            [sys.executable, "-c", ASKS, handler],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for handler in ("SIG_DFL", "SIG_IGN")
    }
    assert said == {"SIG_DFL": ["SIGINT", "SIGTERM", "SIGHUP"], "SIG_IGN": ["SIGINT", "SIGTERM"]}


def prints(folder: Path, how: str) -> tuple[int, str]:
    """A process that prints after its terminal has gone: its exit code, and what it found."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PRINTS, str(folder / "found"), how],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=slave,
        stderr=subprocess.DEVNULL,
    )
    os.close(slave)
    while not (folder / "found").exists():
        assert process.poll() is None
    os.close(master)
    process.communicate()
    return process.returncode, (folder / "found").read_text()


def test_what_is_printed_to_no_terminal(tmp_path: Path) -> None:
    assert prints(tmp_path, "drop") == (0, "(1,)")
    (tmp_path / "found").unlink()
    code, _ = prints(tmp_path, "keep")
    assert code != 0, "otherwise there would be nothing to drop"
