"""codecarbon in a process of its own, one for all cases of a session.

Its imports take half a second and some 80 MB, and its first look at the hardware a second more.
Here they are taken once, beside the preparation of the clips, and are in no case's memory. A model
of the machine's power says the same from any process.

The session holds the process by its standard input; cases reach it by a socket, one at a time.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from runner.errors import error_words
from runner.measure.energy.source import SourceError
from runner.measure.energy.tracker import LocalTracker, TaskData, Tracked

ANSWER_S = 30.0
"""For an answer; the first also waits for the imports."""
END_S = 5.0
"""For the process to end by itself."""
_ROOT = Path(__file__).parents[3]
_METHODS = frozenset({"open", "begin", "end", "close"})


class TrackerProcess:
    """The process, from the session's side."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    @property
    def address(self) -> Path | None:
        """Path of its socket; None where it does not run."""
        if self._process is None or self._folder is None or self._process.poll() is not None:
            return None
        return self._folder / "socket"

    def start(self) -> None:
        """Starts it, if it can be: without it a case runs codecarbon itself."""
        if self._process is not None:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX) as listener:
            # Not in $TMPDIR, whose path may be longer than a socket's may be.
            folder = self._folder = Path(tempfile.mkdtemp(prefix="asrprof-", dir="/tmp"))
            listener.bind(str(folder / "socket"))
            listener.listen()
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(listener.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(listener.fileno(),),
                cwd=_ROOT,
                start_new_session=True,  # What Ctrl-C means is the session's to decide.
            )

    def close(self) -> None:
        """Ends it; harmless when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class RemoteTracker:
    """The tracker of such a process, from a case's side; see :class:`Tracker` of `tracker`."""

    def __init__(self, address: Path) -> None:
        """Connects to nothing yet.

        Args:
            address: Path of the process's socket.
        """
        self._address = address
        self._connection: Connection | None = None

    def open(self) -> Tracked:
        """Starts a tracker there.

        Raises:
            SourceError: It does not come up, or its process is gone.
        """
        try:
            with socket.socket(socket.AF_UNIX) as ours:
                ours.connect(str(self._address))
                self._connection = Connection(ours.detach())
        except OSError as error:
            raise SourceError(
                f"the process of codecarbon is gone: {error_words(error, 100)}"
            ) from error
        tracked: Tracked = self._ask("open")
        return tracked

    def begin(self) -> None:
        """Starts a task.

        Raises:
            SourceError: The tracker is not open, or its process is gone.
        """
        self._ask("begin")

    def end(self) -> TaskData:
        """Stops the task; returns what the model says of it.

        Raises:
            SourceError: There is no data, or the process is gone.
        """
        data: TaskData = self._ask("end")
        return data

    def close(self) -> None:
        """Stops the tracker; harmless when it is not open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str) -> Any:
        connection = self._connection
        if connection is None:
            raise SourceError("codecarbon was not opened")
        try:
            connection.send(method)
            if not connection.poll(ANSWER_S):
                raise SourceError(f"the process of codecarbon gave no answer in {ANSWER_S:g} s")
            reason, value = connection.recv()
        except (EOFError, OSError) as error:
            raise SourceError("the process of codecarbon has ended") from error
        if reason is not None:
            raise SourceError(reason)
        return value


def serve(listener: socket.socket) -> None:
    """Runs a tracker for one case after the other.

    Args:
        listener: Where they connect.
    """
    tracker = LocalTracker()
    with suppress(Exception):  # The first case that asks is told.
        tracker.open()  # It remembers the hardware.
        tracker.close()
    while True:
        theirs, _ = listener.accept()
        with Connection(theirs.detach()) as connection, suppress(EOFError, OSError):
            _answer(connection, tracker)
        tracker.close()


def _answer(connection: Connection, tracker: LocalTracker) -> None:
    """Does what a case asks for, until it is gone."""
    while True:
        method = connection.recv()
        assert method in _METHODS, method
        try:
            value = getattr(tracker, method)()
        except SourceError as error:
            connection.send((str(error), None))
        except Exception as error:  # noqa: BLE001  (the case says it)
            connection.send((error_words(error, 200), None))
        else:
            connection.send((None, value))


def _end_with_session() -> None:
    """The session never writes: its end of the pipe closes when it is gone."""
    sys.stdin.buffer.read()
    os._exit(0)


def main(arguments: list[str]) -> int:
    """Entry point; its argument is the number of the socket's file."""
    threading.Thread(target=_end_with_session, daemon=True).start()
    with socket.socket(fileno=int(arguments[0])) as listener:
        serve(listener)
    return 0


if __name__ == "__main__":
    # Under its own name: what is sent must be of the classes that the other end knows.
    from runner.measure.energy.tracker_process import main as run

    sys.exit(run(sys.argv[1:]))
