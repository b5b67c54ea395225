"""Runs each case in a process of its own, which can die without taking the sweep along.

The children are forked from a server process that has imported torch and transformers already
(but has run nothing), so a fresh process a case costs a fraction of a second, not the seconds of
the imports. A child that ends without a result is a row with the reason; when the parent dies
the server ends, and the kernel ends the child with it. Cases that share a model may be forked from
a process that has loaded it (``shared_load.py``).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runner.errors import is_out_of_memory
from runner.holder import bind_to_parent, hold
from runner.resident import Run, touch
from runner.task import CaseTask, Message, News, Partial, Started, utc_now
from store.records import Environment, Result, ResultState

if TYPE_CHECKING:
    from runner.held import Held

TICK_S = 0.25
"""How often a waiting parent looks at its signals and leases."""
EXIT_GRACE_S = 3.0
"""For a child that has given its result to end by itself."""
LAST_WORDS_S = 0.5
"""For a child that seems to have died, so that it can be asked how."""
REAP_S = 10.0
"""For a killed child to be gone; one that hangs in a driver is left behind."""
_CONTEXT = multiprocessing.get_context("forkserver")
_STOPS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """The run was asked to stop while a case ran; that case has no row."""


class HolderLost(Exception):
    """The process that held the model of a case has ended, and the case with it."""


class CaseProcess(Protocol):
    """The process of a case, as :mod:`multiprocessing` shows its own."""

    @property
    def sentinel(self) -> int:
        """Readable when it has ended."""

    @property
    def exitcode(self) -> int | None:
        """How it has ended, negative for a signal; None while it runs.

        Raises:
            HolderLost: nobody knows.
        """

    def join(self, timeout: float | None = None) -> None:
        """Waits for its end, ``timeout`` seconds at most."""

    def is_alive(self) -> bool:
        """Whether it runs."""

    def kill(self) -> None:
        """Ends it."""


Start = Callable[[Connection, CaseTask, str], CaseProcess]
"""Starts the process of a case: its end of the pipe to the session, the case, its log."""


def prepare() -> None:
    """Starts the server that children are forked from; it imports while the clips are prepared.

    A terminal sends Ctrl-C to every process of its group. The parent decides what it means, so
    the server and its children are started deaf to it: what is ignored stays so across exec.
    """
    from multiprocessing import forkserver

    _CONTEXT.set_forkserver_preload(["runner.quiet", "runner.case"])
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _STOPS}
    try:
        forkserver.ensure_running()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_isolated(
    task: CaseTask,
    *,
    on_message: Callable[[News], None],
    should_stop: Callable[[], bool],
    on_tick: Callable[[], None] = lambda: None,
    start: Start | None = None,
    spent_s: float = 0.0,
) -> Result:
    """Runs one case in a child process.

    Args:
        task: The case.
        on_message: Told what the child says of itself.
        should_stop: Asked every quarter of a second.
        on_tick: Called as often, to keep a lease.
        start: Starts the process; a fresh one by default.
        spent_s: Seconds of the case's time that loading its model has taken already.

    Returns:
        The child's result, or a row that says how the child ended, with the figures it had.

    Raises:
        Interrupted: ``should_stop`` said so; the child is gone.
        HolderLost: the process that the child was forked from has ended, for no lack of memory.
    """
    parent_end, child_end = _CONTEXT.Pipe()
    started_at = utc_now()
    kills_before = _oom_kills()
    with tempfile.TemporaryDirectory(prefix="asrprof-") as folder:
        log = Path(folder) / "case.log"
        try:
            process = (start or _fresh)(child_end, task, str(log))
        except (EOFError, OSError) as error:
            if should_stop():
                raise Interrupted from error
            words = f"no process for the case: {type(error).__name__} {error}".strip()
            return task.outcome("failed", words, started_at=started_at, wall_s=0.0)
        child_end.close()
        began = time.monotonic()
        deadline = began + task.limits.case_seconds - spent_s
        heard = _Heard()
        try:
            _listen(parent_end, process, deadline, heard, on_message, should_stop, on_tick)
        finally:
            # One that has given its result may end by itself, one that is late may not.
            _end(process, EXIT_GRACE_S if heard.result else 0.0 if heard.late else LAST_WORDS_S)
            parent_end.close()
        if heard.result is not None:
            return heard.result
        if heard.late:
            state, reason = too_late(task)
        else:
            killed_for_memory = _oom_kills() > kills_before
            try:
                code = process.exitcode
            except HolderLost:
                if not killed_for_memory:
                    raise
                code = -signal.SIGKILL
            state, reason = explain_exit(code, log, killed_for_memory)
            if state == "oom" and not killed_for_memory:
                reason = task.out_of_memory(reason)
        wall_s = time.monotonic() - began
        if heard.partial is not None:
            return replace(
                heard.partial,
                state=state,
                reason=reason,
                wall_s=wall_s,
                environment=heard.environment,
            )
        return task.outcome(
            state, reason, started_at=started_at, wall_s=wall_s, environment=heard.environment
        )


@dataclass
class _Heard:
    """What a child has said so far."""

    environment: Environment | None = None
    partial: Result | None = None
    result: Result | None = None
    late: bool = False


def _listen(
    connection: Connection,
    process: CaseProcess,
    deadline: float,
    heard: _Heard,
    on_message: Callable[[News], None],
    should_stop: Callable[[], bool],
    on_tick: Callable[[], None],
) -> None:
    """Hears a child out: until its result, its end, or the end of its time."""
    while heard.result is None and not heard.late:
        ready = wait([connection, process.sentinel], timeout=TICK_S)
        on_tick()
        if should_stop():
            raise Interrupted
        heard.late = time.monotonic() > deadline
        message = _receive(connection) if connection in ready else None
        if isinstance(message, Result):
            heard.result = message
        elif isinstance(message, Partial):
            heard.partial = message.result
        elif isinstance(message, Started):
            heard.environment = message.environment
        elif message is not None:
            on_message(message)
        elif ready:
            return


def _receive(connection: Connection) -> Message | None:
    try:
        message: Message = connection.recv()
    except (EOFError, OSError):
        return None
    return message


def _end(process: CaseProcess, grace_s: float) -> None:
    """Waits for the child, then kills it, and collects it."""
    process.join(grace_s)
    if process.is_alive():
        process.kill()
        process.join(REAP_S)


def too_late(task: CaseTask) -> tuple[ResultState, str]:
    """State and reason for a case that has used up its time."""
    return "failed", f"stopped after {task.limits.case_seconds:g} s (limits.case_seconds)"


def explain_exit(code: int | None, log: Path, killed_for_memory: bool) -> tuple[ResultState, str]:
    """State and reason for a child that ended without a result.

    Args:
        code: Its exit code, negative for a signal.
        log: What it wrote to stdout and stderr.
        killed_for_memory: The kernel has killed something for memory meanwhile.
    """
    last = _last_line(log)
    words = f": {last}" if last else ""
    if code == -signal.SIGKILL:
        if killed_for_memory:
            return "oom", "killed by the kernel's out-of-memory killer (SIGKILL)"
        return "failed", "killed by SIGKILL"
    if code is not None and code < 0:
        how = f"crashed with {_signal_name(-code)}{words}"
    else:
        how = f"ended with exit code {code} and no result{words}"
    return ("oom" if is_out_of_memory(last) else "failed"), how


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")


def _oom_kills() -> int:
    """The kernel's count of out-of-memory kills, of this machine and of this control group."""
    total = 0
    for file in ("/proc/vmstat", "/sys/fs/cgroup/memory.events"):
        try:
            lines = Path(file).read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return total


def start_holder(control: Connection, task: CaseTask, body: str) -> BaseProcess:
    """Starts the process that holds the model of a case, see :mod:`runner.holder`.

    Args:
        control: Its end of the pipe to it.
        task: A case.
        body: ``module:function`` that runs a case there.
    """
    process = _CONTEXT.Process(
        target=hold, args=(control, task, body), name="asrprof-holder", daemon=True
    )
    process.start()
    return process


def _fresh(connection: Connection, task: CaseTask, log: str) -> BaseProcess:
    """A process that loads its model itself."""
    process = _CONTEXT.Process(
        target=_child, args=(connection, task, log), name="asrprof-case", daemon=True
    )
    process.start()
    return process


def _child(connection: Connection, task: CaseTask, log: str) -> None:
    """Entry point of a fresh child process."""
    bind_to_parent("asrprof-case")
    _run(connection, task, log)


def run_held(
    connection: Connection, task: CaseTask, log: str, held: Held, pages: tuple[Run, ...]
) -> None:
    """Runs a case in a child process that was forked where its model is loaded.

    Args:
        connection: To the session.
        task: The case.
        log: Where its output goes.
        held: The model.
        pages: Pages of files that belong to it.
    """
    _run(connection, task, log, held, pages)


def _run(
    connection: Connection,
    task: CaseTask,
    log: str,
    held: Held | None = None,
    pages: tuple[Run, ...] = (),
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    touch(pages)
    from runner.case import run_case

    connection.send(run_case(task, connection.send, held))
    # The result is out; tearing down a framework only costs time, and can crash.
    os._exit(0)


def _end_with_parent(connection: Connection) -> None:
    """The parent never writes: the pipe becomes readable when the parent is gone."""
    wait([connection])
    os._exit(1)
