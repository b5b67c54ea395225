"""Runs each case in a process of its own, which can die without taking the sweep along.

The children are forked from a server process that has imported torch and transformers already
(but has run nothing), so a fresh process a case costs a fraction of a second, not the seconds of
the imports. A child that ends without a result is a row with the reason; a parent that dies closes
the pipe, and the child ends itself.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path

from runner.task import CaseTask, Message, Progress, Started, utc_now
from store.records import Environment, Result

TICK_S = 0.25
"""How often a waiting parent looks at its signals and leases."""
GRACE_S = 3.0
"""Between asking a child to end and ending it."""
_CONTEXT = multiprocessing.get_context("forkserver")


class Interrupted(Exception):
    """The run was asked to stop while a case ran; that case has no row."""


def prepare() -> None:
    """Starts the server that children are forked from; it imports while the job is opened."""
    from multiprocessing import forkserver

    _CONTEXT.set_forkserver_preload(["runner.case"])
    forkserver.ensure_running()


def run_isolated(
    task: CaseTask,
    *,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
    on_tick: Callable[[], None] = lambda: None,
) -> Result:
    """Runs one case in a child process.

    Args:
        task: The case.
        on_progress: Told what the child says of itself.
        should_stop: Asked every quarter of a second.
        on_tick: Called as often, to keep a lease.

    Returns:
        The child's result, or a row that says how the child ended.

    Raises:
        Interrupted: ``should_stop`` said so; the child is gone.
    """
    parent_end, child_end = _CONTEXT.Pipe()
    started_at, began = utc_now(), time.monotonic()
    kills_before = _oom_kills()
    with tempfile.TemporaryDirectory(prefix="asrprof-") as folder:
        log = Path(folder) / "case.log"
        process = _CONTEXT.Process(
            target=_child, args=(child_end, task, str(log)), name="asrprof-case", daemon=True
        )
        process.start()
        child_end.close()
        environment: Environment | None = None
        result: Result | None = None
        reason: str | None = None
        try:
            while result is None:
                ready = wait([parent_end, process.sentinel], timeout=TICK_S)
                on_tick()
                if should_stop():
                    raise Interrupted
                if time.monotonic() - began > task.limits.case_seconds:
                    reason = f"stopped after {task.limits.case_seconds:g} s (limits.case_seconds)"
                    break
                if parent_end in ready:
                    message = _receive(parent_end)
                    if message is None:
                        break
                    if isinstance(message, Progress):
                        on_progress(message)
                    elif isinstance(message, Started):
                        environment = message.environment
                    else:
                        result = message
                elif ready:
                    break
        finally:
            _end(process, patient=result is not None)
            parent_end.close()
        if result is not None:
            return result
        wall = time.monotonic() - began
        state, why = ("failed", reason) if reason else _autopsy(process, log, kills_before)
        return task.outcome(
            "oom" if state == "oom" else "failed",
            why or "ended without a result",
            started_at=started_at,
            wall_s=wall,
            environment=environment,
        )


def _receive(connection: Connection) -> Message | None:
    try:
        message: Message = connection.recv()
    except (EOFError, OSError):
        return None
    return message


def _end(process: multiprocessing.process.BaseProcess, *, patient: bool) -> None:
    """Ends the child and collects it."""
    process.join(GRACE_S if patient else 0.5)
    if process.is_alive():
        process.kill()
    process.join()


def _autopsy(
    process: multiprocessing.process.BaseProcess, log: Path, kills_before: int
) -> tuple[str, str]:
    """State and reason for a child that ended without a result."""
    code = process.exitcode
    last = _last_line(log)
    words = f": {last}" if last else ""
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        if code == -signal.SIGKILL and _oom_kills() > kills_before:
            return "oom", "killed by the kernel's out-of-memory killer (SIGKILL)"
        if "bad_alloc" in last or "out of memory" in last.lower():
            return "oom", f"crashed with {name}{words}"
        return (
            "failed",
            f"{'killed by' if code == -signal.SIGKILL else 'crashed with'} {name}{words}",
        )
    return "failed", f"ended with exit code {code} and no result{words}"


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


def _child(connection: Connection, task: CaseTask, log: str) -> None:
    """Entry point of the child process."""
    # The terminal sends Ctrl-C to every process in its group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    from runner.case import run_case

    connection.send(run_case(task, connection.send))
    # The result is out; tearing down a framework only costs time, and can crash.
    os._exit(0)


def _end_with_parent(connection: Connection) -> None:
    """The parent never writes: the pipe becomes readable when the parent is gone."""
    wait([connection])
    os._exit(1)
