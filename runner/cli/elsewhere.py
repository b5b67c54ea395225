"""`asrprof run --target …`: one benchmark in a container, followed in this terminal."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from types import FrameType

import typer
from rich.console import Console

from runner.cli.options import open_or_make
from runner.cli.plain import plain
from runner.cli.table import print_results
from runner.config import Benchmark
from runner.dispatch.catalogue import launcher_of
from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.enqueue import enqueue
from runner.stop_signals import stop_signals
from store import FINAL, JobRequest, Store, StoreError

FIRST = 1000
"""Priority of a job that someone waits for."""
LEFT = 3
"""Entries of a list of signals once a second one has come: the first, a mark, the second."""


def execute_elsewhere(benchmark: Benchmark, path: Path, target: str, *, quiet: bool) -> int:
    """Queues a benchmark before all others, runs it and shows it; returns the exit code.

    Ctrl-C cancels the job; a second one leaves it to its container.

    Args:
        benchmark: What to run.
        path: The store.
        target: Where to run it, e.g. ``docker-cpu``.
        quiet: Show nothing.

    Raises:
        UserError: The target is unknown, or cannot run it.
    """
    launcher = launcher_of(target, path)
    launcher.check()
    stopped: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopped.append(number)

    with open_or_make(path, quiet=quiet) as store:
        job_id = enqueue(store, benchmark, JobRequest(target=target, priority=FIRST))
        lines = _Lines(store, job_id, quiet)

        def turn() -> bool:
            lines.show()
            if len(stopped) == 1 and store.job(job_id).state not in FINAL:
                stopped.append(0)  # Asked once.
                _cancel(store, job_id)
            return len(stopped) >= LEFT or store.job(job_id).state in FINAL

        previous = {number: signal.signal(number, stop) for number in stop_signals()}
        try:
            say = _ignore if quiet else _say
            dispatcher = Dispatcher(store, {target: launcher}, only=job_id, say=say)
            dispatcher.run(turn)
            # It has ended; what is left of its runner is cleared away by whoever follows it.
            while job_id in dispatcher.in_hand and len(stopped) < LEFT:
                dispatcher.follow()
                time.sleep(dispatcher.poll_s)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        lines.show()
        job = store.job(job_id)
        rows = store.leaderboard(job_id=job_id)
        if rows and not quiet:
            print_results(Console(), store, rows)
        if job.state not in FINAL:
            _say(f"job {job_id} goes on: `asrprof work` follows it")
        elif quiet and job.state != "done":
            _say(f"job {job_id} {job.state}: {job.reason}")
        if stopped:
            return 128 + stopped[0]
        good = job.state == "done" and store.counts(job_id).ok == job.cases_done
        return 0 if good else 1


class _Lines:
    """Shows what a job's runner has written since the last time."""

    def __init__(self, store: Store, job_id: int, quiet: bool) -> None:
        self._store = store
        self._job_id = job_id
        self._quiet = quiet
        self._position = 0

    def show(self) -> None:
        path = self._store.job(self._job_id).log_path
        if self._quiet or path is None or not Path(path).is_file():
            return
        with Path(path).open("rb") as file:
            file.seek(self._position)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._position += len(whole) + len(newline)
        for line in whole.decode("utf-8", "replace").splitlines() if newline else ():
            typer.echo(plain(line), err=True)


def _cancel(store: Store, job_id: int) -> None:
    try:
        store.queue.cancel(job_id)
    except StoreError:
        return  # It has ended in this moment.


def _say(words: str) -> None:
    typer.echo(plain(words), err=True)


def _ignore(_: str) -> None:
    """Says nothing."""
