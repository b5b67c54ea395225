"""Other runs on this machine, which take of its cores, memory and power what this one measures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import psutil

from store import HELD, JobRow, Store, machine_of, owner_is_alive, process_owner, vanished

_RUNS = ("run", "demo")
"""Commands of `asrprof` that measure."""
_NOT_HERE = ("--dry-run", "--help", "-h", "--target", "--spool")
"""Options of runs that measure nothing, or elsewhere: a node of a fleet has a share of its own."""
_WORDS = 4
"""Of a command line, the interpreter with its options, the program and its command."""


def other_runs(
    store: Store,
    *,
    but: int | None = None,
    commands: Iterable[tuple[int, Sequence[str]]] | None = None,
) -> list[str]:
    """A line for each other run that is under way on this machine; none where it is alone.

    Jobs of the store are told by their number, other runs by their process: those of other stores
    too, as far as this user may see them.

    Args:
        store: The store that is run into.
        but: The job that asks.
        commands: The processes of the machine with their command lines; looked up when None.
    """
    now = datetime.now(UTC)
    held = [job for job in store.jobs(states=HELD) if job.id != but and vanished(job, now) is None]
    jobs = {pid: job for job in held if (pid := _pid_here(job)) is not None}
    suffers = "runs on this machine too, and the figures of both suffer"
    lines = [
        f'job {job.id} "{job.benchmark}" {suffers}: wait until it ends, or queue this one by '
        "`asrprof queue add`"
        for job in jobs.values()
    ]
    commands = _commands() if commands is None else commands
    lines += [
        f"another asrprof (process {pid}) {suffers}: wait until it ends"
        for pid, words in commands
        if pid not in jobs and measures(words)
    ]
    return lines


def measures(words: Sequence[str]) -> bool:
    """Whether a command line is that of a run that measures on its machine."""
    names = [Path(word).name for word in words[:_WORDS]]
    if any(word.partition("=")[0] in _NOT_HERE for word in words):
        return False
    python = bool(names) and names[0].startswith("python")
    if python and ("-m", "runner") in pairwise(words):
        return True
    # What a script starts is the interpreter with the script's path. Other programs that have a
    # run's command line as arguments (timeout, sudo) are no runs themselves.
    command = names[1:] if python else names
    return command[:1] == ["asrprof"] and len(command) > 1 and command[1] in _RUNS


def _pid_here(job: JobRow) -> int | None:
    """The process of a job on this machine; None where it is elsewhere, or nobody can tell."""
    owner = job.lease_owner or ""
    if machine_of(owner) != machine_of(process_owner()) or not owner_is_alive(owner):
        return None
    pid = int(owner.split(":")[1])
    return None if pid == os.getpid() else pid


def _commands() -> Iterator[tuple[int, Sequence[str]]]:
    """All processes but this one."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"]
        if words and process.pid != os.getpid():
            yield process.pid, words
