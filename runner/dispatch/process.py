"""Target ``local``: a runner as a process of this machine, in a session of its own.

It outlives its dispatcher: it has no terminal, it writes to a file, and nothing waits for it. A
dispatcher that comes later knows it by its process id and start time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import runner
from runner.dispatch.launcher import Exited, Handle, Launcher, LaunchError, Running
from runner.dispatch.logs import last_line, log_path
from store import JobRow, owner_is_dead, process_owner

ROOT = Path(runner.__file__).parent.parent
# Safe path (-P): a folder called `store` where the job was queued must not be imported.
RUNNER = (sys.executable, "-P", "-m", "runner")
KILL_S = 5.0
"""How long a killed process may take to go."""


class ProcessLauncher(Launcher):
    """Starts ``python -m runner --job … --attempt … --store …``."""

    def __init__(self, store_path: Path, command: Sequence[str] = RUNNER) -> None:
        """Runners write to the store at ``store_path``; ``command`` is what starts one."""
        super().__init__(store_path)
        self._command = tuple(command)

    def launch(self, job: JobRow) -> Handle:
        """Starts a process in the folder where the job was queued.

        Raises:
            LaunchError: The system does not start it.
        """
        log = log_path(self._store_path, job.id, job.attempt)
        arguments = (
            *("--job", str(job.id), "--attempt", str(job.attempt)),
            *("--store", str(self._store_path)),
        )
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as output:
                process = subprocess.Popen(
                    (*self._command, *arguments),
                    cwd=job.folder,
                    env=runner_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            raise LaunchError(f"cannot start a runner: {error.strerror or error}{where}") from error
        return _Child(process, log)

    def find(self, job: JobRow) -> Handle | None:
        """The process that was stored when it was started, or that has begun the job since."""
        owner = job.handle or (job.lease_owner if job.state == "running" else None)
        if owner is None or _host(owner) != _host(process_owner()):
            return None
        found = _Adopted(owner, log_path(self._store_path, job.id, job.attempt))
        return found if isinstance(found.poll(), Running) else None


class _Process(Handle):
    """A process with its children, which are one process group."""

    def __init__(self, owner: str, pid: int, log: Path) -> None:
        self._owner = owner
        self._pid = pid
        self._log = log

    @property
    def ref(self) -> str:
        return self._owner

    @property
    def log(self) -> Path:
        return self._log

    def stop(self, grace_s: float) -> None:
        # The runner alone is asked: it ends its children and writes down what it was in.
        self._signal(os.kill, signal.SIGTERM)
        if not self._wait(grace_s):
            self._signal(os.killpg, signal.SIGKILL)
            self._wait(KILL_S)

    def _signal(self, send: Callable[[int, int], None], number: signal.Signals) -> None:
        # Looked at just before: once it is gone, its id may be another's.
        if isinstance(self.poll(), Running):
            with suppress(ProcessLookupError):
                send(self._pid, number)

    def _wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while isinstance(self.poll(), Running):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


class _Child(_Process):
    """A process that this one has started, whose exit code it learns."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        super().__init__(process_owner(process.pid), process.pid, log)
        self._process = process

    def poll(self) -> Running | Exited:
        code = self._process.poll()
        return Running() if code is None else Exited(code, exit_words(code, self._log))


class _Adopted(_Process):
    """A process that another one has started."""

    def __init__(self, owner: str, log: Path) -> None:
        _, _, rest = owner.partition(":")
        pid, _, self._started = rest.partition(":")
        super().__init__(owner, int(pid) if pid.isdecimal() else 0, log)

    def poll(self) -> Running | Exited:
        if self._pid <= 0 or owner_is_dead(self._owner) or not self._has_pid():
            return Exited(None, f"its process {self._owner} is gone")
        return Running()

    def _has_pid(self) -> bool:
        # Where there is no /proc, the id is all there is to go by.
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def _host(owner: str) -> str:
    return owner.partition(":")[0]


def exit_words(code: int, log: Path) -> str:
    """How a process ended, by its exit code (-n for signal n) and the end of its log."""
    if code >= 0:
        last = last_line(log)
        return f"its runner ended with exit code {code}{': ' if last else ''}{last}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # A real-time signal has no name.
        name = f"signal {-code}"
    return f"its runner was killed by {name}"


def runner_environment() -> dict[str, str]:
    """This process's, with the place where it found this package."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if str(ROOT) not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        paths = (str(ROOT), environment.get("PYTHONPATH", ""))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return environment
