"""Who holds a job: a text that names one process of one machine, and whether it still lives."""

from __future__ import annotations

import os
import socket
from pathlib import Path

PROC = Path("/proc")


def process_owner(pid: int | None = None, proc: Path = PROC) -> str:
    """``host:pid:starttime`` of a process, by default this one.

    The host carries the PID namespace too (``name/4026531836``), because a container may share
    its host's name but not its process ids. The start time (clock ticks since boot) tells the
    process from a later one with the same id; it is 0 where the system has no ``/proc``.
    """
    pid = os.getpid() if pid is None else pid
    return f"{_host(proc)}:{pid}:{_start_time(pid, proc) or 0}"


def owner_is_dead(owner: str, proc: Path = PROC) -> bool:
    """Whether the owner's process is known to be gone.

    False where that cannot be known from here (another host or container, no ``/proc``): then
    only the lease can tell.
    """
    host, _, rest = owner.partition(":")
    pid, _, started = rest.partition(":")
    if host != _host(proc) or not (pid.isdecimal() and started.isdecimal()):
        return False
    if started == "0" or _start_time(os.getpid(), proc) is None:
        return False
    return _start_time(int(pid), proc) != int(started)


def owner_is_alive(owner: str, proc: Path = PROC) -> bool:
    """Whether the owner's process is known to run; False where that cannot be known from here."""
    host, _, rest = owner.partition(":")
    pid, _, started = rest.partition(":")
    if host != _host(proc) or started == "0" or not (pid.isdecimal() and started.isdecimal()):
        return False
    return _start_time(int(pid), proc) == int(started)


def machine_of(owner: str) -> str:
    """The host of an owner, without its PID namespace."""
    return owner.partition(":")[0].partition("/")[0]


def _host(proc: Path) -> str:
    name = socket.gethostname().replace(":", "-")
    try:
        return f"{name}/{(proc / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return name


def _start_time(pid: int, proc: Path) -> int | None:
    """Clock ticks since boot at which a process started; None if it is gone or a zombie."""
    try:
        status = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command name, in parentheses, may hold spaces and parentheses: count from its end.
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
