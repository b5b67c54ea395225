"""`asrprof work`: the dispatcher."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Annotated

import typer

from runner.cli.options import StoreOption, store_path
from runner.cli.plain import plain
from runner.dispatch.catalogue import launchers
from runner.dispatch.dispatcher import Dispatcher
from runner.errors import UserError
from runner.stop_signals import stop_signals
from store import Store, utc_now


def work(
    store: StoreOption = None,
    once: Annotated[bool, typer.Option("--once", help="Run one job and stop.")] = False,
    drain: Annotated[bool, typer.Option("--drain", help="Stop when the queue is empty.")] = False,
    parallel: Annotated[
        int, typer.Option("--parallel", min=1, help="Jobs to run at once; they disturb each other.")
    ] = 1,
) -> int:
    """Run queued jobs, one after the other, each in a runner of its own.

    Ctrl-C stops this command, not the job in hand: it goes on, and the next `asrprof work` follows
    it to its end.
    """
    if once and drain:
        raise UserError("give --once or --drain, not both")
    path = store_path(store)
    if not path.exists():
        raise UserError(f"{path}: no such store: `asrprof queue add` makes one with its first job")
    stopped: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stopped.append(number)

    if parallel > 1:
        _say(
            f"warning: up to {parallel} jobs at once disturb each other: latencies, energy and "
            "memory of such runs do not compare with others"
        )
    previous = {number: signal.signal(number, stop) for number in stop_signals()}
    try:
        with Store.open(path) as opened:
            dispatcher = Dispatcher(opened, launchers(path), parallel=parallel, say=_say)
            dispatcher.run(lambda: bool(stopped), jobs=1 if once else None, drain=drain)
            for job in dispatcher.in_hand if stopped else ():
                _say(
                    f"job {job} goes on: `asrprof work` follows it again, "
                    f"`asrprof queue cancel {job}` ends it"
                )
            good = all(
                row.state == "done" and opened.counts(row.id).ok == row.cases_done
                for row in opened.jobs(ids=dispatcher.ended)
            )
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if stopped:
        return 128 + stopped[0]
    return 0 if good else 1


def _say(words: str) -> None:
    typer.echo(f"{utc_now():%Y-%m-%dT%H:%M:%SZ} {plain(words)}")
