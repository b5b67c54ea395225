"""The runner on a node: a container where there is an engine with the image, else a process."""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from runner.dispatch.container import ContainerLauncher
from runner.dispatch.fleet.messages import Order
from runner.dispatch.launcher import Exited, Handle, LaunchError, Unreachable
from runner.dispatch.logs import log_path, spool_path
from runner.dispatch.process import RUNNER, exit_words, runner_environment
from runner.spool import write_ticket
from store import JobRequest, Store, process_owner

_PR_SET_PDEATHSIG = 1
KILL_S = 5.0


class LocalRunner(ABC):
    """A runner on this machine that writes into a spool."""

    log: Path
    """The file with its output."""
    spool: Path
    """The folder with its spool."""

    @abstractmethod
    def end(self) -> Exited | None:
        """How it ended; None while it lives."""

    @abstractmethod
    def ask_to_end(self) -> None:
        """Asks it to write down what it was in, and to end."""

    @abstractmethod
    def kill(self) -> None:
        """Ends it now; fine if it has ended."""


def start_runner(order: Order, folder: Path, work: Path) -> LocalRunner:
    """Starts what an order asks for.

    Args:
        order: What to run, and as what.
        folder: Where everything of it may lie.
        work: Where relative paths of the config start.

    Raises:
        LaunchError: It cannot be started.
        OSError: Its files cannot be written.
    """
    if order.kind != "process" and not order.command:
        try:
            return ContainerRunner(order, folder, work)
        except LaunchError:
            if order.kind == "container":
                raise
    return ProcessRunner(order, folder, work)


class ProcessRunner(LocalRunner):
    """A process, which the kernel ends when this one goes."""

    def __init__(self, order: Order, folder: Path, work: Path) -> None:
        """Starts it.

        Args:
            order: The attempt, and what it needs.
            folder: Gets the runner's output and its spool.
            work: Where relative paths of the config start.

        Raises:
            LaunchError: It cannot be started.
        """
        self.log = folder / "runner.log"
        self.spool = folder / "spool"
        write_ticket(self.spool, order.ticket)
        command = (*(order.command or RUNNER), "--spool", str(self.spool))
        started: queue.Queue[subprocess.Popen[bytes] | OSError] = queue.Queue()
        # The kernel's promise is bound to the thread that starts the runner: it must not end first.
        threading.Thread(
            target=self._run, args=(command, work, order.environment, started), daemon=True
        ).start()
        process = started.get()
        if isinstance(process, OSError):
            raise LaunchError(f"cannot start a runner: {process.strerror}") from process
        self._process = process

    def _run(
        self,
        command: tuple[str, ...],
        work: Path,
        environment: Mapping[str, str],
        started: queue.Queue[subprocess.Popen[bytes] | OSError],
    ) -> None:
        prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

        def die_with_parent() -> None:
            if prctl is not None:
                prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

        try:
            with self.log.open("ab") as output:
                process = subprocess.Popen(
                    command,
                    cwd=work,
                    env={**_own_environment(), **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    # It sets one flag, and takes no lock that another thread may hold.
                    preexec_fn=die_with_parent,  # noqa: PLW1509
                )
        except OSError as error:
            started.put(error)
            return
        started.put(process)
        process.wait()

    def end(self) -> Exited | None:
        code = self._process.poll()
        return None if code is None else Exited(code, exit_words(code, self.log))

    def ask_to_end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_S)


class ContainerRunner(LocalRunner):
    """A container of this node's engine.

    The launcher of containers serves a store: here that is one of this attempt alone, which
    nobody reads.
    """

    def __init__(self, order: Order, folder: Path, work: Path) -> None:
        """Starts it.

        Args:
            order: The attempt, and what it needs.
            folder: Gets the runner's output and its spool.
            work: Where relative paths of the config start.

        Raises:
            LaunchError: There is no engine, or no image, or it cannot be started.
        """
        path = folder / "store" / "node.db"
        launcher = ContainerLauncher(
            path,
            "cuda" if order.cuda else "cpu",
            environ={**os.environ, **order.environment},
            mode="spool",
            ticket=order.ticket,
        )
        launcher.check()
        launcher.remove_orphans()
        with Store.open(path) as store:
            benchmark = store.add_benchmark(
                str(json.loads(order.ticket.config).get("name", "")), order.ticket.config
            )
            job_id = store.queue.add(
                benchmark, JobRequest(target=launcher.target, folder=str(work)), cases_total=1
            )
            job = store.attempts.claim(process_owner(), 1e9, targets=(launcher.target,))
            assert job is not None and job.id == job_id
        self.log = log_path(path, job.id, job.attempt)
        self.spool = spool_path(path, job.id, job.attempt)
        self._handle: Handle = launcher.launch(job)

    def end(self) -> Exited | None:
        found = self._handle.poll()
        if isinstance(found, Unreachable):
            return None
        return found if isinstance(found, Exited) else None

    def ask_to_end(self) -> None:
        threading.Thread(target=self._handle.stop, args=(1e9,), daemon=True).start()

    def kill(self) -> None:
        self._handle.stop(0)
        self._handle.release()


def _own_environment() -> dict[str, str]:
    """This process's, without the thread count that Ray gives an actor that asks for no CPU."""
    environment = runner_environment()
    environment.pop("OMP_NUM_THREADS", None)
    return environment
