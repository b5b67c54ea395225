"""A real terminal, tmux, that a test types into and reads from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import clean_environment


class Terminal:
    """One program in a tmux of its own."""

    def __init__(self, folder: Path, *arguments: str, size: tuple[int, int] = (120, 40)) -> None:
        """Starts `asrprof-tui` in ``folder``."""
        # Beside the user's own tmux, and a short path: sockets have a hundred characters.
        self._socket = f"asrprof-{os.getpid()}-{id(self)}"
        environment = {**clean_environment(folder), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        # Of a terminal in which the tests may run, or of a worker of theirs.
        for name in ("TMUX", "COLUMNS", "LINES"):
            environment.pop(name, None)
        self._environment = environment
        command = [sys.executable, "-P", "-m", "tui", *arguments]
        self._tmux("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), "-c", str(folder))
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        self._tmux("respawn-pane", "-k", "-c", str(folder), *command)

    @staticmethod
    def is_there() -> bool:
        """Whether this machine has tmux."""
        return shutil.which("tmux") is not None

    def type(self, *keys: str) -> None:
        """Presses keys, by tmux's names; each is given time to be obeyed.

        Nearly every key changes what is shown, if only where the focus is; one that comes before
        the last was obeyed may go to another part. So each waits for a change, at most 2 s: some
        change nothing.
        """
        for key in keys:
            before = self._painted
            self._tmux("send-keys", key)
            end = time.monotonic() + 2
            time.sleep(0.15)
            while self._painted == before and time.monotonic() < end:
                time.sleep(0.05)

    def write(self, text: str) -> None:
        """Types a text as it is."""
        self._tmux("send-keys", "-l", text)
        time.sleep(0.3)

    @property
    def screen(self) -> str:
        """What the terminal shows."""
        return self._tmux("capture-pane", "-p")

    @property
    def _painted(self) -> str:
        """What the terminal shows, with its colours."""
        return self._tmux("capture-pane", "-p", "-e")

    def wait_for(self, words: str, seconds: float = 60) -> str:
        """Waits until the terminal shows ``words``; returns the whole screen."""
        end = time.monotonic() + seconds
        while words not in (screen := self.screen):
            assert time.monotonic() < end, f"{words!r} did not appear on\n{screen}"
            time.sleep(0.2)
        return screen

    def wait_without(self, words: str, seconds: float = 60) -> str:
        """Waits until the terminal shows ``words`` no more; returns the whole screen."""
        end = time.monotonic() + seconds
        while words in (screen := self.screen):
            assert time.monotonic() < end, f"{words!r} did not go from\n{screen}"
            time.sleep(0.2)
        return screen

    def close(self) -> None:
        """Ends the program and its tmux."""
        subprocess.run(
            ["tmux", "-L", self._socket, "kill-server"], capture_output=True, check=False
        )

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout
