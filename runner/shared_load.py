"""A model is loaded once for the cases that follow one another and differ in their work alone.

On a CPU the cases are forked from a process that holds the model (``holder.py``). Where that cannot
be, for whatever reason, a case has a fresh process and loads the model itself: on a GPU, whose
context does not survive a fork; under a variant that changes the model; on an engine whose runtime
has threads of its own; for a single case; in the search for the largest batch, which brings
processes to their end.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import recv_handle, send_handle

from runner import isolation
from runner.catalogue.engines import ENGINES
from runner.grid import CPU, Case
from runner.holder import Unfit, Word
from runner.task import CaseTask, News, Progress, Started, engine_name, utc_now
from store.records import Environment, Result

CASE = "runner.isolation:run_held"
"""What a held model's processes run."""
HOLDERS_A_CASE = 2
"""A case that has lost as many has a fresh process, and those after it too."""
_SAME_MODEL = frozenset({"batching"})
"""Parts of a variant that leave the loaded model as it is."""


class HeldCase:
    """The process of a case that a holder has forked, see :class:`~runner.isolation.CaseProcess`.

    The session is not its parent: a file descriptor stands for it, so that no other process can be
    meant, and the holder says how it ended.
    """

    def __init__(self, handle: int, control: Connection) -> None:
        self.sentinel = handle
        self._control = control
        self._code: int | None = None

    @property
    def exitcode(self) -> int | None:
        """See :class:`~runner.isolation.CaseProcess`."""
        if self._code is None and not self.is_alive():
            try:
                self._code = int(self._control.recv())
            except (EOFError, OSError) as error:
                raise isolation.HolderLost from error
        return self._code

    def join(self, timeout: float | None = None) -> None:
        """See :class:`~runner.isolation.CaseProcess`."""
        wait([self.sentinel], timeout)

    def is_alive(self) -> bool:
        """See :class:`~runner.isolation.CaseProcess`."""
        return not wait([self.sentinel], 0)

    def kill(self) -> None:
        """See :class:`~runner.isolation.CaseProcess`."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.sentinel, signal.SIGKILL)


class Holder:
    """The process that holds a model, from the session's side."""

    def __init__(self, task: CaseTask, body: str = CASE) -> None:
        """Starts it, and it starts to load.

        Args:
            task: A case with this model.
            body: ``module:function`` that runs a case there.

        Raises:
            OSError: no process can be had.
            EOFError: The server that forks them is gone.
        """
        self.request = task.load_request()
        self.environment: Environment | None = None
        self.loaded = False
        self.unfit: str | None = None
        """Why it can never hold the model."""
        self._control, theirs = multiprocessing.Pipe()
        self._case: HeldCase | None = None
        try:
            self._process = isolation.start_holder(theirs, task, body)
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()

    def listen(self, timeout_s: float) -> None:
        """Hears what it says of itself while it loads.

        Raises:
            HolderLost: it is gone.
        """
        if not wait([self._control], timeout_s):
            return
        try:
            word: Word = self._control.recv()
        except (EOFError, OSError) as error:
            raise isolation.HolderLost from error
        if isinstance(word, Started):
            self.environment = word.environment
        elif isinstance(word, Unfit):
            self.unfit = word.reason
        else:
            self.loaded = True

    def start(self, connection: Connection, task: CaseTask, log: str) -> HeldCase:
        """Has a process forked for a case, see :data:`~runner.isolation.Start`.

        Args:
            connection: Its end of the pipe to the session.
            task: The case.
            log: Path of the file for its output.

        Raises:
            HolderLost: it is gone.
        """
        self._forget_case()
        try:
            self._control.send((task, log))
            send_handle(self._control, connection.fileno(), None)
            handle = recv_handle(self._control)
        except (EOFError, OSError) as error:
            raise isolation.HolderLost from error
        self._case = HeldCase(handle, self._control)
        return self._case

    def close(self) -> None:
        """Ends it, and the case in hand with it."""
        if self._case is not None:
            self._case.kill()
            self._case.join(isolation.REAP_S)
        with suppress(isolation.HolderLost):
            self._forget_case()
        self._process.kill()
        self._process.join(isolation.REAP_S)
        self._control.close()

    def _forget_case(self) -> None:
        """Takes the word of how the last one ended, which its reader may not have asked for."""
        case, self._case = self._case, None
        if case is not None:
            try:
                _ = case.exitcode
            finally:
                os.close(case.sentinel)


class _LoadsTooLong(Exception):
    """Loading has used up the time of its case."""


@dataclass
class SharedLoads:
    """Runs the cases of a session, those of one model after the other by one that is loaded."""

    body: str = CASE
    _holder: Holder | None = field(default=None, init=False)
    _unfit: set[tuple[object, ...]] = field(default_factory=set, init=False)
    """Models that cannot be held."""

    def run(
        self,
        task: CaseTask,
        following: Case | None,
        *,
        on_message: Callable[[News], None],
        should_stop: Callable[[], bool],
        on_tick: Callable[[], None] = lambda: None,
    ) -> Result:
        """Runs one case. One whose holder ends under it begins anew, with another.

        Args:
            task: The case.
            following: The next case, if there is one.
            on_message: Told what the case says of itself.
            should_stop: Asked every quarter of a second.
            on_tick: Called as often, to keep a lease.

        Raises:
            Interrupted: ``should_stop`` said so; the case's process is gone.
        """
        run = partial(
            isolation.run_isolated,
            task,
            on_message=on_message,
            should_stop=should_stop,
            on_tick=on_tick,
        )
        for _ in range(HOLDERS_A_CASE):
            if not self._can_share(task, following):
                break
            began, started_at = time.monotonic(), utc_now()
            try:
                holder = self._hold(task)
                self._wait_for(holder, task, on_message, should_stop, on_tick)
                spent_s = time.monotonic() - began
                result = run(start=holder.start, spent_s=spent_s)
            except _LoadsTooLong:
                self.close()
                return task.outcome(
                    *isolation.too_late(task),
                    started_at=started_at,
                    wall_s=time.monotonic() - began,
                    environment=holder.environment,
                )
            except isolation.HolderLost:
                self.close()
            else:
                return replace(result, wall_s=result.wall_s + spent_s)
        else:
            self._unfit.add(_subject(task.case))
        self.close()
        return run()

    def close(self) -> None:
        """Ends the holder there is; the memory of its model is free then."""
        if self._holder is not None:
            self._holder.close()
            self._holder = None

    def _can_share(self, task: CaseTask, following: Case | None) -> bool:
        case = task.case
        if (
            task.trial
            or task.counts_alone
            or not is_shareable(case)
            or _subject(case) in self._unfit
        ):
            return False
        if self._holder is not None and self._holder.request == task.load_request():
            return True
        return (
            following is not None
            and is_shareable(following)
            and _subject(following) == _subject(case)
        )

    def _hold(self, task: CaseTask) -> Holder:
        """The holder of a case's model, which may still be loading."""
        if self._holder is None or self._holder.request != task.load_request():
            self.close()
            try:
                self._holder = Holder(task, self.body)
            except (EOFError, OSError) as error:
                raise isolation.HolderLost from error
        return self._holder

    def _wait_for(
        self,
        holder: Holder,
        task: CaseTask,
        on_message: Callable[[News], None],
        should_stop: Callable[[], bool],
        on_tick: Callable[[], None],
    ) -> None:
        """Returns when the model is there."""
        if holder.loaded:
            return
        on_message(Progress("loading", 0.0))
        deadline = time.monotonic() + task.limits.case_seconds
        while not holder.loaded:
            holder.listen(isolation.TICK_S)
            on_tick()
            if should_stop():
                raise isolation.Interrupted
            if holder.unfit is not None:
                self._unfit.add(_subject(task.case))
                raise isolation.HolderLost(holder.unfit)
            if not holder.loaded and time.monotonic() > deadline:
                raise _LoadsTooLong


def _subject(case: Case) -> tuple[object, ...]:
    """What cases that share a model have in common."""
    return (case.model, case.device, case.variant)


def is_shareable(case: Case) -> bool:
    """Whether the process of a case could be forked from one that holds its model."""
    if case.device != CPU or case.batch_size == "max" or not _can_follow_processes():
        return False
    entry = ENGINES.get(engine_name(case))  # None where the name alone does not tell.
    return case.variant.parts.keys() <= _SAME_MODEL and (entry is None or entry.forkable)


@cache
def _can_follow_processes() -> bool:
    """Whether the kernel lets a process be followed that is no child."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True
