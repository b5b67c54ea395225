"""Stores with queued jobs, quick stand-ins for runners, and dispatchers as processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.process import ProcessLauncher
from store import JobRequest, Store
from tests.conftest import clean_environment

# A runner without a benchmark: begins its job, writes a row for each case, and does what its
# job's folder says on the way. It imports the store only, so that fifty of them take seconds.
RUNNER = """
import os, signal, sys, time
from pathlib import Path
from store import Result, Stop, Store, process_owner, stop_of, timestamp, utc_now

given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
job, attempt = int(given["--job"]), int(given["--attempt"])

def has(name):
    return Path(name).exists()

with open("ran.txt", "a") as file:
    file.write(f"{job} {attempt} {os.getpid()}\\n")
if has("hog"):
    hoard = [bytearray(2**20) for _ in range(10**6)]
if has("no-start"):
    sys.exit("error: no speech here")
while has("slow-start"):
    time.sleep(0.02)
stopped = []
if has("stubborn"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
with Store.open(given["--store"]) as store:
    owner = process_owner()
    store.attempts.begin(job, attempt, owner, 30)
    done = store.case_keys(job)
    for case in range(store.job(job).cases_total):
        if f"case-{case}" in done:
            continue
        with open("cases.txt", "a") as file:
            file.write(f"{job} case-{case}\\n")
        store.write_result(job, Result(
            case_key=f"case-{case}", model="m", engine="e", weights="random", revision=None,
            device="cpu", variant="fp32", audio_seconds=5.0, batch_size=1, seed=0, state="ok",
            reason=None, started_at=timestamp(utc_now()), wall_s=0.0,
        ))
        while has("hold") and not stopped:
            time.sleep(0.02)
        if stopped:
            unasked = Stop(state="failed", reason="interrupted by SIGTERM")
            stop = stop_of(store.job(job), utc_now()) or unasked
            store.finish_job(job, stop.state, stop.reason, owner=owner)
            sys.exit(143)
    if has("no-end"):
        sys.exit(0)
    store.finish_job(job, "done", owner=owner)
"""

DISPATCHER = """
import sys
from pathlib import Path
from runner.dispatch.dispatcher import Dispatcher
from runner.dispatch.process import ProcessLauncher
from store import Store

path, runner, barrier = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "wait"
with Store.open(path) as store:
    launcher = ProcessLauncher(path, command=(sys.executable, runner))
    dispatcher = Dispatcher(store, {"local": launcher}, poll_s=0.02, grace_s=2)
    if barrier:
        print("ready", flush=True)
        sys.stdin.readline()
    dispatcher.run(drain=True)
    print(*dispatcher.ended, flush=True)
"""


class Yard:
    """A store with its queue, a stand-in for the runner, and the files that steer it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "results" / "asrprof.db"
        self.store = Store.open(self.path)
        self._runner = folder / "quick_runner.py"
        self._runner.write_text(RUNNER)
        self._started: list[subprocess.Popen[str]] = []

    def add(self, cases: int = 2, time_limit_s: float | None = None, priority: int = 0) -> int:
        """Queues a job."""
        benchmark = self.store.add_benchmark("quick", '{"name": "quick"}')
        return self.store.queue.add(
            benchmark,
            JobRequest(
                target="local",
                priority=priority,
                time_limit_s=time_limit_s,
                folder=str(self.folder),
            ),
            cases_total=cases,
        )

    def flag(self, name: str, on: bool = True) -> None:
        """Changes what runners do."""
        if on:
            (self.folder / name).touch()
        else:
            (self.folder / name).unlink()

    def lines(self, name: str) -> list[str]:
        """What the runners noted in a file."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    @property
    def launcher(self) -> ProcessLauncher:
        """Starts the stand-in."""
        return ProcessLauncher(self.path, command=(sys.executable, str(self._runner)))

    def dispatcher(self, **options: object) -> Dispatcher:
        """A dispatcher in this process."""
        given = {"poll_s": 0.02, "grace_s": 2.0, **options}
        return Dispatcher(self.store, {"local": self.launcher}, **given)  # type: ignore[arg-type]

    def spawn_dispatcher(self, wait: bool = False) -> subprocess.Popen[str]:
        """A dispatcher in a process of its own, which drains the queue."""
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", DISPATCHER, str(self.path), str(self._runner)),
                "wait" if wait else "go",
            ],
            env=clean_environment(self.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def runner_pid(self, job: int) -> int:
        """The process of a job's runner."""
        handle = self.store.job(job).handle
        assert handle is not None
        return int(handle.split(":")[1])

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for line in self.lines("ran.txt"):
            pid = int(line.split()[2])
            try:
                if str(self._runner) in psutil.Process(pid).cmdline():
                    os.kill(pid, 9)
            except (psutil.Error, ProcessLookupError):
                continue
        self.store.close()


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.close()


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Waits for something that must happen soon."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
