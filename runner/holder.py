"""What runs inside the process that holds a loaded model: one child for each case that uses it.

The children share the model's memory until one writes to it, so a case begins where its model is
loaded already. A pool of threads does not survive a fork: the model is loaded on one thread, and
nothing is forked from a process in which another thread is left.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from pkgutil import resolve_name

from runner.resident import Run, file_pages, touch
from runner.task import CaseTask, Started

ALONE_S = 3.0
"""For threads that only loading needed to be gone."""
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_TASKS = Path("/proc/self/task")


@dataclass(frozen=True)
class Loaded:
    """The model is there, and children can be forked."""


@dataclass(frozen=True)
class Unfit:
    """No child can be forked; each case loads the model for itself."""

    reason: str


Word = Started | Loaded | Unfit
"""What a holder says before it takes cases."""


def bind_to_parent(name: str) -> None:
    """Has the kernel end this process with its parent, and names it for ``ps`` and ``top``.

    Linux alone.
    """
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        prctl(_PR_SET_NAME, name.encode())


def hold(control: Connection, task: CaseTask, body: str) -> None:
    """Loads the model of a case, then forks a child for each case that the session hands over.

    Args:
        control: To the session.
        task: The first of the cases; all of them load the same.
        body: ``module:function`` that runs a case, given the model.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    bind_to_parent("asrprof-holder")
    # What is written here is of no case; one that cannot be loaded is told by the case's process.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    from runner.case import prepared

    try:
        _say(control, Started(prepared(task)))
        held, pages = _loaded(task)
    except Exception as error:  # noqa: BLE001  (the case's own process will say it in full)
        _say(control, Unfit(f"{type(error).__name__}: {error}"))
        os._exit(0)
    _say(control, Loaded())
    run: Callable[..., None] = resolve_name(body)
    while True:
        try:
            next_task, log = control.recv()
            connection = Connection(recv_handle(control))
        except (EOFError, OSError):
            os._exit(0)
        holder = os.getpid()
        child = os.fork()
        if child == 0:
            try:
                control.close()
                bind_to_parent("asrprof-case")
                if os.getppid() == holder:  # Or it died before the kernel was told.
                    run(connection, next_task, log, held, pages)
            except BaseException:  # noqa: BLE001  (whatever it was: a child never takes orders)
                traceback.print_exc()
            finally:
                os._exit(1)
        connection.close()
        _attend(control, child)


def _loaded(task: CaseTask) -> tuple[object, tuple[Run, ...]]:
    """The model, and the pages of files that it brought along.

    Raises:
        RuntimeError: a thread is left, or the engine does not survive a fork.
    """
    from runner.case import load_to_hold
    from runner.load import engine_for

    request = task.load_request()
    entry = engine_for(request)
    if not entry.forkable:
        raise RuntimeError(f"{entry.name} does not survive a fork")
    held = load_to_hold(task)
    deadline = time.monotonic() + ALONE_S
    while len(list(_TASKS.iterdir())) > 1:
        if time.monotonic() > deadline:
            raise RuntimeError("loading has left a thread")
        time.sleep(0.01)
    pages = file_pages()
    touch(pages)  # Tried here, where a kernel that cannot do it costs no case.
    return held, pages


def _attend(control: Connection, child: int) -> None:
    """Hands the session a hold of the child, waits for its end and says how it was."""
    handle = os.pidfd_open(child)
    try:
        send_handle(control, handle, None)
        # While a case runs the session says nothing: the pipe is readable when it is gone.
        if control in wait([control, handle]):
            os._exit(0)
        _, status = os.waitpid(child, 0)
        control.send(os.waitstatus_to_exitcode(status))
    except OSError:
        os._exit(0)
    finally:
        os.close(handle)


def _say(control: Connection, word: Word) -> None:
    try:
        control.send(word)
    except OSError:
        os._exit(0)
