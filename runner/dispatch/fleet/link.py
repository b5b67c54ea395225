"""The dispatcher's end of the pipe to the bridge, which it starts when it needs it."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import IO, NoReturn, TypeVar

from runner.dispatch.fleet.messages import Failure, Hello, Question
from runner.dispatch.process import runner_environment

ANSWER_S = 15.0
"""Longest for one answer; a cluster whose head is gone gives none."""
CONNECT_S = 60.0
PAUSE_S = 5.0
"""After a failure nobody is kept waiting for the next one for so long."""
CLOSE_S = 0.5
"""For a question under way, before the bridge is ended all the same."""
_Kind = TypeVar("_Kind")


class LinkError(Exception):
    """The cluster cannot be asked; the message says why."""


class Link:
    """Asks a cluster through a process of its own; threads may share it."""

    def __init__(self, address: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is started yet. ``address``: of the cluster, or ``auto``."""
        self.address = address
        self._clock = clock
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._said: IO[bytes] | None = None
        self._down_until = float("-inf")
        self._failure = ""

    def ask(self, question: Question, kind: type[_Kind], timeout_s: float = ANSWER_S) -> _Kind:
        """The answer to one question.

        Args:
            question: What to ask.
            kind: What its answer must be.
            timeout_s: How long it may take.

        Raises:
            LinkError: There is no cluster, or it does not answer.
        """
        with self._lock:
            if self._connection is None:
                self._start()
            answer = self._exchange(question, timeout_s)
        if isinstance(answer, Failure):
            raise LinkError(answer.words)
        if not isinstance(answer, kind):
            raise LinkError(f"the bridge to Ray answered {answer!r:.80}")
        return answer

    def close(self) -> None:
        """Ends the bridge; agents go on. A question under way ends with it."""
        if self._lock.acquire(timeout=CLOSE_S):
            try:
                self._drop()
            finally:
                self._lock.release()
        elif self._process is not None:
            self._process.kill()

    def _start(self) -> None:
        if self._clock() < self._down_until:
            raise LinkError(self._failure)
        ours, theirs = socket.socketpair()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the bridge.
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "runner.dispatch.fleet.bridge"),
                    *(str(theirs.fileno()), self.address),
                ],
                env=runner_environment(),
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                # A Ctrl-C in a terminal is for the dispatcher.
                start_new_session=True,
            )
        self._connection = Connection(ours.detach())
        answer = self._exchange(Hello(), CONNECT_S)
        if isinstance(answer, Failure):
            self._fail(answer.words)

    def _exchange(self, question: Question, timeout_s: float) -> object:
        assert self._connection is not None
        try:
            self._connection.send(question)
            if not self._connection.poll(timeout_s):
                self._fail(f"the Ray cluster at {self.address} gave no answer in {timeout_s:g} s")
            return self._connection.recv()
        except (EOFError, OSError):
            self._fail(f"the connection to the Ray cluster at {self.address} broke{self._last()}")

    def _fail(self, words: str) -> NoReturn:
        """Ends the bridge, which is of no use any more.

        Raises:
            LinkError: Always.
        """
        self._drop()
        self._failure = words
        self._down_until = self._clock() + PAUSE_S
        raise LinkError(words)

    def _last(self) -> str:
        """What the bridge said last, where it ended without an answer."""
        if self._said is None:
            return ""
        with suppress(OSError, ValueError):
            self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - 4096))
            lines = self._said.read().decode("utf-8", "replace").split("\n")
            words = next((line.strip() for line in reversed(lines) if line.strip()), "")
            return f": {words[:200]}" if words else ""
        return ""

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._said is not None:
            self._said.close()
            self._said = None


_LINKS: dict[str, Link] = {}
_LINKS_LOCK = threading.Lock()


def link_to(address: str) -> Link:
    """This process's one link to a cluster."""
    with _LINKS_LOCK:
        if address not in _LINKS:
            _LINKS[address] = Link(address)
            atexit.register(_LINKS[address].close)
        return _LINKS[address]
